//! The audit log: show, verify, checkpoint.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::Failure;
use super::report::Report;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::ledger::audit::{self, Record};

/// Which records are shown.
#[derive(Debug, Clone, Default)]
pub struct ShowRequest {
    /// Only those of this run.
    pub run: Option<String>,
    /// Only the last so many.
    pub last: Option<usize>,
}

/// The `countersign.audit.v1` document: records of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditDocument {
    /// Always `countersign.audit.v1`.
    #[schemars(extend("const" = "countersign.audit.v1"))]
    pub schema: &'static str,
    /// Whether the whole log is undamaged, even if only a part of it is shown.
    pub holds: bool,
    /// The records that were asked for, oldest first.
    pub records: Vec<Record>,
    /// The first hundred places where the log is damaged, in words, by line.
    pub flaws: Vec<String>,
}

/// The `countersign.audit-verify.v1` document: whether the audit log holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditVerifyDocument {
    /// Always `countersign.audit-verify.v1`.
    #[schemars(extend("const" = "countersign.audit-verify.v1"))]
    pub schema: &'static str,
    /// Whether the log is undamaged and contains every given checkpoint.
    pub holds: bool,
    /// How many records it has.
    pub records: u64,
    /// Where the log stands, of the lines as they are: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// The first hundred places where the log is damaged, in words, by line.
    pub flaws: Vec<String>,
    /// The number of all damaged places.
    pub flaw_count: u64,
}

/// The `countersign.audit-checkpoint.v1` document: where the audit log stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditCheckpointDocument {
    /// Always `countersign.audit-checkpoint.v1`.
    #[schemars(extend("const" = "countersign.audit-checkpoint.v1"))]
    pub schema: &'static str,
    /// Where the log stands, to be kept and given to a verification later: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// The sequence number of the last record; 0 for a log without records.
    pub seq: u64,
    /// SHA-256 of the last record's line, without its line end; all zeros for a log without records.
    pub head: Digest,
}

impl Report for AuditDocument {}
impl Report for AuditVerifyDocument {}
impl Report for AuditCheckpointDocument {}

/// The records that were asked for, and whether the log holds.
///
/// # Errors
/// The log cannot be read.
pub fn show(request: &ShowRequest, world: &World) -> Result<AuditDocument, Failure> {
    let mut records = Vec::new();
    let verification = audit::show(&world.audit_path()?, |record| {
        if request.run.is_none() || record.run == request.run {
            records.push(record);
        }
    })?;
    let hidden = request
        .last
        .map_or(0, |last| records.len().saturating_sub(last));
    records.drain(..hidden);
    Ok(AuditDocument {
        schema: "countersign.audit.v1",
        holds: verification.holds(),
        records,
        flaws: verification.flaws.iter().map(ToString::to_string).collect(),
    })
}

/// Whether the log holds, by itself and against every one of `checkpoints`.
///
/// # Errors
/// The log cannot be read.
pub fn verify(checkpoints: &[Checkpoint], world: &World) -> Result<AuditVerifyDocument, Failure> {
    let verification = audit::verify(&world.audit_path()?, checkpoints)?;
    Ok(AuditVerifyDocument {
        schema: "countersign.audit-verify.v1",
        holds: verification.holds(),
        records: verification.records,
        checkpoint: verification.head.to_string(),
        flaws: verification.flaws.iter().map(ToString::to_string).collect(),
        flaw_count: verification.flaw_count,
    })
}

/// Where the log stands.
///
/// # Errors
/// The log cannot be read.
pub fn checkpoint(world: &World) -> Result<AuditCheckpointDocument, Failure> {
    let checkpoint = audit::checkpoint(&world.audit_path()?)?;
    Ok(AuditCheckpointDocument {
        schema: "countersign.audit-checkpoint.v1",
        checkpoint: checkpoint.to_string(),
        seq: checkpoint.seq,
        head: checkpoint.head,
    })
}
