//! `countersign audit`: show, verify, checkpoint.

use std::io::Write as _;

use clap::Subcommand;

use super::exit::{Exit, Failure};
use super::report::{FAINT, Format, GOOD, STRONG};
use super::state;
use super::table::plain;
use super::world::World;
use crate::base::event::Checkpoint;
use crate::ledger::audit;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the records, oldest first. Exit 10 if the log does not hold.
    Show {
        /// Only the records of this run.
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Only the last N records.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
    /// Find every edit, removal, repetition and reorder, and with a checkpoint also a log that was cut short.
    /// Exit 10 if one is found.
    Verify {
        /// What `audit checkpoint`, a receipt or an envelope said: SEQ:sha256:HEX; repeatable.
        #[arg(long, value_name = "CHECKPOINT")]
        checkpoint: Vec<Checkpoint>,
    },
    /// Print where the log stands, to be kept somewhere else.
    Checkpoint,
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    let path = state::audit_path(world)?;
    match command {
        Command::Show { run, last } => show(&path, run.as_deref(), last, world),
        Command::Verify { checkpoint } => {
            let verification = audit::verify(&path, &checkpoint).map_err(Failure::input)?;
            tell(&verification, world)
        }
        Command::Checkpoint => {
            let checkpoint = audit::checkpoint(&path).map_err(Failure::input)?;
            if world.format() == Format::Json {
                world.print_json(&serde_json::json!({
                    "schema": "countersign.audit-checkpoint.v1",
                    "checkpoint": checkpoint.to_string(),
                    "seq": checkpoint.seq,
                    "head": checkpoint.head,
                }))?;
            } else {
                writeln!(std::io::stdout().lock(), "{checkpoint}")?;
            }
            Ok(Exit::Fine)
        }
    }
}

fn show(
    path: &std::path::Path,
    run: Option<&str>,
    last: Option<usize>,
    world: &World,
) -> Result<Exit, Failure> {
    let mut records = Vec::new();
    let verification = audit::show(path, |record| {
        if run.is_none_or(|run| record.run.as_deref() == Some(run)) {
            records.push(record);
        }
    })
    .map_err(Failure::input)?;
    let hidden = last.map_or(0, |last| records.len().saturating_sub(last));
    let records = records.get(hidden..).unwrap_or_default();
    let exit = exit_of(&verification);
    if world.format() == Format::Json {
        world.print_json(&serde_json::json!({
            "schema": "countersign.audit.v1",
            "holds": verification.holds(),
            "records": records,
        }))?;
        return Ok(exit);
    }
    let mut out = anstream::stdout().lock();
    for record in records {
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
    for flaw in &verification.flaws {
        writeln!(anstream::stderr().lock(), "{}", plain(&flaw.to_string()))?;
    }
    Ok(exit)
}

fn tell(verification: &audit::Verification, world: &World) -> Result<Exit, Failure> {
    let exit = exit_of(verification);
    let flaws: Vec<String> = verification.flaws.iter().map(ToString::to_string).collect();
    if world.format() == Format::Json {
        world.print_json(&serde_json::json!({
            "schema": "countersign.audit-verify.v1",
            "holds": verification.holds(),
            "records": verification.records,
            "checkpoint": verification.head.to_string(),
            "flaws": flaws,
        }))?;
        return Ok(exit);
    }
    let mut out = anstream::stdout().lock();
    if verification.holds() {
        writeln!(
            out,
            "{GOOD}holds{GOOD:#}  {} records, {}",
            verification.records, verification.head
        )?;
        return Ok(exit);
    }
    let style = super::report::style(crate::base::finding::Severity::Block);
    writeln!(
        out,
        "{style}DOES NOT HOLD{style:#}  {} flaws in {} records",
        verification.flaw_count, verification.records
    )?;
    for flaw in flaws {
        writeln!(out, "  {}", plain(&flaw))?;
    }
    Ok(exit)
}

fn exit_of(verification: &audit::Verification) -> Exit {
    if verification.holds() {
        Exit::Fine
    } else {
        Exit::Blocked
    }
}
