//! Going on with a log that was lost, or whose clock was set back.
//!
//! Nothing is made good: the record says what was found, and every verification says so from then on.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::known::Named;
use crate::base::clock::Clock as _;
use crate::base::error::ErrorCode;
use crate::base::event::Checkpoint;
use crate::base::remedy::Remedy;
use crate::ledger::audit::{self, AuditError, FlawKind, KnownCheckpoint};
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.audit-resume.v1` document: that the audit log was resumed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditResumeDocument {
    /// Always `countersign.audit-resume.v1`.
    #[schemars(extend("const" = "countersign.audit-resume.v1"))]
    pub schema: &'static str,
    /// Why it had to be resumed.
    pub reason: Reason,
    /// Where the log stands, after the record that says so: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// The last record that is known of a log that was lost: `SEQ:sha256:HEX`. Null if none was lost.
    pub lost_after: Option<String>,
}

/// Why a log had to be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was gone or empty, although something tells of its records.
    Lost,
    /// The clock is, or was, behind an earlier record.
    ClockSetBack,
}

impl Report for AuditResumeDocument {}

/// Writes a record that says what was found, if the log is lost or its clock was set back; `named` tells of its records.
///
/// # Errors
/// There is nothing to resume; the log or what tells of it cannot be read; the record cannot be written.
pub fn resume(named: &Named, world: &World) -> Result<AuditResumeDocument, Failure> {
    let mut known = named.with_receipts(world)?.complete()?;
    let path = world.audit_path()?;
    let latest = match audit::standing(&path, None) {
        Ok(standing) => standing.latest,
        Err(AuditError::Lost { known: sealed, .. }) => {
            known.push(sealed);
            None
        }
        Err(error) => return Err(error.into()),
    };
    match latest {
        Some(latest) => after_clock(&path, latest, world),
        None => {
            let last = known.iter().max_by_key(|known| known.checkpoint.seq);
            after_loss(last, world)
        }
    }
}

fn after_loss(
    last: Option<&KnownCheckpoint>,
    world: &World,
) -> Result<AuditResumeDocument, Failure> {
    let last = last.ok_or_else(|| nothing("there is no audit log and nothing tells of one"))?;
    let appended = audit_log::open(world, None)?.resume_after_loss(last)?;
    Ok(document(
        Reason::Lost,
        appended.checkpoint,
        Some(last.checkpoint),
    ))
}

/// `latest` is the latest time that the log knows of.
fn after_clock(
    path: &Path,
    latest: Timestamp,
    world: &World,
) -> Result<AuditResumeDocument, Failure> {
    let behind = match latest > world.clock.now() {
        true => Some(latest),
        false => {
            let verification = audit::verify(path, &[])?;
            let mut flaws = verification.flaws.iter().rev();
            flaws.find_map(|flaw| match flaw.kind {
                FlawKind::TimeBackwards(step) => Some(step.latest),
                _ => None,
            })
        }
    };
    let behind = behind
        .ok_or_else(|| nothing("the audit log has records, and its clock was not set back"))?;
    let appended = audit_log::open(world, None)?.resume_after_clock(behind)?;
    Ok(document(Reason::ClockSetBack, appended.checkpoint, None))
}

fn document(
    reason: Reason,
    checkpoint: Checkpoint,
    lost_after: Option<Checkpoint>,
) -> AuditResumeDocument {
    AuditResumeDocument {
        schema: "countersign.audit-resume.v1",
        reason,
        checkpoint: checkpoint.to_string(),
        lost_after: lost_after.map(|checkpoint| checkpoint.to_string()),
    }
}

fn nothing(why: &str) -> Error {
    Error::new(
        ErrorCode::Usage,
        format!("there is nothing to resume: {why}"),
    )
    .hint("verify the audit log, which says what is wrong with it")
    .remedy(Remedy::VerifyAuditLog)
}
