//! Findings as people read them.
//!
//! The report begins with the problem in words and the one command that is to be run next. Then it tells all findings by
//! group, those of one cause together ([`crate::base::cause`]). JSON, which is a contract, holds each of them.

use std::collections::HashSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::remedies;
use super::terminal::Terminal;
use crate::base::cause::{self, Cause};
use crate::base::finding::{Code, Finding, Group, Place, Severity};
use crate::base::plain::plain;
use crate::ops::report::Head;

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

/// Says that something blocks: the problem in words, and the command that is to be run next.
pub fn blocked(
    out: &mut (impl Write + ?Sized),
    head: &Head,
    findings: &[Finding],
    terminal: &Terminal,
) -> io::Result<()> {
    begin(out, "BLOCKED", head, findings, terminal)
}

/// The same under another word than "blocked".
pub fn begin(
    out: &mut (impl Write + ?Sized),
    word: &str,
    head: &Head,
    findings: &[Finding],
    terminal: &Terminal,
) -> io::Result<()> {
    let style = style(Severity::Block);
    let headline = head.headline.as_deref().unwrap_or_default();
    let hang = word.chars().count() + 2;
    let lines = wrapped(headline, terminal.width.saturating_sub(hang));
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => writeln!(out, "{style}{word}{style:#}  {STRONG}{line}{STRONG:#}")?,
            _ => writeln!(out, "{:hang$}{STRONG}{line}{STRONG:#}", "")?,
        }
    }
    let causes = cause::causes(findings);
    let more = cause::blocking(&causes).count().saturating_sub(1);
    if more > 0 {
        let noun = if more == 1 { "problem" } else { "problems" };
        writeln!(
            out,
            "{:hang$}{FAINT}and {more} more {noun}, below{FAINT:#}",
            ""
        )?;
    }
    match &head.next {
        // On one line: a command that is broken in two cannot be pasted.
        Some(next) => writeln!(out, "{FAINT}next:{FAINT:#} {}", plain(next)),
        None => Ok(()),
    }
}

