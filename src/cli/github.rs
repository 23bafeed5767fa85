//! Findings for GitHub Actions: annotations, a verdict line, and a step summary.
//!
//! GitHub shows ten errors and ten warnings of a step and drops the rest, so there is one annotation for each cause, the one
//! that comes first in front, and ten at most. Each names a file and a line. The step summary, a Markdown text in the file
//! that `GITHUB_STEP_SUMMARY` names, holds all causes and what was judged, whatever the verdict.

use std::io::{self, Write};

use anstream::adapter::strip_bytes;

use super::remedies;
use super::report::counted;
use super::terminal::Terminal;
use crate::base::cause::{self, Cause};
use crate::base::finding::{Finding, Place, Severity};
use crate::base::plain::{REPLACEMENT, plain};
use crate::host::files;

/// As many annotations of a kind GitHub shows of one step (docs.github.com, "Workflow commands for GitHub Actions").
const ANNOTATIONS: usize = 10;

/// Writes text into a log of GitHub Actions so that no line of it is a command to the runner, which takes every line that
/// begins with `::`, whatever blanks stand before it, and the older `##[…]` anywhere (actions/runner, `ActionCommand.cs`).
/// Colours are taken out first: a line must not become a command when somebody takes them out later.
pub fn inert(out: &mut impl Write, text: &[u8]) -> io::Result<()> {
    let text = strip_bytes(text).into_vec();
    for line in String::from_utf8_lossy(&text).split_inclusive('\n') {
        if line.trim_start().starts_with("::") {
            write!(out, "{REPLACEMENT}")?;
        }
        out.write_all(line.replace("##[", &format!("#{REPLACEMENT}[")).as_bytes())?;
    }
    Ok(())
}

/// Prints an error as a GitHub workflow command.
pub fn error(out: &mut impl Write, title: &str, place: &Place, message: &str) -> io::Result<()> {
    let properties = properties(title, place);
    writeln!(out, "::error {properties}::{}", escape_data(message))
}

/// Prints a caution as a GitHub workflow command.
pub fn warning(out: &mut impl Write, title: &str, place: &Place, message: &str) -> io::Result<()> {
    let properties = properties(title, place);
    writeln!(out, "::warning {properties}::{}", escape_data(message))
}

fn properties(title: &str, place: &Place) -> String {
    let mut properties = vec![format!("title={}", escape_property(title))];
    if let Some(file) = &place.file {
        properties.push(format!("file={}", escape_property(file)));
    }
    if let Some(line) = place.line {
        properties.push(format!("line={line}"));
    }
    properties.join(",")
}

/// Prints causes as workflow commands, the first ones.
pub fn annotations(
    out: &mut impl Write,
    findings: &[Finding],
    terminal: &Terminal,
) -> io::Result<()> {
    for cause in cause::causes(findings).iter().take(ANNOTATIONS) {
        let first = cause.first;
        let command = match first.severity {
            Severity::Block => "error",
            Severity::Warn => "warning",
            Severity::Info => "notice",
        };
        let properties = properties(first.code.as_str(), &terminal.checkout.place(first));
        let mut message = cause.headline();
        let next = remedies::next_of(cause);
        for (label, value) in [
            ("expected", first.expected.as_deref()),
            ("found", first.found.as_deref()),
            ("do", first.hint.as_deref()),
            ("next", Some(next.as_str())),
        ] {
            if let Some(value) = value {
                message.push_str(&format!("\n{label}: {}", remedies::for_many(value, cause)));
            }
        }
        writeln!(out, "::{command} {properties}::{}", escape_data(&message))?;
    }
    Ok(())
}

/// One line that says how it ended.
pub fn verdict(out: &mut impl Write, title: &str, findings: &[Finding]) -> io::Result<()> {
    let causes = cause::causes(findings);
    let verdict = match remedies::head(&causes) {
        head if head.headline.is_none() => "nothing blocks".to_owned(),
        head => {
            let blocking = findings
                .iter()
                .filter(|it| crate::base::finding::blocks(it));
            format!(
                "blocked by {}, {}; next: {}",
                counted(cause::blocking(&causes).count(), "problem"),
                counted(blocking.count(), "finding"),
                head.next.unwrap_or_default()
            )
        }
    };
    line(out, title, &verdict)
}

