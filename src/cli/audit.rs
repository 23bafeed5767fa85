//! `countersign audit`: show, verify, checkpoint.

use clap::Subcommand;

use super::answer::Answer;
use super::exit::Exit;
use super::report::{self, FAINT, GOOD, STRONG};
use crate::base::event::Checkpoint;
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::ops::audit::{self, ShowRequest};
use crate::ops::error::Failure;
use crate::ops::world::World;

/// The subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the records, oldest first. Exit code 10 if the log is damaged.
    Show {
        /// Print only the records of this run.
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Print only the last N records.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
    /// Find every record that was changed, removed, repeated or moved. With a checkpoint, also find a log that was cut
    /// short. Exit code 10 if it finds one.
    Verify {
        /// A checkpoint from `audit checkpoint`, a receipt or an envelope: SEQ:sha256:HEX; repeatable.
        #[arg(long, value_name = "CHECKPOINT")]
        checkpoint: Vec<Checkpoint>,
    },
    /// Print the checkpoint of the last record. Keep it on another machine.
    Checkpoint,
}

/// Runs the command.
///
/// # Errors
/// The log cannot be read.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Show { run, last } => show(&ShowRequest { run, last }, world),
        Command::Verify { checkpoint } => verify(&checkpoint, world),
        Command::Checkpoint => {
            let document = audit::checkpoint(world)?;
            let line = format!("{}\n", document.checkpoint);
            Ok(Answer::data("countersign audit checkpoint", document, line))
        }
    }
}

fn show(request: &ShowRequest, world: &World) -> Result<Answer<'static>, Failure> {
    let document = audit::show(request, world)?;
    let exit = exit_of(document.holds);
    let answer = Answer::report("countersign audit show", document, |document, out, _| {
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
        show_flaws(out, &document.flaws)
    });
    Ok(answer.ending_in(exit))
}

fn verify(checkpoints: &[Checkpoint], world: &World) -> Result<Answer<'static>, Failure> {
    let document = audit::verify(checkpoints, world)?;
    let exit = exit_of(document.holds);
    let answer = Answer::report("countersign audit verify", document, |document, out, _| {
        let records = document.records;
        if document.holds {
            let checkpoint = &document.checkpoint;
            return writeln!(out, "{GOOD}intact{GOOD:#}  {records} records, {checkpoint}");
        }
        let style = report::style(Severity::Block);
        writeln!(
            out,
            "{style}DAMAGED{style:#}  {} flaws in {records} records",
            document.flaw_count
        )?;
        show_flaws(out, &document.flaws)
    });
    Ok(answer.ending_in(exit))
}

fn show_flaws(out: &mut dyn std::io::Write, flaws: &[String]) -> std::io::Result<()> {
    flaws
        .iter()
        .try_for_each(|flaw| writeln!(out, "  {}", plain(flaw)))
}

fn exit_of(holds: bool) -> Exit {
    if holds { Exit::Fine } else { Exit::Blocked }
}
