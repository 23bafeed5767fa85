//! `countersign audit`: show, verify, checkpoint.

use std::io::Write as _;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::report::{FAINT, Format, GOOD, STRONG};
use super::state;
use super::table::plain;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::ledger::audit::{self, Record};

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

/// The `countersign.audit.v1` document: what `audit show` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditDocument<'a> {
    /// Always `countersign.audit.v1`.
    #[schemars(extend("const" = "countersign.audit.v1"))]
    pub schema: &'static str,
    /// Whether the whole log holds, also where only a part of it is shown.
    pub holds: bool,
    /// The records that were asked for, oldest first.
    pub records: &'a [Record],
}

/// The `countersign.audit-verify.v1` document: what `audit verify` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditVerifyDocument {
    /// Always `countersign.audit-verify.v1`.
    #[schemars(extend("const" = "countersign.audit-verify.v1"))]
    pub schema: &'static str,
    /// Whether the log is what was written, and goes on from every checkpoint that was given.
    pub holds: bool,
    /// How many records it has.
    pub records: u64,
    /// Where the log stands, of the lines as they are: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// Where it does not hold, in words, by line: the first hundred places.
    pub flaws: Vec<String>,
}

/// The `countersign.audit-checkpoint.v1` document: what `audit checkpoint` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditCheckpointDocument {
    /// Always `countersign.audit-checkpoint.v1`.
    #[schemars(extend("const" = "countersign.audit-checkpoint.v1"))]
    pub schema: &'static str,
    /// Where the log stands, as `audit verify --checkpoint` takes it: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// The sequence number of the last record; 0 for a log without records.
    pub seq: u64,
    /// SHA-256 of the last record's line, without its line end; all zeros for a log without records.
    pub head: Digest,
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
                world.print_json(&AuditCheckpointDocument {
                    schema: "countersign.audit-checkpoint.v1",
                    checkpoint: checkpoint.to_string(),
                    seq: checkpoint.seq,
                    head: checkpoint.head,
                })?;
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
        world.print_json(&AuditDocument {
            schema: "countersign.audit.v1",
            holds: verification.holds(),
            records,
        })?;
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
        world.print_json(&AuditVerifyDocument {
            schema: "countersign.audit-verify.v1",
            holds: verification.holds(),
            records: verification.records,
            checkpoint: verification.head.to_string(),
            flaws,
        })?;
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
