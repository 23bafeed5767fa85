//! The answer of a command, and the one place that prints it.
//!
//! A command has one answer: a document, its findings, the exit code, and a text for people. The findings come from
//! the document, so they are the same in every format. Results go to standard output; where the result is data for
//! another program, the findings go to standard error.

use std::io::{self, BufWriter, Write};
use std::rc::Rc;

use super::exit::Exit;
use super::format::Format;
use super::remedies;
use super::report::{self, FAINT};
use super::stream::Stream;
use super::terminal::Terminal;
use crate::base::finding::{self, Finding};
use crate::ops::report::{FindingsDocument, Report};

/// Writes the form for people: everything but the findings.
type Form<'a> = Box<dyn FnOnce(&mut dyn Write, &Terminal) -> io::Result<()> + 'a>;

/// What a command answers.
pub struct Answer<'a> {
    document: Rc<dyn erased::Document + 'a>,
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
    /// What was asked for is no document: printed as it is, in every format. The findings go to standard error, so that
    /// nothing but the artifact reaches who reads standard output.
    Artifact(Vec<u8>),
}

impl<'a> Answer<'a> {
    /// The answer of the command called `title` that `document` gives, with what people read before the findings. It ends
    /// in "blocked" if a finding blocks.
    pub fn report<D: Report + 'a>(
        title: &'static str,
        document: D,
        form: impl FnOnce(&D, &mut dyn Write, &Terminal) -> io::Result<()> + 'a,
    ) -> Self {
        let mut document = document;
        let findings = completed(&mut document);
        let document = Rc::new(document);
        let of_form = Rc::clone(&document);
        let form = move |out: &mut dyn Write, terminal: &Terminal| form(&of_form, out, terminal);
        Self::of(title, document, findings, People::Report(Box::new(form)))
    }

    /// The same for an answer that other programs read: `data` is printed as it is, in every format but JSON.
    pub fn data(title: &'static str, document: impl Report + 'a, data: impl Into<Vec<u8>>) -> Self {
        let mut document = document;
        let findings = completed(&mut document);
        Self::of(
            title,
            Rc::new(document),
            findings,
            People::Data(data.into()),
        )
    }

    /// The answer of a command whose result is no document: `artifact` is printed as it is, in every format, and the
    /// findings go to standard error.
    pub fn artifact(
        title: &'static str,
        artifact: impl Into<Vec<u8>>,
        findings: Vec<Finding>,
    ) -> Self {
        let mut document = FindingsDocument::from(findings);
        let findings = completed(&mut document);
        let artifact = People::Artifact(artifact.into());
        Self::of(title, Rc::new(document), findings, artifact)
    }

    fn of(
        title: &'static str,
        document: Rc<dyn erased::Document + 'a>,
        findings: Vec<Finding>,
        people: People<'a>,
    ) -> Self {
        Self {
            exit: match finding::any_blocks(&findings) {
                true => Exit::Blocked,
                false => Exit::Fine,
            },
            document,
            findings,
            title,
            people,
        }
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
        let is_silent = self.findings.is_empty() && matches!(self.people, People::Artifact(_));
        let mut out = Vec::new();
        match (terminal.format, self.people) {
            (format, People::Artifact(artifact)) => {
                // Not through the filter of colours: it is another program's.
                Stream::Output.write(&artifact)?;
                match format {
                    Format::Json if self.findings.is_empty() => {}
                    Format::Json => {
                        self.document.write_line(&mut out)?;
                        out.push(b'\n');
                        Stream::Error.write(&out)?;
                    }
                    Format::Human | Format::Github => beside_data(&self.findings, terminal)?,
                }
            }
            (Format::Json, _) => {
                // Page by page, for it may be long, and not through the filter of colours, which looks at every byte.
                let mut out = BufWriter::new(io::stdout().lock());
                self.document.write_json(&mut out)?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            (_, People::Data(data)) => {
                Stream::Output.write(&data)?;
                beside_data(&self.findings, terminal)?;
            }
            (Format::Human, People::Report(form)) => {
                form(&mut out, terminal)?;
                show_findings(&mut out, &self.findings, terminal)?;
                Stream::Output.write_text(&out)?;
            }
            (Format::Github, People::Report(form)) => {
                let mut text = Vec::new();
                form(&mut text, terminal)?;
                report::inert(&mut out, &text)?;
                report::github(&mut out, &self.findings)?;
                Stream::Output.write_text(&out)?;
            }
        }
        if terminal.format == Format::Github && !is_silent {
            report::summarize(terminal, self.title, &self.findings)?;
        }
        Ok(self.exit)
    }
}

/// Makes every finding of the document ready to be shown, and hands them out.
fn completed(document: &mut impl Report) -> Vec<Finding> {
    let mut findings = Vec::new();
    for finding in document.findings_mut() {
        remedies::complete(finding);
        findings.push(finding.clone());
    }
    findings
}

/// The findings where standard output is another program's.
fn beside_data(findings: &[Finding], terminal: &Terminal) -> io::Result<()> {
    let mut text = Vec::new();
    match terminal.format {
        Format::Github => report::github(&mut text, findings)?,
        Format::Human | Format::Json => show_findings(&mut text, findings, terminal)?,
    }
    Stream::Error.write_text(&text)
}

/// The findings that a person asked to see, and how many there are besides.
fn show_findings(
    out: &mut impl Write,
    findings: &[Finding],
    terminal: &Terminal,
) -> io::Result<()> {
    let visible = terminal.visible(findings);
    let hidden = findings.len() - visible.len();
    report::human(out, &report::repeated_once(visible), terminal.width)?;
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
    use std::io::{self, Write};

    use serde::Serialize;

    use crate::base::plain::Escaped;

    pub(super) trait Document {
        fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
        fn write_line(&self, out: &mut dyn Write) -> io::Result<()>;
    }

    impl<T: Serialize> Document for T {
        fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
            serde_json::to_writer_pretty(Escaped(out), self).map_err(io::Error::from)
        }

        fn write_line(&self, out: &mut dyn Write) -> io::Result<()> {
            serde_json::to_writer(Escaped(out), self).map_err(io::Error::from)
        }
    }
}
