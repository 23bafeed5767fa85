//! Facts: what is wrong or missing, as pages show it.

use super::shown::class_of;
use crate::base::cause::Cause;
use crate::base::finding::Finding;
use crate::base::plain::plain;
use crate::cli::remedies;
use crate::cli::report;

/// Something that is wrong or missing.
#[derive(Debug)]
pub(in crate::cli) struct Fact {
    pub(in crate::cli) class: &'static str,
    pub(in crate::cli) label: String,
    pub(in crate::cli) message: String,
    /// Label and text of each further line.
    pub(in crate::cli) lines: Vec<(&'static str, String)>,
    /// What else there is of the same kind.
    pub(in crate::cli) more: Vec<String>,
}

/// The label of what to do.
pub(super) const DO: &str = "do";

impl Fact {
    /// Findings that one thing explains, as one.
    pub(in crate::cli) fn of_cause(cause: &Cause<'_>) -> Self {
        let mut fact = Self::of_finding(cause.first);
        if let Some((_, hint)) = fact.lines.iter_mut().find(|(label, _)| *label == DO) {
            *hint = remedies::for_many(hint, cause);
        }
        let profiles = cause.profiles();
        if profiles.len() > 1 {
            fact.lines
                .push(("touches", plain(&report::listed(&profiles))));
        }
        if !cause.follows.is_empty() {
            let follows = report::counted_codes(&cause.follows);
            fact.lines.push(("follows", follows));
        }
        if !cause.alike.is_empty() {
            fact.label = format!("{} × {}", fact.label, cause.alike.len() + 1);
            fact.more = cause
                .alike
                .iter()
                .map(|it| said_besides(it, cause.first))
                .collect();
        }
        fact
    }

    /// A finding.
    pub(super) fn of_finding(finding: &Finding) -> Self {
        let place = report::place(&finding.place);
        let place = (!place.is_empty()).then_some(place);
        let lines = [
            ("expected", finding.expected.as_ref()),
            ("found", finding.found.as_ref()),
            ("at", place.as_ref()),
            (DO, finding.hint.as_ref()),
        ];
        let lines = lines
            .into_iter()
            .filter_map(|(label, text)| Some((label, plain(text?))));
        Self {
            class: class_of(finding.severity),
            label: finding.code.to_string(),
            message: plain(&finding.message),
            lines: lines.collect(),
            more: Vec::new(),
        }
    }
}

/// What a finding says otherwise than the first of its cause: its message, its place and what to do.
fn said_besides(finding: &Finding, first: &Finding) -> String {
    let place = Some(report::place(&finding.place)).filter(|place| !place.is_empty());
    let differs = place.is_none() || finding.message != first.message;
    let message = differs.then(|| finding.message.clone());
    let hint = finding.hint.clone().filter(|_| finding.hint != first.hint);
    let parts = [message, place, hint];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    plain(&parts.join("; "))
}

/// Problems in one line: the first in words, and how many more there are; nothing if there is none.
pub(in crate::cli) fn in_one_line(problems: &[&Cause<'_>]) -> Option<String> {
    let (first, more) = problems.split_first()?;
    let first = plain(&first.headline());
    Some(match more.len() {
        0 => first,
        more => format!("{first}; and {}", report::counted(more, "more problem")),
    })
}