/// Prints causes for a person: by group, in the order of the gate, each wrapped to the width of the terminal.
pub fn human(
    out: &mut (impl Write + ?Sized),
    causes: &[Cause<'_>],
    terminal: &Terminal,
) -> io::Result<()> {
    let mut groups: Vec<Group> = Vec::new();
    for cause in causes {
        let group = cause.first.code.group();
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    for group in groups {
        writeln!(out, "\n{STRONG}{group}{STRONG:#}")?;
        for cause in causes.iter().filter(|it| it.first.code.group() == group) {
            show_cause(out, cause, terminal)?;
        }
    }
    Ok(())
}

fn show_cause(
    out: &mut (impl Write + ?Sized),
    cause: &Cause<'_>,
    terminal: &Terminal,
) -> io::Result<()> {
    let first = cause.first;
    let style = style(first.severity);
    let count = match cause.alike.len() {
        0 => String::new(),
        more => format!(" × {}", more + 1),
    };
    writeln!(
        out,
        "  {style}{:<5}{style:#} {STRONG}{}{count}{STRONG:#}",
        first.severity, first.code
    )?;
    let width = terminal.width;
    paragraph(out, "", &first.message, width)?;
    let mut details = details(first, &first.place);
    if let Some((_, hint)) = details.iter_mut().find(|(label, _)| *label == DO) {
        *hint = remedies::for_many(hint, cause);
    }
    for (label, text) in &details {
        paragraph(out, label, text, width)?;
    }
    show_alike(out, cause, width)?;
    let profiles = cause.profiles();
    if profiles.len() > 1 {
        paragraph(out, "touches   ", &listed(&profiles), width)?;
    }
    if cause.follows.is_empty() {
        return Ok(());
    }
    if terminal.is_verbose {
        let follows = cause.follows.iter();
        for finding in follows {
            paragraph(
                out,
                "follows   ",
                &format!("{}: {}", finding.code, finding.message),
                width,
            )?;
        }
        return Ok(());
    }
    paragraph(out, "follows   ", &counted_codes(&cause.follows), width)
}

/// The codes of findings, each with how often it is there: `3 × profile-expired, 1 × identity-missing`.
pub(super) fn counted_codes(findings: &[&Finding]) -> String {
    let mut codes: Vec<(Code, usize)> = Vec::new();
    for finding in findings {
        match codes.iter_mut().find(|(code, _)| *code == finding.code) {
            Some((_, count)) => *count += 1,
            None => codes.push((finding.code, 1)),
        }
    }
    let codes = codes
        .iter()
        .map(|(code, count)| format!("{count} × {code}"));
    codes.collect::<Vec<_>>().join(", ")
}

/// The others of a cause: what they say otherwise than its first finding, and those that say the same with their number.
fn show_alike(out: &mut (impl Write + ?Sized), cause: &Cause<'_>, width: usize) -> io::Result<()> {
    let first = cause.first;
    let known: HashSet<(&str, String)> = details(first, &first.place).into_iter().collect();
    let mut told: HashSet<Vec<(&str, String)>> = HashSet::from([Vec::new()]);
    let mut repeats = 0;
    for finding in &cause.alike {
        let mut says = details(finding, &finding.place);
        says.retain(|detail| !known.contains(detail));
        if finding.message != first.message {
            says.insert(0, ("", finding.message.clone()));
        }
        // A remark is made once; what blocks is told each time that it says something else.
        let is_remark = first.severity != Severity::Block && finding.message == first.message;
        if is_remark || told.contains(&says) {
            repeats += 1;
            continue;
        }
        for (index, (label, text)) in says.iter().enumerate() {
            let label = if index == 0 && label.is_empty() {
                "also      "
            } else {
                label
            };
            paragraph(out, label, text, width)?;
        }
        told.insert(says);
    }
    match repeats {
        0 => Ok(()),
        count => paragraph(out, "also      ", &format!("{count} more like this"), width),
    }
}

/// The label of what to do.
const DO: &str = "do        ";

/// What a finding says besides its message, each with its label.
fn details(finding: &Finding, place: &Place) -> Vec<(&'static str, String)> {
    let place = Some(self::place(place)).filter(|place| !place.is_empty());
    [
        ("expected  ", finding.expected.clone()),
        ("found     ", finding.found.clone()),
        ("at        ", place),
        (DO, finding.hint.clone()),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .collect()
}

/// Names in one line; of many the first.
pub(super) fn listed(names: &[&str]) -> String {
    /// So many names still tell something.
    const SHOWN: usize = 30;
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => format!("{} profiles: {}", names.len(), shown.join(", ")),
        more => format!(
            "{} profiles: {} and {more} more",
            names.len(),
            shown.join(", ")
        ),
    }
}

/// A number with what it counts: `1 profile`, `2 profiles`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
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

/// A labelled paragraph, indented by eight and wrapped to `width`. Words longer than a line stand whole, and so do commands
/// between backquotes: a command that is broken in two cannot be pasted into a shell.
pub fn paragraph(
    out: &mut (impl Write + ?Sized),
    label: &str,
    text: &str,
    width: usize,
) -> io::Result<()> {
    const INDENT: usize = 8;
    let hang = INDENT + label.chars().count();
    let lines = wrapped(text, width.saturating_sub(hang));
    for (index, line) in lines.iter().enumerate() {
        if index == 0 {
            writeln!(out, "{:INDENT$}{FAINT}{label}{FAINT:#}{line}", "")?;
        } else {
            writeln!(out, "{:hang$}{line}", "")?;
        }
    }
    Ok(())
}

/// A paragraph from the first column, wrapped to `width`.
pub fn prose(out: &mut (impl Write + ?Sized), text: &str, width: usize) -> io::Result<()> {
    let lines = text.replace('\n', " ");
    let mut lines = wrapped(&lines, width).into_iter();
    lines.try_for_each(|line| writeln!(out, "{line}"))
}

/// The lines of a text, each at most `room` columns wide.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let room = room.max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(&plain(text)) {
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
    lines
}

/// The words of a text; what stands between backquotes is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '`';
        c == ' ' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human_text(all: &[Finding]) -> String {
        let mut out = Vec::new();
        human(&mut out, &cause::causes(all), &Terminal::default()).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
    }

    #[test]
    fn a_remark_on_many_files_is_shown_once_and_what_blocks_is_told_of_each() {
        let warn = Finding::warn(Code::ProfileAnchorNotApple, "w");
        let missing = |name: &str| {
            let finding = Finding::block(Code::ProfileMissing, format!("{name} is not installed"));
            finding.hint("install it (countersign profile install FILE)")
        };
        let all = [warn.clone(), missing("a"), warn.clone(), missing("b"), warn];
        let text = human_text(&all);
        assert_eq!(text.matches("more like this").count(), 1, "{text}");
        assert!(text.contains("also      2 more like this"), "{text}");
        assert!(text.contains("block profile-missing × 2"), "{text}");
        assert!(text.contains("also      b is not installed"), "{text}");
        assert_eq!(text.matches("profile install DIR").count(), 1, "{text}");
        assert!(!text.contains("FILE"), "{text}");
    }

    #[test]
    fn findings_of_one_code_on_two_lines_keep_their_lines_and_hints() {
        let at = |line| {
            let finding = Finding::block(Code::DevelopmentTeamMissing, "no team");
            let finding = finding.in_file("p".as_ref()).at_line(line);
            finding.hint(format!("set DEVELOPMENT_TEAM at p:{line}"))
        };
        let text = human_text(&[at(3), at(9)]);
        for part in ["p:3", "p:9", "TEAM at p:3", "TEAM at p:9"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn terminal_escapes_in_names_do_not_reach_the_terminal() {
        let mut out = Vec::new();
        paragraph(&mut out, "", "a\u{1b}[31mb", 80).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("\u{1b}[31m"));
    }

    #[test]
    fn a_command_between_backquotes_is_not_wrapped() {
        let mut out = Vec::new();
        let command = "`countersign --state-dir '/a directory/state' keychain recover`";
        let text = format!("close it, and after that run {command}, whatever it says");
        paragraph(&mut out, "", &text, 60).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(command), "{text}");
        assert!(text.lines().count() > 2, "{text}");
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
