//! Findings as people, pipelines and GitHub read them.
//!
//! The human report says first what to do first, then everything by group. JSON is a contract with a schema. The
//! `github` format prints workflow-command annotations, which GitHub shows beside the lines they point at, and a
//! Markdown summary where `GITHUB_STEP_SUMMARY` names a file.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::base::finding::{Finding, Group, Place, Severity};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document on stdout.
    Json,
    /// GitHub workflow commands, and a step summary.
    Github,
}

/// The style of a severity.
pub fn style(severity: Severity) -> Style {
    match severity {
        Severity::Block => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        Severity::Warn => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Severity::Info => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
    }
}

/// Bold.
pub const STRONG: Style = Style::new().bold();
/// Good news.
pub const GOOD: Style = Style::new()
    .bold()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
/// Less important.
pub const FAINT: Style = Style::new().dimmed();

/// Prints findings for a person: by group, in the order of the gate, each wrapped to `width` columns.
pub fn human(out: &mut impl Write, findings: &[Finding], width: usize) -> io::Result<()> {
    let mut groups: Vec<Group> = findings
        .iter()
        .map(|finding| finding.code.group())
        .collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        writeln!(out, "\n{STRONG}{group}{STRONG:#}")?;
        for finding in findings
            .iter()
            .filter(|finding| finding.code.group() == group)
        {
            one(out, finding, width)?;
        }
    }
    Ok(())
}

fn one(out: &mut impl Write, finding: &Finding, width: usize) -> io::Result<()> {
    let style = style(finding.severity);
    writeln!(
        out,
        "  {style}{:<5}{style:#} {STRONG}{}{STRONG:#}",
        finding.severity, finding.code
    )?;
    paragraph(out, "", &finding.message, width)?;
    if let Some(expected) = &finding.expected {
        paragraph(out, "expected  ", expected, width)?;
    }
    if let Some(found) = &finding.found {
        paragraph(out, "found     ", found, width)?;
    }
    let place = place(&finding.place);
    if !place.is_empty() {
        paragraph(out, "at        ", &place, width)?;
    }
    if let Some(hint) = &finding.hint {
        paragraph(out, "do        ", hint, width)?;
    }
    Ok(())
}

/// `file:line key`, as far as known.
pub fn place(place: &Place) -> String {
    let mut text = place.file.clone().unwrap_or_default();
    if let Some(line) = place.line {
        text.push_str(&format!(":{line}"));
    }
    for part in [&place.pointer, &place.target].into_iter().flatten() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    text
}

/// A labelled paragraph, indented by eight and wrapped to `width`; words longer than a line stand whole.
pub fn paragraph(out: &mut impl Write, label: &str, text: &str, width: usize) -> io::Result<()> {
    const INDENT: usize = 8;
    let hang = INDENT + label.chars().count();
    let room = width.saturating_sub(hang).max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    // Control characters of untrusted names must not reach a terminal.
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    for word in text.split(' ') {
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    for (index, line) in lines.iter().enumerate() {
        if index == 0 {
            writeln!(out, "{:INDENT$}{FAINT}{label}{FAINT:#}{line}", "")?;
        } else {
            writeln!(out, "{:hang$}{line}", "")?;
        }
    }
    Ok(())
}

/// Prints findings as GitHub workflow commands.
pub fn github(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let command = match finding.severity {
            Severity::Block => "error",
            Severity::Warn => "warning",
            Severity::Info => "notice",
        };
        let mut properties = vec![format!("title={}", escape_property(finding.code.as_str()))];
        if let Some(file) = &finding.place.file {
            properties.push(format!("file={}", escape_property(file)));
        }
        if let Some(line) = finding.place.line {
            properties.push(format!("line={line}"));
        }
        let mut message = finding.message.clone();
        for (label, value) in [
            ("expected", &finding.expected),
            ("found", &finding.found),
            ("do", &finding.hint),
        ] {
            if let Some(value) = value {
                message.push_str(&format!("\n{label}: {value}"));
            }
        }
        writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            escape_data(&message)
        )?;
    }
    Ok(())
}

/// Findings as a Markdown table, for a step summary.
pub fn markdown(title: &str, findings: &[Finding]) -> String {
    let cell = |text: &str| {
        text.replace('|', "\\|")
            .replace(['\n', '\r'], " ")
            .replace('<', "&lt;")
    };
    let mut text = format!("### {title}\n\n");
    if !findings.is_empty() {
        text.push_str("| | code | what | expected | found | do |\n|---|---|---|---|---|---|\n");
    }
    for finding in findings {
        let or_empty = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
        text.push_str(&format!(
            "| {} | `{}` | {} | {} | {} | {} |\n",
            finding.severity,
            finding.code,
            cell(&finding.message),
            or_empty(&finding.expected),
            or_empty(&finding.found),
            or_empty(&finding.hint)
        ));
    }
    text
}

/// The escapes of workflow-command messages (actions/toolkit, `command.ts`).
pub(super) fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The escapes of workflow-command properties.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Code;

    #[test]
    fn github_commands_cannot_be_broken_out_of() {
        let finding = Finding::block(Code::ProfileMissing, "a\n::set-output name=x::y")
            .in_file(std::path::Path::new("a:b,c"));
        let mut out = Vec::new();
        github(&mut out, &[finding]).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error title=profile-missing,file=a%3Ab%2Cc::a%0A::set-output name=x::y\n"
        );
    }

    #[test]
    fn terminal_escapes_in_names_do_not_reach_the_terminal() {
        let mut out = Vec::new();
        paragraph(&mut out, "", "a\u{1b}[31mb", 80).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("\u{1b}[31m"));
    }

    #[test]
    fn paragraphs_fit_their_width() {
        let mut out = Vec::new();
        paragraph(&mut out, "do        ", &"word ".repeat(60), 80).unwrap();
        let text = anstream::adapter::strip_bytes(&out).into_vec();
        for line in String::from_utf8(text).unwrap().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
