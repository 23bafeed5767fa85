//! `countersign explain`: what a code means.

use std::io::{self, Write};

use super::answer::Answer;
use super::report::{FAINT, STRONG};
use super::terminal::Terminal;
use crate::ops::error::Failure;
use crate::ops::explain::{self, ExplainDocument};

/// Runs the command: explains the code, or lists all of them.
///
/// # Errors
/// There is no such code.
pub fn run(code: Option<&str>) -> Result<Answer<'static>, Failure> {
    const TITLE: &str = "countersign explain";
    let Some(code) = code else {
        let document = explain::codes();
        let codes = document.codes.iter();
        let lines: String = codes
            .map(|it| format!("{}\t{}\n", it.group, it.code))
            .collect();
        return Ok(Answer::data(TITLE, document, lines));
    };
    Ok(Answer::report(TITLE, explain::explain(code)?, show))
}

fn show(document: &ExplainDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    writeln!(
        out,
        "{STRONG}{}{STRONG:#}  {FAINT}{}{FAINT:#}\n",
        document.code, document.page
    )?;
    for paragraph in document.text.split("\n\n") {
        // Lists and commands keep their lines.
        let is_prose = !paragraph.starts_with(['-', '|', '`', ' ']) && !paragraph.contains("\n- ");
        match is_prose {
            true => super::report::prose(out, paragraph, terminal.width)?,
            false => writeln!(out, "{paragraph}")?,
        }
        writeln!(out)?;
    }
    Ok(())
}
