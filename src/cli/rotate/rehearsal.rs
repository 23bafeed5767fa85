//! A rehearsal for people: steps, builds at each instant, faults. As text, and as a page ([`html`]).
//!
//! - `tally`: how many builds come to each outcome
//! - `axis`: where each instant stands in drawings
//! - `timeline`, `grid`: the drawings
//! - [`html`]: the page

mod axis;
mod grid;
pub mod html;
mod tally;
mod timeline;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use self::tally::Tally;
use crate::base::finding::{self, Severity};
use crate::base::plain::plain;
use crate::cli::report::{self, FAINT, STRONG};
use crate::cli::table::{Cell, Rows};
use crate::cli::terminal::Terminal;
use crate::context::rotation::rehearsal::{Moment, Outcome, Rollback};
use crate::ops::rotate::{RehearsalDocument, ShownBuilds};

const STEPS: [&str; 5] = ["step", "product", "at", "revision", "rollback"];
const BUILDS: [&str; 8] = [
    "at",
    "what",
    "branch",
    "pass",
    "blocked rightly",
    "blocked, would build",
    "pass, would fail",
    "by",
];
const FAULTS: [&str; 7] = [
    "fault",
    "builds",
    "pass",
    "blocked rightly",
    "blocked, would build",
    "pass, would fail",
    "rollback",
];

/// Shows a rehearsal.
pub(super) fn show(
    document: &RehearsalDocument,
    written: Option<&Path>,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    if finding::any_blocks(&document.findings) {
        report::blocked(out, &document.head, &document.findings, terminal)?;
        writeln!(out)?;
    }
    let mut rows = Rows::new(&STEPS);
    for step in &document.steps {
        rows.add([
            Cell::new(step.step.as_str()),
            Cell::new(step.product.as_deref().unwrap_or("-")),
            Cell::new(&minute(step.at)),
            Cell::new(&step.revision.to_string()),
            rollback(step.rollback),
        ]);
    }
    section(out, "steps", rows, &STEPS, terminal)?;
    let mut rows = Rows::new(&BUILDS);
    for builds in &document.builds {
        let place = document.place_of(builds.at);
        let moment = place.and_then(|place| document.calendar.get(place));
        rows.add(row(builds, moment));
    }
    let nodes = report::counted(document.nodes.len(), "machine");
    let title = format!("builds on {nodes}");
    section(out, &title, rows, &BUILDS, terminal)?;
    if let Some(left_out) = left_out(document) {
        writeln!(out, "{FAINT}{left_out}{FAINT:#}")?;
    }
    let mut rows = Rows::new(&FAULTS);
    for fault in &document.faults {
        rows.add([
            Cell::new(fault.fault.as_str()),
            Cell::new(&fault.builds.to_string()),
            Cell::new(&fault.pass.to_string()),
            Cell::new(&fault.blocked_rightly.to_string()),
            Cell::new(&fault.blocked_though_they_would_build.to_string()),
            missed(
                fault.pass_though_they_would_fail,
                fault.prevented_by.is_some(),
            ),
            rollback(fault.rollback),
        ]);
    }
    section(out, "faults", rows, &FAULTS, terminal)?;
    for fault in &document.faults {
        if let Some(prevented) = fault
            .prevented_by
            .filter(|_| fault.pass_though_they_would_fail > 0)
        {
            let fault = fault.fault.as_str();
            writeln!(
                out,
                "  {FAINT}{fault}:{FAINT:#} only a gate that reads the project sees it; {prevented}"
            )?;
        }
    }
    writeln!(out, "\n{STRONG}machines{STRONG:#}")?;
    for node in &document.nodes {
        let imports: Vec<String> = node.imports.iter().map(|name| plain(name)).collect();
        let imports = match imports.is_empty() {
            true => String::new(),
            false => format!(", import {}", imports.join(", ")),
        };
        let host = plain(node.host.as_str());
        writeln!(
            out,
            "  {host}  {FAINT}to do:{FAINT:#} install {} successors{imports}",
            node.installs
        )?;
    }
    writeln!(out, "\n{STRONG}not judged{STRONG:#}")?;
    for words in &document.not_judged {
        report::paragraph(out, "  ", words, terminal.width)?;
    }
    if let Some(file) = written {
        let file = plain(&file.display().to_string());
        writeln!(out, "\n{STRONG}page{STRONG:#}\n  {file}")?;
    }
    Ok(())
}

/// How many later instants were left out, if any.
fn left_out(document: &RehearsalDocument) -> Option<String> {
    match document.instants_left_out {
        0 => None,
        1 => Some("1 later instant is left out".to_owned()),
        many => Some(format!("{many} later instants are left out")),
    }
}

fn section(
    out: &mut dyn Write,
    title: &str,
    rows: Rows,
    columns: &[&str],
    terminal: &Terminal,
) -> io::Result<()> {
    writeln!(out, "{STRONG}{title}{STRONG:#}")?;
    let columns: Vec<String> = columns.iter().map(|it| (*it).to_owned()).collect();
    rows.write(out, &columns, terminal)?;
    writeln!(out)
}

/// `2027-01-31 08:15`.
fn minute(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn row(builds: &ShownBuilds, moment: Option<&Moment>) -> [Cell; 8] {
    let tally = Tally::of(builds);
    let count = |outcome: Outcome| tally.count(outcome);
    let by: BTreeSet<&str> = builds
        .groups
        .iter()
        .flat_map(|group| {
            let codes = group.blocked_by.iter().map(|code| code.as_str());
            // Where the gate says nothing, why it fails does.
            let fails = group.fails.filter(|_| group.blocked_by.is_empty());
            codes.chain(fails.map(|cause| cause.as_str()))
        })
        .collect();
    let by: Vec<&str> = by.into_iter().collect();
    [
        Cell::new(&minute(builds.at)),
        Cell::new(&moment.map_or(String::new(), Moment::title)),
        Cell::new(&builds.branch),
        Cell::new(&count(Outcome::Passes).to_string()),
        Cell::new(&count(Outcome::BlockedRightly).to_string()),
        Cell::new(&count(Outcome::BlockedThoughItWouldBuild).to_string()),
        missed(count(Outcome::PassesThoughItWouldFail), false),
        Cell::new(&by.join(", ")),
    ]
}

/// Builds that pass and fail: what a rehearsal looks for.
fn missed(count: usize, is_prevented: bool) -> Cell {
    let cell = Cell::new(&count.to_string());
    match count > 0 && !is_prevented {
        true => cell.styled(report::style(Severity::Block)),
        false => cell,
    }
}

fn rollback(rollback: Rollback) -> Cell {
    let cell = Cell::new(rollback.as_str());
    match rollback {
        Rollback::DoesNotRestore => cell.styled(report::style(Severity::Block)),
        Rollback::Restores | Rollback::DoesNotApply => cell,
    }
}
