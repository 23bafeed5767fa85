//! The answer of a command, and the one place that prints it.
//!
//! A command has one answer: a document, the findings in it, how the program ends, and a form for people. Whatever format
//! is asked for, the same findings are said: they are taken from the document itself. Results go to standard output; where
//! the result is data for another program, the findings go to standard error.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::exit::Exit;
use super::remedies;
use super::report::{self, FAINT, Format};
use super::terminal::Terminal;
use crate::base::finding::{self, Finding};
use crate::ops::report::Report;

/// Writes the form for people: everything but the findings.
type Form<'a> = Box<dyn FnOnce(&mut dyn Write, &Terminal) -> io::Result<()> + 'a>;

/// What a command answers.
pub struct Answer<'a> {
    document: Box<dyn erased::Document + 'a>,
    findings: Vec<Finding>,
    exit: Exit,
    title: &'static str,
    people: People<'a>,
}

/// The form for people.
enum People<'a> {
    /// A report; the findings follow it.
    Report(Form<'a>),
    /// Data for another program: printed as it is, in every format but JSON.
    Data(Vec<u8>),
}

impl<'a> Answer<'a> {
    /// The answer of the command called `title` that `document` gives. It ends in "blocked" if a finding blocks.
    pub fn new(title: &'static str, mut document: impl Report + 'a) -> Self {
        let mut findings = Vec::new();
        for finding in document.findings_mut() {
            remedies::complete(finding);
            findings.push(finding.clone());
        }
        Self {
            exit: match finding::any_blocks(&findings) {
                true => Exit::Blocked,
                false => Exit::Fine,
            },
            document: Box::new(document),
            findings,
            title,
            people: People::Data(Vec::new()),
        }
    }

    /// What people read before the findings.
    #[must_use]
    pub fn for_people(
        mut self,
        form: impl FnOnce(&mut dyn Write, &Terminal) -> io::Result<()> + 'a,
    ) -> Self {
        self.people = People::Report(Box::new(form));
        self
    }

    /// What other programs read.
    #[must_use]
    pub fn as_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.people = People::Data(data.into());
        self
    }

    /// How the program ends, where the findings do not say it all.
    #[must_use]
    pub fn ending_in(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it and says how the program ends.
    ///
    /// # Errors
    /// Standard output is closed, or the step summary cannot be written.
    pub fn print(self, terminal: &Terminal) -> io::Result<Exit> {
        let mut out = BufWriter::new(anstream::stdout().lock());
        match (terminal.format, self.people) {
            (Format::Json, _) => {
                self.document.write_json(&mut out)?;
                out.write_all(b"\n")?;
            }
            (_, People::Data(data)) => {
                // Not through the filter of colours: it is another program's.
                out.flush()?;
                io::stdout().lock().write_all(&data)?;
                let mut err = BufWriter::new(anstream::stderr().lock());
                match terminal.format {
                    Format::Github => report::github(&mut err, &self.findings)?,
                    _ => show_findings(&mut err, &self.findings, terminal)?,
                }
                err.flush()?;
            }
            (Format::Human, People::Report(form)) => {
                form(&mut out, terminal)?;
                show_findings(&mut out, &self.findings, terminal)?;
            }
            (Format::Github, People::Report(form)) => {
                let mut text = Vec::new();
                form(&mut text, terminal)?;
                report::inert(&mut out, &text)?;
                report::github(&mut out, &self.findings)?;
            }
        }
        out.flush()?;
        if terminal.format == Format::Github {
            report::summarize(terminal, self.title, &self.findings)?;
        }
        Ok(self.exit)
    }
}

/// The findings that a person asked to see, and how many there are besides.
fn show_findings(
    out: &mut impl Write,
    findings: &[Finding],
    terminal: &Terminal,
) -> io::Result<()> {
    let visible = report::repeated_once(terminal.visible(findings));
    report::human(out, &visible, terminal.width)?;
    let hidden = findings.len() - terminal.visible(findings).len();
    if hidden > 0 && !terminal.is_quiet {
        writeln!(
            out,
            "\n{FAINT}{hidden} more for information: --verbose shows them{FAINT:#}"
        )?;
    }
    Ok(())
}

/// A document whose type is forgotten.
mod erased {
    use super::{Serialize, Write, io};

    pub(super) trait Document {
        fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
    }

    impl<T: Serialize> Document for T {
        fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
            serde_json::to_writer_pretty(out, self).map_err(io::Error::from)
        }
    }
}
