//! The report as a page of HTML, `templates/signing.html`.
//!
//! The template is compiled into the program, and escapes all that it shows. The same document gives the same bytes. Texts of others reach it on one line and
//! without active characters ([`plain`]).

use askama::Template;

use super::fact::{DO, Fact, in_one_line};
use super::frame::{Frame, VERSION};
use super::graph::{self, Graph};
use super::row::Row;
use super::shown::{class, day, left, minute};
use super::timeline::{self, Timeline};
use crate::base::cause::{self, Cause};
use crate::base::finding::{Finding, Severity};
use crate::base::plain::plain;
use crate::ops::page::document::ReportDocument;
use crate::ops::page::expiries::{Expiring, Standing};
use crate::ops::report::VerdictWord;

/// The page, as its template sees it.
#[derive(Debug, Template)]
#[template(path = "signing.html")]
struct Page {
    frame: Frame,
    findings: Vec<Fact>,
    remarks: Vec<Fact>,
    missing: Vec<Fact>,
    minimum_validity: String,
    warn_before: String,
    timeline: Timeline,
    timeline_width: f64,
    expiries: Vec<Row>,
    targets_are_empty: bool,
    graph: Graph,
    graph_width: f64,
    box_width: f64,
    box_height: f64,
    certificates: Vec<Row>,
    profiles: Vec<Row>,
    products: Vec<Row>,
    gates: Vec<Row>,
    windows: Vec<Row>,
}

/// The page of a report.
///
/// # Errors
/// The template cannot be filled in, which is a defect.
pub fn page(document: &ReportDocument) -> Result<String, askama::Error> {
    let (unobserved, wrong): (Vec<&Finding>, Vec<&Finding>) = document
        .findings
        .iter()
        .partition(|finding| is_unobserved(finding));
    let (remarks, causes): (Vec<Cause<'_>>, Vec<Cause<'_>>) = cause::causes(wrong)
        .into_iter()
        .partition(|cause| cause.first.severity == Severity::Info);
    let mut missing: Vec<Fact> = document.missing.iter().map(of_missing).collect();
    missing.extend(unobserved.into_iter().map(Fact::of_finding));
    Page {
        frame: frame(document),
        findings: causes.iter().map(Fact::of_cause).collect(),
        remarks: remarks.iter().map(Fact::of_cause).collect(),
        missing,
        minimum_validity: document.limits.minimum_validity.clone(),
        warn_before: document.limits.warn_before.clone(),
        timeline: timeline::draw(document),
        timeline_width: timeline::WIDTH,
        expiries: expiries(document),
        targets_are_empty: document.targets.is_empty() && document.products.is_empty(),
        graph: graph::draw(document),
        graph_width: graph::WIDTH,
        box_width: graph::BOX_WIDTH,
        box_height: graph::BOX_HEIGHT,
        certificates: certificates(document),
        profiles: profiles(document),
        products: products(document),
        gates: gates(document),
        windows: windows(document),
    }
    .render()
}

/// What the page begins and ends with.
fn frame(document: &ReportDocument) -> Frame {
    let host = document.host.as_ref();
    let host = host.map_or("this host".to_owned(), |it| plain(it.as_str()));
    Frame {
        subject: format!("Signing context of {host}, {}", minute(document.at)),
        headline: headline(document),
        class: headline_class(document),
        next: next(document),
        sources: sources(document),
        version: VERSION,
    }
}

/// The problems among what was looked at that block, the first one in front.
fn blocking(document: &ReportDocument) -> Vec<Cause<'_>> {
    let seen = document.findings.iter().filter(|it| !is_unobserved(it));
    let mut causes = cause::causes(seen);
    causes.retain(|cause| cause.first.severity == Severity::Block);
    causes
}

/// The colour of the headline is that of its words.
fn headline_class(document: &ReportDocument) -> &'static str {
    match (document.verdict, blocking(document).len()) {
        (Some(VerdictWord::Cleared), _) => "ok",
        (_, 0) => "warn",
        (_, _) => "block",
    }
}

/// What there is to say first.
pub(super) fn headline(document: &ReportDocument) -> String {
    let blocking = blocking(document);
    let blocking: Vec<&Cause<'_>> = blocking.iter().collect();
    match (document.verdict, in_one_line(&blocking)) {
        (Some(VerdictWord::Cleared), _) => "a gate would clear this machine".to_owned(),
        (_, Some(problems)) => format!("signing is blocked: {problems}"),
        (Some(VerdictWord::Blocked), None) => {
            "nothing that was looked at blocks signing; a gate asks for more".to_owned()
        }
        (None, None) => "no verdict: something that a gate needs is missing".to_owned(),
    }
}

/// Whether a finding says that nobody looked, rather than that something is wrong.
fn is_unobserved(finding: &Finding) -> bool {
    finding.code.as_str().ends_with("-unobserved")
}

/// What expires next.
fn next(document: &ReportDocument) -> Option<String> {
    let mut ahead = document.expiries.iter();
    let first = ahead.find(|it| it.standing != Standing::Expired)?;
    Some(format!(
        "Next to expire: {} {}, on {} ({})",
        first.what.as_str(),
        plain(&first.name),
        day(first.expires),
        left(first.days_left, false)
    ))
}

