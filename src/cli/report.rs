//! Findings as people, pipelines and GitHub read them.
//!
//! The report for people begins with what to do first, and then lists all findings by group. JSON is a contract with
//! a schema. The `github` format prints workflow-command annotations, which GitHub shows beside the lines they point
//! at, and a Markdown summary where `GITHUB_STEP_SUMMARY` names a file.

use std::collections::HashMap;
use std::io::{self, Write};

use anstream::adapter::strip_bytes;
use anstyle::{AnsiColor, Style};

use super::terminal::Terminal;
use crate::base::finding::{Code, Finding, Group, Place, Severity};
use crate::base::plain::{REPLACEMENT, plain};
use crate::host::files;

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

/// Says that findings block, and how many.
pub fn blocked(out: &mut (impl Write + ?Sized), findings: &[Finding]) -> io::Result<()> {
    let blocking = findings.iter();
    let count = blocking
        .filter(|finding| finding.severity == Severity::Block)
        .count();
    let noun = if count == 1 { "finding" } else { "findings" };
    let style = style(Severity::Block);
    writeln!(
        out,
        "{style}BLOCKED{style:#}  {STRONG}{count} {noun}{STRONG:#}"
    )
}

/// Prints findings for a person: by group, in the order of the gate, each wrapped to `width` columns.
pub fn human(
    out: &mut (impl Write + ?Sized),
    findings: &[Finding],
    width: usize,
) -> io::Result<()> {
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
            show_finding(out, finding, width)?;
        }
    }
    Ok(())
}

fn show_finding(
    out: &mut (impl Write + ?Sized),
    finding: &Finding,
    width: usize,
) -> io::Result<()> {
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
    let room = width.saturating_sub(hang).max(20);
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
    for (index, line) in lines.iter().enumerate() {
        if index == 0 {
            writeln!(out, "{:INDENT$}{FAINT}{label}{FAINT:#}{line}", "")?;
        } else {
            writeln!(out, "{:hang$}{line}", "")?;
        }
    }
    Ok(())
}

/// The words of a text; what stands between backquotes is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '`';
        c == ' ' && !is_quoted
    })
}

/// The same remark about many files is shown once, with how often it was made. What blocks is shown each time.
pub fn repeated_once(findings: Vec<&Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    let mut seen: HashMap<(Code, &str), usize> = HashMap::new();
    let mut repeats: Vec<usize> = Vec::new();
    for finding in findings {
        if finding.severity != Severity::Block {
            if let Some(first) = seen.get(&(finding.code, finding.message.as_str())) {
                if let Some(count) = repeats.get_mut(*first) {
                    *count += 1;
                }
                continue;
            }
            seen.insert((finding.code, &finding.message), kept.len());
        }
        kept.push(finding.clone());
        repeats.push(0);
    }
    for (finding, count) in kept.iter_mut().zip(repeats) {
        if count > 0 {
            finding.message = format!("{} ({count} more like this)", finding.message);
        }
    }
    kept
}

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

/// Appends the findings to the step summary, if there is one.
///
/// # Errors
/// The file that `GITHUB_STEP_SUMMARY` names cannot be written.
pub fn summarize(terminal: &Terminal, title: &str, findings: &[Finding]) -> io::Result<()> {
    let Some(path) = &terminal.step_summary else {
        return Ok(());
    };
    files::append(path, markdown(title, findings).as_bytes())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Prints an error as a GitHub workflow command.
pub fn github_error(
    out: &mut impl Write,
    title: &str,
    place: &Place,
    message: &str,
) -> io::Result<()> {
    let properties = properties(title, place);
    writeln!(out, "::error {properties}::{}", escape_data(message))
}

/// Prints a caution as a GitHub workflow command.
pub fn github_warning(
    out: &mut impl Write,
    title: &str,
    place: &Place,
    message: &str,
) -> io::Result<()> {
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

/// Prints findings as GitHub workflow commands.
pub fn github(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let command = match finding.severity {
            Severity::Block => "error",
            Severity::Warn => "warning",
            Severity::Info => "notice",
        };
        let properties = properties(finding.code.as_str(), &finding.place);
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
        writeln!(out, "::{command} {properties}::{}", escape_data(&message))?;
    }
    Ok(())
}

/// Findings as a Markdown table, for a step summary.
pub fn markdown(title: &str, findings: &[Finding]) -> String {
    let cell = |text: &str| {
        let text = text
            .replace('|', "\\|")
            .replace(['\n', '\r'], " ")
            .replace('<', "&lt;");
        plain(&text)
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
    fn a_remark_on_many_files_is_shown_once_and_what_blocks_each_time() {
        let warn = Finding::warn(Code::ProfileAnchorNotApple, "w");
        let block = Finding::block(Code::ProfileMissing, "b");
        let all = [
            warn.clone(),
            block.clone(),
            warn.clone(),
            block.clone(),
            warn,
        ];
        let shown = repeated_once(all.iter().collect());
        let messages: Vec<&str> = shown.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(messages, ["w (2 more like this)", "b", "b"]);
    }

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
    fn a_name_with_a_terminal_escape_hides_no_annotation() {
        // The beginning of a window's title, whose end never comes; once in seven bits, once in one.
        for escape in ["\u{1b}]0;", "\u{9d}0;"] {
            let name = format!("a{escape}b");
            let named = Finding::block(Code::ProfileUnreadable, &name).in_file(name.as_ref());
            let mut out = Vec::new();
            github(
                &mut out,
                &[named, Finding::block(Code::ProfileMissing, "c")],
            )
            .unwrap();
            assert_eq!(
                String::from_utf8(strip_bytes(&out).into_vec()).unwrap(),
                format!(
                    "::error title=profile-unreadable,file={shown}::{shown}\n::error title=profile-missing::c\n",
                    shown = name.replace(['\u{1b}', '\u{9d}'], "\u{fffd}")
                )
            );
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
