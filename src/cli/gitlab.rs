//! Findings as a code quality report of GitLab, which merge requests show beside the lines.
//!
//! The format is GitLab's ("Code Quality", report format): a JSON array whose elements have a description, the name of the
//! check, a fingerprint by which the same issue is known again, a severity, and a path with a line.

use std::io;

use serde::Serialize;

use super::terminal::Terminal;
use crate::base::cause;
use crate::base::digest::Digest;
use crate::base::finding::{Finding, Severity};
use crate::base::plain::Escaped;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

/// The report, one issue for each cause.
///
/// # Errors
/// It cannot be written as JSON.
pub fn code_quality(findings: &[Finding], terminal: &Terminal) -> io::Result<String> {
    let causes = cause::causes(findings);
    let issues = causes.iter().map(|cause| {
        let first = cause.first;
        let place = terminal.checkout.place(first);
        let hint = first.hint.iter().map(|hint| format!(": {hint}"));
        let description = [cause.headline()].into_iter().chain(hint);
        let own = &first.place;
        let named = [&place.file, &own.pointer, &own.target, &own.profile];
        let named: Vec<&str> = named.map(|it| it.as_deref().unwrap_or_default()).into();
        let identity = format!("{}\n{}", first.code, named.join("\n"));
        Issue {
            description: description.collect(),
            check_name: first.code.as_str(),
            fingerprint: Digest::of(identity.as_bytes())
                .to_string()
                .replace("sha256:", ""),
            severity: match first.severity {
                Severity::Block => "blocker",
                Severity::Warn => "minor",
                Severity::Info => "info",
            },
            location: Location {
                path: place.file.unwrap_or_default(),
                lines: Lines {
                    begin: place.line.unwrap_or(1),
                },
            },
        }
    });
    let issues: Vec<Issue> = issues.collect();
    let mut text = Vec::new();
    serde_json::to_writer_pretty(Escaped(&mut text), &issues)?;
    text.push(b'\n');
    String::from_utf8(text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Code;

    #[test]
    fn an_issue_is_known_again_when_its_line_moves() {
        let of = |line| {
            let finding = Finding::block(Code::DevelopmentTeamMissing, "no team");
            let finding = finding.in_file("App.xcodeproj/project.pbxproj".as_ref());
            let finding = finding.at_line(line).hint("set it");
            let text = code_quality(&[finding], &Terminal::default()).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        let issue = &of(3)[0];
        assert_eq!(issue["description"], "no team: set it");
        assert_eq!(issue["severity"], "blocker");
        assert_eq!(issue["location"]["path"], "App.xcodeproj/project.pbxproj");
        assert_eq!(issue["location"]["lines"]["begin"], 3);
        assert_eq!(issue["fingerprint"], of(9)[0]["fingerprint"]);
    }

    #[test]
    fn nothing_found_is_an_empty_report() {
        assert_eq!(code_quality(&[], &Terminal::default()).unwrap(), "[]\n");
    }
}
