//! A rehearsal as a page of HTML, `templates/rehearsal.html`.
//!
//! It has the frame, the tables and the facts of the report's page ([`crate::cli::page`]): one file without a network or a script, and the
//! same bytes for the same document. A page is no verdict, and opens nothing.

use std::collections::BTreeMap;

use askama::Template;

use super::axis::{self, Axis};
use super::grid::{self, Grid};
use super::tally::{self, OUTCOMES, Tally};
use super::timeline::{self, Timeline};
use crate::base::cause::{self, Cause};
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::cli::page::fact::{Fact, in_one_line};
use crate::cli::page::frame::{Frame, VERSION};
use crate::cli::page::row::Row;
use crate::cli::page::shown::minute;
use crate::cli::remedies;
use crate::cli::report::counted;
use crate::cli::typed::Typed;
use crate::context::rotation::rehearsal::{Outcome, RehearsedFault, RehearsedNode, Rollback};
use crate::ops::rotate::RehearsalDocument;

/// The page, as its template sees it.
#[derive(Debug, Template)]
#[template(path = "rehearsal.html")]
struct Page {
    frame: Frame,
    outcomes: Vec<Meant>,
    findings: Vec<Fact>,
    remarks: Vec<Fact>,
    steps: Vec<Row>,
    axis: Axis,
    axis_width: f64,
    timeline: Timeline,
    calendar: Vec<Row>,
    left_out: Option<String>,
    grids: Vec<Grid>,
    faults: Vec<Row>,
    machines: Vec<ToDo>,
    not_judged: Vec<String>,
}

/// An outcome, what it means, and how many builds come to it.
#[derive(Debug)]
struct Meant {
    class: &'static str,
    sign: &'static str,
    count: usize,
    words: &'static str,
    meaning: &'static str,
}

/// What is to be done on machines alike.
#[derive(Debug)]
struct ToDo {
    /// The first of them, and how many more there are.
    name: String,
    /// All of them, if there are several.
    names: Option<String>,
    install: String,
    import: String,
    /// What is not known of them.
    unknown: String,
}

/// The page of a rehearsal.
///
/// # Errors
/// The template cannot be filled in, which is a defect.
pub fn page(document: &RehearsalDocument) -> Result<String, askama::Error> {
    let mut findings = document.findings.clone();
    for finding in &mut findings {
        remedies::complete(finding, &Typed::default());
    }
    let causes = cause::causes(&findings);
    let (remarks, wrong): (Vec<&Cause<'_>>, Vec<&Cause<'_>>) = causes
        .iter()
        .partition(|cause| cause.first.severity == Severity::Info);
    let axis = Axis::of(&document.calendar);
    let tallies = tallies(document);
    let all = tallies.iter().copied().fold(Tally::default(), Tally::with);
    Page {
        frame: frame(document, &causes, &all),
        outcomes: OUTCOMES.map(|outcome| meant(outcome, &all)).into(),
        findings: wrong.into_iter().map(Fact::of_cause).collect(),
        remarks: remarks.into_iter().map(Fact::of_cause).collect(),
        steps: steps(document),
        axis_width: axis::WIDTH,
        timeline: timeline::draw(&document.calendar, &axis),
        calendar: calendar(document, &tallies),
        left_out: super::left_out(document),
        grids: grid::grids(document, &axis),
        axis,
        faults: document.faults.iter().map(fault).collect(),
        machines: machines(document),
        not_judged: document.not_judged.iter().map(|it| plain(it)).collect(),
    }
    .render()
}

fn frame(document: &RehearsalDocument, causes: &[Cause<'_>], all: &Tally) -> Frame {
    let revision = document.manifest.revision;
    let at = minute(document.at);
    let (headline, class) = headline(causes);
    let branches = match document.branches.len() {
        1 => "1 branch".to_owned(),
        many => format!("{many} branches"),
    };
    let with_faults: usize = document.faults.iter().map(|it| it.builds).sum();
    let next = format!(
        "{}, {}, {branches}, {}: {}, and {with_faults} more with faults",
        counted(document.steps.len(), "step"),
        counted(document.nodes.len(), "machine"),
        counted(document.calendar.len(), "instant"),
        counted(all.builds(), "build"),
    );
    Frame {
        subject: format!("Rehearsal of a rotation from manifest revision {revision}, {at}"),
        headline,
        class,
        next: Some(next),
        sources: vec![(
            "Manifest",
            format!("revision {revision}"),
            document.manifest.digest.to_string(),
        )],
        version: VERSION,
    }
}

/// What there is to say first, and its class.
fn headline(causes: &[Cause<'_>]) -> (String, &'static str) {
    let blocking: Vec<&Cause<'_>> = cause::blocking(causes).collect();
    if let Some(problems) = in_one_line(&blocking) {
        return (problems, "block");
    }
    let well = "as planned, no build would pass the gate and fail";
    let warnings = causes
        .iter()
        .filter(|cause| cause.first.severity == Severity::Warn);
    match warnings.count() {
        0 => (well.to_owned(), "ok"),
        many => (format!("{well}; {}", counted(many, "warning")), "warn"),
    }
}

fn meant(outcome: Outcome, all: &Tally) -> Meant {
    Meant {
        class: tally::class(outcome),
        sign: tally::sign(outcome),
        count: all.count(outcome),
        words: tally::of_many(outcome),
        meaning: tally::meaning(outcome),
    }
}

/// The builds of all branches at each instant.
fn tallies(document: &RehearsalDocument) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); document.calendar.len()];
    for builds in &document.builds {
        let place = document.place_of(builds.at);
        if let Some(tally) = place.and_then(|place| tallies.get_mut(place)) {
            *tally = tally.with(Tally::of(builds));
        }
    }
    tallies
}