/// The same line in other words, for a command whose findings do not say it all.
pub fn line(out: &mut impl Write, title: &str, verdict: &str) -> io::Result<()> {
    let command = title.split(':').next().unwrap_or(title);
    inert(
        out,
        format!("{}\n", plain(&format!("{command}: {verdict}"))).as_bytes(),
    )
}

/// Appends what was judged and what was found to the step summary, if there is one.
///
/// # Errors
/// The file that `GITHUB_STEP_SUMMARY` names cannot be written.
pub fn summarize(
    terminal: &Terminal,
    title: &str,
    facts: &[(&'static str, String)],
    findings: &[Finding],
) -> io::Result<()> {
    append(terminal, &markdown(title, facts, findings))
}

/// Appends an error to the step summary, if there is one.
///
/// # Errors
/// The file that `GITHUB_STEP_SUMMARY` names cannot be written.
pub fn summarize_error(terminal: &Terminal, code: &str, message: &str) -> io::Result<()> {
    append(
        terminal,
        &format!("### countersign: {code}\n\n{}\n", cell(message)),
    )
}

fn append(terminal: &Terminal, text: &str) -> io::Result<()> {
    let Some(path) = &terminal.step_summary else {
        return Ok(());
    };
    files::append(path, text.as_bytes())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// A text as it stands in a cell of a Markdown table.
fn cell(text: &str) -> String {
    let text = text
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
        .replace('<', "&lt;");
    plain(&text)
}

fn markdown(title: &str, facts: &[(&'static str, String)], findings: &[Finding]) -> String {
    let causes = cause::causes(findings);
    let mut text = format!("### {title}\n\n");
    let head = remedies::head(&causes);
    if let (Some(headline), Some(next)) = (&head.headline, &head.next) {
        text.push_str(&format!("**{}**\n\n", cell(headline)));
        match remedies::is_command(next) {
            true => text.push_str(&format!("```sh\n{}\n```\n\n", plain(next))),
            false => text.push_str(&format!("Next: {}\n\n", cell(next))),
        }
    }
    if !facts.is_empty() {
        text.push_str("| | |\n|---|---|\n");
        for (name, value) in facts {
            text.push_str(&format!("| {name} | {} |\n", cell(value)));
        }
        text.push('\n');
    }
    if !causes.is_empty() {
        text.push_str("| | code | what | expected | found | do |\n|---|---|---|---|---|---|\n");
    }
    for cause in &causes {
        text.push_str(&row(cause));
    }
    text
}

fn row(cause: &Cause<'_>) -> String {
    let first = cause.first;
    let or_empty = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
    let mut what = cause.headline();
    if cause.count() > 1 {
        what.push_str(&format!(" ({})", counted(cause.count(), "finding")));
    }
    let hint = first
        .hint
        .as_ref()
        .map(|hint| remedies::for_many(hint, cause));
    format!(
        "| {} | `{}` | {} | {} | {} | {} |\n",
        first.severity,
        first.code,
        cell(&what),
        or_empty(&first.expected),
        or_empty(&first.found),
        or_empty(&hint)
    )
}

/// The escapes of workflow-command messages (actions/toolkit, `command.ts`). Other active characters are replaced: a name that
/// begins what a terminal takes for a title would swallow every annotation that follows.
pub(super) fn escape_data(text: &str) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    plain(&text)
}

/// The escapes of workflow-command properties.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Code;
    use crate::cli::report::STRONG;

    /// A finding's annotation without the step that every one ends in.
    fn shown(findings: &[Finding]) -> String {
        let mut out = Vec::new();
        annotations(&mut out, findings, &Terminal::default()).unwrap();
        String::from_utf8(strip_bytes(&out).into_vec()).unwrap()
    }

    #[test]
    fn ten_annotations_at_most_the_worst_in_front() {
        let many = Code::ALL
            .iter()
            .map(|code| Finding::warn(*code, code.as_str()));
        let mut all: Vec<Finding> = many.collect();
        all.push(Finding::block(Code::HostNotAllowed, "this host"));
        let shown = shown(&all);
        assert_eq!(shown.lines().count(), ANNOTATIONS);
        assert!(
            shown.starts_with("::error title=host-not-allowed,"),
            "{shown}"
        );
    }

    #[test]
    fn every_annotation_has_a_file_and_a_line() {
        let shown = shown(&[
            Finding::block(Code::HostNotAllowed, "this host"),
            Finding::warn(Code::ProfileMissing, "retiring")
                .in_file("m.json".as_ref())
                .at_line(7),
        ]);
        for line in shown.lines() {
            assert!(line.contains(",file=") && line.contains(",line="), "{line}");
        }
        assert!(
            shown.contains("file=m.json,line=7::retiring%0Anext: countersign explain"),
            "{shown}"
        );
    }

    #[test]
    fn the_summary_tells_what_was_judged_whether_or_not_something_blocks() {
        let facts = [("digest", "sha256:00".to_owned())];
        let cleared = markdown("countersign gate: cleared", &facts, &[]);
        assert_eq!(
            cleared,
            "### countersign gate: cleared\n\n| | |\n|---|---|\n| digest | sha256:00 |\n\n"
        );
        let missing = Finding::block(Code::ProfileMissing, "a|b");
        let blocked = markdown("t", &facts, &[missing]);
        assert!(blocked.contains("**a\\|b**\n\n```sh\ncountersign explain profile-missing\n"));
        assert!(blocked.contains("| digest | sha256:00 |"), "{blocked}");
        assert!(
            blocked.contains("| block | `profile-missing` | a\\|b |"),
            "{blocked}"
        );
    }

    #[test]
    fn text_in_a_github_log_is_no_command() {
        let mut out = Vec::new();
        inert(&mut out, b"fine\n  ::set-output name=x::y\n##[error]no\n").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "fine\n\u{fffd}  ::set-output name=x::y\n#\u{fffd}[error]no\n"
        );
    }

    #[test]
    fn text_in_colour_is_no_command_once_the_colour_is_gone() {
        let mut out = Vec::new();
        let name = format!("{STRONG}::set-output name=x::y{STRONG:#}\n");
        inert(&mut out, name.as_bytes()).unwrap();
        let shown = String::from_utf8(strip_bytes(&out).into_vec()).unwrap();
        assert_eq!(shown, "\u{fffd}::set-output name=x::y\n");
    }

    #[test]
    fn github_commands_cannot_be_broken_out_of() {
        let finding = Finding::block(Code::ProfileMissing, "a\n::set-output name=x::y")
            .in_file(std::path::Path::new("a:b,c"));
        let mut out = Vec::new();
        annotations(&mut out, &[finding], &Terminal::default()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error title=profile-missing,file=a%3Ab%2Cc,line=1::a%0A::set-output name=x::y%0Anext: countersign explain profile-missing\n"
        );
    }

    #[test]
    fn a_name_with_a_terminal_escape_hides_no_annotation() {
        // The beginning of a window's title, whose end never comes; once in seven bits, once in one.
        for escape in ["\u{1b}]0;", "\u{9d}0;"] {
            let name = format!("a{escape}b");
            let named = Finding::block(Code::ProfileUnreadable, &name).in_file(name.as_ref());
            let other = Finding::block(Code::ProfileMissing, "c").in_file("d".as_ref());
            let name = name.replace(['\u{1b}', '\u{9d}'], "\u{fffd}");
            assert_eq!(
                shown(&[named, other]),
                format!(
                    "::error title=profile-unreadable,file={name},line=1::{name}%0Anext: countersign explain profile-unreadable\n\
                     ::error title=profile-missing,file=d,line=1::c%0Anext: countersign explain profile-missing\n"
                )
            );
        }
    }
}
