//! The audit log: show, checkpoint; and
//!
//! - [`export`]: the lines of the log, for an index of logs
//! - `findings`: what a verification found, as findings
//! - [`known`]: what is known of the log from outside
//! - [`resume`]: goes on after a loss, or after the clock was set back
//! - [`verify`]: whether the log is what was written

pub mod export;
mod findings;
pub mod known;
pub mod resume;
pub mod verify;

use schemars::JsonSchema;
use serde::Serialize;

use self::findings::findings_of;
use super::error::Failure;
use super::report::Report;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::Finding;
use crate::ledger::audit::{self, Record, Standing};

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
    /// Whether what was read is undamaged: the whole log, or its end if only the last records were asked for.
    pub holds: bool,
    /// The records that were asked for, oldest first.
    pub records: Vec<Record>,
    /// The first hundred places where the log is damaged, in words, by line.
    pub flaws: Vec<String>,
    /// The same as findings.
    pub findings: Vec<Finding>,
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

impl Report for AuditDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}
impl Report for AuditCheckpointDocument {}

/// The records that were asked for, and whether the log holds.
///
/// # Errors
/// The log cannot be read.
pub fn show(request: &ShowRequest, world: &World) -> Result<AuditDocument, Failure> {
    let path = world.audit_path()?;
    let mut records = Vec::new();
    let wanted = |record: &Record| request.run.is_none() || record.run == request.run;
    let verification = match request.last {
        Some(last) => audit::show_last(&path, last, &wanted, |record| records.push(record))?,
        None => audit::show(&path, |record| {
            if wanted(&record) {
                records.push(record);
            }
        })?,
    };
    Ok(AuditDocument {
        schema: "countersign.audit.v1",
        holds: verification.holds(),
        records,
        flaws: verification.flaws.iter().map(ToString::to_string).collect(),
        findings: findings_of(&verification, &path, &[]),
    })
}

/// Where the log stands.
///
/// # Errors
/// The log cannot be read, or is gone although a receipt tells of its records.
pub fn checkpoint(world: &World) -> Result<AuditCheckpointDocument, Failure> {
    let state = world.state_directory()?;
    let Standing { checkpoint, .. } = audit::standing(&state.audit_log(), Some(&state.receipts()))?;
    Ok(AuditCheckpointDocument {
        schema: "countersign.audit-checkpoint.v1",
        checkpoint: checkpoint.to_string(),
        seq: checkpoint.seq,
        head: checkpoint.head,
    })
}