fn steps(document: &RehearsalDocument) -> Vec<Row> {
    let rows = document.steps.iter().map(|step| {
        let class = match step.rollback {
            Rollback::DoesNotRestore => "block",
            Rollback::Restores | Rollback::DoesNotApply => "ok",
        };
        Row::of(
            class,
            [
                step.step.as_str().to_owned(),
                step.product.clone().unwrap_or_default(),
                minute(step.at),
                step.revision.to_string(),
                step.rollback.as_str().to_owned(),
            ],
        )
    });
    rows.collect()
}

fn calendar(document: &RehearsalDocument, tallies: &[Tally]) -> Vec<Row> {
    let moments = document.calendar.iter().zip(tallies).enumerate();
    let rows = moments.map(|(place, (moment, tally))| {
        let class = match (
            tally.count(Outcome::PassesThoughItWouldFail),
            axis::steps_at(moment).is_empty(),
        ) {
            (1.., _) => "block",
            (0, false) => "step",
            (0, true) => "ok",
        };
        let [passes, rightly, would, missed] =
            OUTCOMES.map(|outcome| tally.count(outcome).to_string());
        Row::of(
            class,
            [
                (place + 1).to_string(),
                minute(moment.at),
                moment.title(),
                passes,
                rightly,
                would,
                missed,
            ],
        )
    });
    rows.collect()
}

fn fault(fault: &RehearsedFault) -> Row {
    let missed = fault.pass_though_they_would_fail;
    let stuck = fault.rollback == Rollback::DoesNotRestore;
    let class = match (missed, fault.prevented_by, stuck) {
        _ if fault.builds == 0 => "none",
        (1.., None, true) => "block miss stuck",
        (1.., None, false) => "block miss",
        (_, _, true) => "block stuck",
        (1.., Some(_), false) => "warn miss",
        (0, _, false) => "ok",
    };
    let causes: Vec<&str> = fault.causes.iter().map(|it| it.as_str()).collect();
    let prevented = match missed {
        0 => None,
        _ => fault.prevented_by,
    };
    Row::of(
        class,
        [
            fault.fault.as_str().to_owned(),
            fault.builds.to_string(),
            fault.pass.to_string(),
            fault.blocked_rightly.to_string(),
            fault.blocked_though_they_would_build.to_string(),
            missed.to_string(),
            fault.rollback.as_str().to_owned(),
            causes.join(", "),
            prevented.unwrap_or_default().to_owned(),
        ],
    )
}

/// What is to be done on each machine, those together on which it is the same.
fn machines(document: &RehearsalDocument) -> Vec<ToDo> {
    let mut places: BTreeMap<(bool, usize, &[String], bool, usize), usize> = BTreeMap::new();
    let mut alike: Vec<Vec<&RehearsedNode>> = Vec::new();
    for node in &document.nodes {
        let what = (
            node.own,
            node.installs,
            &*node.imports,
            node.identities_known,
            node.unknown_files,
        );
        let place = *places.entry(what).or_insert(alike.len());
        match alike.get_mut(place) {
            Some(nodes) => nodes.push(node),
            None => alike.push(vec![node]),
        }
    }
    alike.iter().filter_map(|nodes| to_do(nodes)).collect()
}

fn to_do(nodes: &[&RehearsedNode]) -> Option<ToDo> {
    let (first, more) = nodes.split_first()?;
    let host = plain(first.host.as_str());
    let name = match (more.len(), first.own) {
        (0, true) => format!("{host} (this machine)"),
        (0, false) => host,
        (many, _) => format!("{host} and {many} more"),
    };
    let names = || {
        let names: Vec<String> = nodes.iter().map(|it| plain(it.host.as_str())).collect();
        names.join(", ")
    };
    let imports: Vec<String> = first.imports.iter().map(|it| plain(it)).collect();
    let mut unknown = Vec::new();
    if !first.identities_known {
        unknown.push("its identities".to_owned());
    }
    if first.unknown_files > 0 {
        unknown.push(counted(first.unknown_files, "installed file"));
    }
    Some(ToDo {
        name,
        names: (!more.is_empty()).then(names),
        install: match first.installs {
            0 => "nothing".to_owned(),
            many => counted(many, "successor"),
        },
        import: match imports.is_empty() {
            true => "nothing".to_owned(),
            false => imports.join(", "),
        },
        unknown: unknown.join(", "),
    })
}