fn of_missing(missing: &crate::ops::page::document::Missing) -> Fact {
    let hint = missing.hint.as_ref();
    Fact {
        class: "info",
        label: missing.part.as_str().to_owned(),
        message: plain(&missing.why),
        lines: hint.map(|hint| (DO, plain(hint))).into_iter().collect(),
        more: Vec::new(),
    }
}

fn expiries(document: &ReportDocument) -> Vec<Row> {
    let rows = document.expiries.iter().map(|it| {
        let is_expired = it.standing == Standing::Expired;
        let id = match it.what {
            Expiring::Profile => it.id.clone(),
            // Enough to find it by.
            Expiring::Certificate => it.id.chars().take(16).collect(),
            Expiring::Intermediate => String::new(),
        };
        Row::of(
            class(it.standing),
            [
                day(it.expires),
                left(it.days_left, is_expired),
                it.what.as_str().to_owned(),
                it.name.clone(),
                id,
            ],
        )
    });
    rows.collect()
}

fn certificates(document: &ReportDocument) -> Vec<Row> {
    let rows = document.certificates.iter().map(|it| {
        let sha256 = it.sha256.to_string();
        Row::of(
            standing_class(document, &sha256),
            [
                it.name.clone(),
                it.serial.clone(),
                it.profiles.to_string(),
                it.signs.to_string(),
                it.issuer.clone(),
                sha256,
            ],
        )
    });
    rows.collect()
}

fn profiles(document: &ReportDocument) -> Vec<Row> {
    let rows = document.profiles.iter().map(|it| {
        let state = it
            .state
            .map_or("not pinned".to_owned(), |state| state.to_string());
        Row::of(
            standing_class(document, it.uuid.as_str()),
            [
                it.name.clone(),
                it.kind.to_string(),
                it.bundle_id.to_string(),
                it.team_id.to_string(),
                state,
                it.uuid.to_string(),
            ],
        )
    });
    rows.collect()
}

fn standing_class(document: &ReportDocument, id: &str) -> &'static str {
    let mut known = document.expiries.iter();
    known
        .find(|it| it.id == id)
        .map_or("ok", |it| class(it.standing))
}

fn products(document: &ReportDocument) -> Vec<Row> {
    let rows = document.products.iter().map(|it| {
        let name = document
            .profiles
            .iter()
            .find(|profile| profile.uuid == it.profile);
        Row::of(
            match it.certificate {
                Some(_) => standing_class(document, it.profile.as_str()),
                None => "block",
            },
            [
                it.name.to_string(),
                it.bundle_id.to_string(),
                name.map_or("its profile is not here".to_owned(), |it| it.name.clone()),
                it.profile.to_string(),
            ],
        )
    });
    rows.collect()
}

fn gates(document: &ReportDocument) -> Vec<Row> {
    let rows = document.gates.iter().map(|it| {
        let why = match (&it.blocked_by, &it.waived) {
            (Some(codes), _) => codes.clone(),
            (None, Some(waived)) => format!("without {waived}"),
            (None, None) => String::new(),
        };
        Row::of(
            match it.verdict {
                VerdictWord::Cleared => "ok",
                VerdictWord::Blocked => "block",
            },
            [
                minute(it.at),
                it.verdict.as_str().to_owned(),
                it.host.to_string(),
                it.job.clone().or(it.run.clone()).unwrap_or_default(),
                why,
            ],
        )
    });
    rows.collect()
}

fn windows(document: &ReportDocument) -> Vec<Row> {
    let rows = document.windows.iter().map(|it| {
        let lasted = it
            .closed
            .map(|closed| crate::base::clock::show_duration(closed.duration_since(it.opened)));
        let how = match it.closed_by.as_deref() {
            Some("keychain-lock") => "closed",
            Some(_) => "closed by a recovery",
            None => "no record of its closing",
        };
        Row::of(
            match it.closed_by.as_deref() {
                Some("keychain-lock") => "ok",
                Some(_) => "warn",
                None => "block",
            },
            [
                minute(it.opened),
                lasted.unwrap_or_else(|| "unknown".to_owned()),
                how.to_owned(),
                it.host.to_string(),
                it.keychain.clone().unwrap_or_default(),
                it.job.clone().unwrap_or_else(|| it.run.clone()),
            ],
        )
    });
    rows.collect()
}

fn sources(document: &ReportDocument) -> Vec<(&'static str, String, String)> {
    let policy = document.policy.as_ref().map(|it| ("Policy", it));
    let manifest = document.manifest.as_ref().map(|it| ("Manifest", it));
    let known = policy.into_iter().chain(manifest);
    known
        .map(|(name, it)| {
            let revision = it
                .revision
                .map_or(String::new(), |it| format!(", revision {it}"));
            let file = format!("{}{revision}", plain(&it.file));
            (name, file, it.digest.to_string())
        })
        .collect()
}
