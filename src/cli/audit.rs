//! `countersign audit`: show, verify, export, checkpoint, resume.

use std::io::{self, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::answer::Answer;
use super::report::{self, FAINT, GOOD, STRONG};
use crate::base::error::ErrorCode;
use crate::base::event::Checkpoint;
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::ops::audit::export::{ExportRequest, Since};
use crate::ops::audit::known::Named;
use crate::ops::audit::resume::Reason;
use crate::ops::audit::{self as verb, ShowRequest};
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;

/// The subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the records, oldest first. Exit code 10 if what was read is damaged.
    Show {
        /// Print only the records of this run.
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Print only the last N records, and read only the end of the log.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
    /// Find every record that was changed, removed, repeated or moved, a log that was cut short, and a clock that was set
    /// back. Exit code 10 if it finds one.
    Verify {
        /// What tells of the log's records.
        #[command(flatten)]
        evidence: Evidence,
        /// A directory that holds sealed segments which were moved away; repeatable.
        #[arg(long, value_name = "DIR")]
        archive: Vec<PathBuf>,
    },
    /// Print the records as JSON lines, for an index of logs. Exit code 10 if what was read is damaged.
    Export {
        /// Print only what was recorded since an instant (2027-01-15T08:00:00Z), in the last 24h, or from the record with this
        /// number on.
        #[arg(long, value_name = "WHEN")]
        since: Option<Since>,
        /// A directory that holds sealed segments which were moved away; repeatable.
        #[arg(long, value_name = "DIR")]
        archive: Vec<PathBuf>,
    },
    /// Print the checkpoint of the last record. Keep it on another machine.
    Checkpoint,
    /// Go on with a log that was lost, or after the clock was set back. A record says what was found.
    Resume(Evidence),
}

/// What tells of the log's records.
#[derive(Debug, Args)]
pub struct Evidence {
    /// Receipts, envelopes, or directories of them. The receipts in the state directory are always read.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A checkpoint from `audit checkpoint`, a receipt or an envelope: SEQ:sha256:HEX; repeatable.
    #[arg(long, value_name = "CHECKPOINT")]
    checkpoint: Vec<Checkpoint>,
}

impl From<Evidence> for Named {
    fn from(evidence: Evidence) -> Self {
        Self {
            checkpoints: evidence.checkpoint,
            files: evidence.files,
            archives: Vec::new(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The log cannot be read.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Show { run, last } => show(&ShowRequest { run, last }, world),
        Command::Verify { evidence, archive } => {
            let named = Named {
                archives: archive,
                ..evidence.into()
            };
            verify(&named, world)
        }
        Command::Export { since, archive } => {
            let archives = archive;
            export(&ExportRequest { since, archives }, world)
        }
        Command::Resume(evidence) => resume(&evidence.into(), world),
        Command::Checkpoint => {
            let document = verb::checkpoint(world)?;
            let line = format!("{}\n", document.checkpoint);
            Ok(Answer::data("countersign audit checkpoint", document, line))
        }
    }
}

fn show(request: &ShowRequest, world: &World) -> Result<Answer<'static>, Failure> {
    let document = verb::show(request, world)?;
    Ok(Answer::report(
        "countersign audit show",
        document,
        |document, out, _| {
            for record in &document.records {
                writeln!(
                    out,
                    "{:>6}  {}  {STRONG}{} {}{STRONG:#}  {FAINT}{} on {}{FAINT:#}",
                    record.seq,
                    record.time,
                    plain(&record.what),
                    record.outcome,
                    plain(&record.actor.who),
                    record.actor.host,
                )?;
                let run = record.run.iter().map(|run| ("run", run));
                let details = record
                    .details
                    .iter()
                    .map(|(name, text)| (name.as_str(), text));
                for (name, text) in run.chain(details) {
                    writeln!(
                        out,
                        "        {FAINT}{}{FAINT:#} {}",
                        plain(name),
                        plain(text)
                    )?;
                }
            }
            Ok(())
        },
    ))
}

fn verify(named: &Named, world: &World) -> Result<Answer<'static>, Failure> {
    let document = verb::verify::verify(named, world)?;
    Ok(Answer::report(
        "countersign audit verify",
        document,
        |document, out, _| {
            let records = document.records;
            if document.holds {
                let (head, known) = (&document.checkpoint, document.checkpoints);
                return writeln!(
                    out,
                    "{GOOD}intact{GOOD:#}  {records} records, {head}; compared with {known} checkpoints"
                );
            }
            let style = report::style(Severity::Block);
            writeln!(
                out,
                "{style}DAMAGED{style:#}  {} flaws in {records} records",
                document.flaw_count
            )
        },
    ))
}

/// Standard output is the index's; it gets each line as soon as a page of them is full.
fn export(request: &ExportRequest, world: &World) -> Result<Answer<'static>, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let findings = verb::export::export(request, world, &mut |line| {
        written = out.write_all(line).and_then(|()| out.write_all(b"\n"));
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    let title = "countersign audit export";
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Answer::artifact(title, Vec::new(), findings)),
        // A reader that closes the pipe wants no more; what was not read is not judged.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(Answer::artifact(title, Vec::new(), Vec::new()))
        }
        Err(error) => {
            let message = format!("the output cannot be written: {error}");
            Err(Error::new(ErrorCode::OutputNotWritten, message).into())
        }
    }
}

fn resume(named: &Named, world: &World) -> Result<Answer<'static>, Failure> {
    let document = verb::resume::resume(named, world)?;
    let title = "countersign audit resume";
    Ok(Answer::report(title, document, |document, out, _| {
        let checkpoint = &document.checkpoint;
        let why = match (document.reason, &document.lost_after) {
            (Reason::Lost, Some(last)) => format!("what followed {last} is lost"),
            _ => "the clock was set back".to_owned(),
        };
        writeln!(out, "{STRONG}resumed{STRONG:#}  {checkpoint}: {why}")
    }))
}
