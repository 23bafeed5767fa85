//! Whether the audit log is what was written.

use schemars::JsonSchema;
use serde::Serialize;

use super::findings::{findings_of, of_unused};
use super::known::Named;
use crate::base::event::Checkpoint;
use crate::base::finding::Finding;
use crate::ledger::audit::{self, Known};
use crate::ops::error::Failure;
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.audit-verify.v1` document: whether the audit log holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditVerifyDocument {
    /// Always `countersign.audit-verify.v1`.
    #[schemars(extend("const" = "countersign.audit-verify.v1"))]
    pub schema: &'static str,
    /// Whether the log is undamaged and contains every checkpoint that was given or found. A receipt that could not be used is a
    /// finding that blocks, and says nothing about this.
    pub holds: bool,
    /// How many records it has, in all its files.
    pub records: u64,
    /// How many sealed segments it has, besides the file that is still written.
    pub segments: u64,
    /// Where the log stands, of the lines as they are: `SEQ:sha256:HEX`.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub checkpoint: String,
    /// The number of checkpoints that the log must contain: those that were given, and those in receipts and envelopes.
    pub checkpoints: usize,
    /// The first hundred places where the log is damaged, in words, by line.
    pub flaws: Vec<String>,
    /// The number of all damaged places.
    pub flaw_count: u64,
    /// The same as findings, by line; then the receipts that could not be used; and, as warnings, what somebody resumed the log
    /// after: lost records, and a clock that was set back.
    pub findings: Vec<Finding>,
}

impl Report for AuditVerifyDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// Whether the log holds: by itself, and against every checkpoint that is named or stands in a receipt. A receipt that cannot
/// be used is a finding beside that.
///
/// # Errors
/// The log or a named file cannot be read.
pub fn verify(named: &Named, world: &World) -> Result<AuditVerifyDocument, Failure> {
    // Before the log: what is known of it now is in it later.
    let Known {
        checkpoints: known,
        unused,
    } = named.with_receipts(world)?;
    let checkpoints: Vec<Checkpoint> = known.iter().map(|known| known.checkpoint).collect();
    let path = world.audit_path()?;
    let verification = audit::verify_with(&path, &named.archives, &checkpoints)?;
    let mut findings = findings_of(&verification, &path, &known);
    findings.extend(unused.iter().map(of_unused));
    Ok(AuditVerifyDocument {
        schema: "countersign.audit-verify.v1",
        holds: verification.holds(),
        records: verification.records,
        segments: verification.segments,
        checkpoint: verification.head.to_string(),
        checkpoints: known.len(),
        flaws: verification.flaws.iter().map(ToString::to_string).collect(),
        flaw_count: verification.flaw_count,
        findings,
    })
}
