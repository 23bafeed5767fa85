//! Showing targets, and judging them.

use super::document::{self, CheckDocument, ShownArchive, TargetsDocument};
use crate::base::finding;
use crate::ops::error::Failure;
use crate::ops::report::VerdictWord;
use crate::ops::target_selection::{TargetSelection, planned};
use crate::ops::world::World;

/// What each target asks for, where that is written, and what would sign it.
///
/// # Errors
/// A project, the manifest or a directory of profiles cannot be read, or the policy cannot be used.
pub fn show(selection: &TargetSelection, world: &World) -> Result<TargetsDocument, Failure> {
    let selection = TargetSelection {
        every_configuration: true,
        ..selection.clone()
    };
    let planned = planned(&selection, world)?;
    let judgement = planned.judgement();
    Ok(TargetsDocument {
        schema: "countersign.targets.v1",
        targets: document::shown(&planned, &judgement.plan),
        findings: document::findings(&planned, &judgement, world),
    })
}

/// Whether every target gets the profile that it asks for.
///
/// # Errors
/// As [`show`].
pub fn check(selection: &TargetSelection, world: &World) -> Result<CheckDocument, Failure> {
    let planned = planned(selection, world)?;
    let judgement = planned.judgement();
    let findings = document::findings(&planned, &judgement, world);
    Ok(CheckDocument {
        schema: "countersign.targets-check.v1",
        verdict: VerdictWord::of(!finding::any_blocks(&findings)),
        findings,
        waived: Vec::new(),
        archive: ShownArchive::of(&planned.observed.archive),
        targets: document::shown(&planned, &judgement.plan),
    })
}
