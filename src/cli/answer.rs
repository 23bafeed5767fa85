//! The answer of a command, and the one place that prints it.
//!
//! A command has one answer: a document, its findings, the exit code, and a text for people. The findings come from
//! the document, so they are the same in every format. Results go to standard output; where the result is data for
//! another program, the findings go to standard error.

use std::io::{self, BufWriter, Write};

use super::exit::Exit;
use super::format::Format;
use super::github;
use super::gitlab;
use super::junit;
use super::remedies;
use super::report::{self, FAINT};
use super::stream::Stream;
use super::terminal::Terminal;
use crate::base::cause;
use crate::base::finding::{self, Finding};
use crate::ops::report::{FindingsDocument, Report};

/// What a command answers.
pub struct Answer<'a> {
    told: Box<dyn told::Told + 'a>,
    exit: Exit,
    title: &'static str,
    facts: Vec<(&'static str, String)>,
    /// The line that says how it ended, where the findings do not say it all.
    verdict: Option<String>,
    people: People,
}

/// The form for people.
enum People {
    /// A report; the findings follow it.
    Report,
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
        Self::of(title, document, form, People::Report)
    }

    /// The same for an answer that other programs read: `data` is printed as it is, in every format but JSON.
    pub fn data(title: &'static str, document: impl Report + 'a, data: impl Into<Vec<u8>>) -> Self {
        Self::of(title, document, no_form, People::Data(data.into()))
    }

    /// The answer of a command whose result is no document: `artifact` is printed as it is, in every format, and the
    /// findings go to standard error.
    pub fn artifact(
        title: &'static str,
        artifact: impl Into<Vec<u8>>,
        findings: Vec<Finding>,
    ) -> Self {
        let document = FindingsDocument::from(findings);
        Self::of(title, document, no_form, People::Artifact(artifact.into()))
    }

    fn of<D: Report + 'a>(
        title: &'static str,
        mut document: D,
        form: impl FnOnce(&D, &mut dyn Write, &Terminal) -> io::Result<()> + 'a,
        people: People,
    ) -> Self {
        let mut findings = document.findings_mut().into_iter();
        let exit = match findings.any(|finding| finding::blocks(finding)) {
            true => Exit::Blocked,
            false => Exit::Fine,
        };
        Self {
            told: Box::new(told::Document {
                document,
                form: Some(form),
            }),
            exit,
            title,
            facts: Vec::new(),
            verdict: None,
            people,
        }
    }

    /// How the program ends, where the findings do not say it all.
    #[must_use]
    pub fn ending_in(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The line that says how it ended in the log of a CI system, where the findings do not say it all.
    #[must_use]
    pub fn with_verdict(mut self, verdict: String) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// What the step summary says besides the findings, each with its name.
    #[must_use]
    pub fn with_facts(mut self, facts: Vec<(&'static str, String)>) -> Self {
        self.facts = facts;
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
    pub fn print(mut self, terminal: &Terminal) -> io::Result<Exit> {
        let findings = self.told.complete(terminal);
        let is_silent = findings.is_empty() && matches!(self.people, People::Artifact(_));
        let title = self.title;
        let mut out = Vec::new();
        match (terminal.format, self.people) {
            (format, People::Artifact(artifact)) => {
                // Not through the filter of colours: it is another program's.
                Stream::Output.write(&artifact)?;
                match format {
                    Format::Json if findings.is_empty() => {}
                    Format::Json => {
                        self.told.write_line(&mut out)?;
                        out.push(b'\n');
                        Stream::Error.write(&out)?;
                    }
                    _ => beside_data(&findings, terminal)?,
                }
            }
            (Format::Json, _) => {
                // Page by page, for it may be long, and not through the filter of colours, which looks at every byte.
                let mut out = BufWriter::new(io::stdout().lock());
                self.told.write_json(&mut out)?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            (_, People::Data(data)) => {
                Stream::Output.write(&data)?;
                beside_data(&findings, terminal)?;
            }
            (Format::Human, People::Report) => {
                self.told.show(&mut out, terminal)?;
                show_findings(&mut out, &findings, terminal)?;
                Stream::Output.write_text(&out)?;
            }
            (Format::Github, People::Report) => {
                let mut text = Vec::new();
                self.told.show(&mut text, terminal)?;
                github::inert(&mut out, &text)?;
                github::annotations(&mut out, &findings, terminal)?;
                match self.verdict {
                    Some(verdict) => github::line(&mut out, title, &verdict)?,
                    None => github::verdict(&mut out, title, &findings)?,
                }
                Stream::Output.write_text(&out)?;
            }
            (format @ (Format::Gitlab | Format::Junit), People::Report) => {
                // The log is for people, standard output for the file that the job hands on.
                self.told.show(&mut out, terminal)?;
                show_findings(&mut out, &findings, terminal)?;
                Stream::Error.write_text(&out)?;
                let file = match format {
                    Format::Gitlab => gitlab::code_quality(&findings, terminal)?,
                    _ => junit::report(title, &findings, terminal),
                };
                Stream::Output.write(file.as_bytes())?;
            }
        }
        if terminal.format == Format::Github && !is_silent {
            github::summarize(terminal, title, &self.facts, &findings)?;
        }
        Ok(self.exit)
    }
}

/// Nothing for people to read before the findings.
fn no_form<D>(_: &D, _: &mut dyn Write, _: &Terminal) -> io::Result<()> {
    Ok(())
}

/// The findings where standard output is another program's.
fn beside_data(findings: &[Finding], terminal: &Terminal) -> io::Result<()> {
    let mut text = Vec::new();
    match terminal.format {
        Format::Github => github::annotations(&mut text, findings, terminal)?,
        _ => show_findings(&mut text, findings, terminal)?,
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
    let causes = cause::causes(visible);
    report::human(out, &causes, terminal)?;
    if terminal.is_quiet {
        return Ok(());
    }
    // Once, and not where it is the next command anyway.
    let first = causes.iter().map(|cause| cause.first).next();
    let is_next = |first: &&Finding| finding::blocks(first) && first.next.is_none();
    if let Some(first) = first.filter(|first| !is_next(first)) {
        let explain = remedies::explain(first.code.as_str());
        writeln!(out, "\n{FAINT}`{explain}` says what that means{FAINT:#}")?;
    }
    if hidden > 0 {
        writeln!(
            out,
            "\n{FAINT}{hidden} more for information: --verbose shows them{FAINT:#}"
        )?;
    }
    Ok(())
}

/// A document whose type is forgotten, and its text for people.
mod told {
    use std::io::{self, Write};

    use crate::base::cause;
    use crate::base::finding::Finding;
    use crate::base::plain::Escaped;
    use crate::cli::remedies;
    use crate::cli::terminal::Terminal;
    use crate::ops::report::Report;

    pub(super) trait Told {
        /// Makes every finding ready to be shown, writes the headline, and hands the findings out.
        fn complete(&mut self, terminal: &Terminal) -> Vec<Finding>;
        fn show(&mut self, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()>;
        fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
        fn write_line(&self, out: &mut dyn Write) -> io::Result<()>;
    }

    pub(super) struct Document<D, F> {
        pub(super) document: D,
        pub(super) form: Option<F>,
    }

    impl<D, F> Told for Document<D, F>
    where
        D: Report,
        F: FnOnce(&D, &mut dyn Write, &Terminal) -> io::Result<()>,
    {
        fn complete(&mut self, terminal: &Terminal) -> Vec<Finding> {
            let mut findings = Vec::new();
            for finding in self.document.findings_mut() {
                remedies::complete(finding, &terminal.typed);
                findings.push(finding.clone());
            }
            if let Some(head) = self.document.head_mut() {
                *head = remedies::head(&cause::causes(&findings));
            }
            findings
        }

        fn show(&mut self, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
            match self.form.take() {
                Some(form) => form(&self.document, out, terminal),
                None => Ok(()),
            }
        }

        fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
            serde_json::to_writer_pretty(Escaped(out), &self.document).map_err(io::Error::from)
        }

        fn write_line(&self, out: &mut dyn Write) -> io::Result<()> {
            serde_json::to_writer(Escaped(out), &self.document).map_err(io::Error::from)
        }
    }
}
