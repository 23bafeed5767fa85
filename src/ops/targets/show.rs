//! Showing targets, and judging them.

use super::document::{self, CheckDocument, CheckVerdict, ShownArchive, TargetsDocument};
use crate::base::finding::{self, Code, Severity};
use crate::ops::error::Failure;
use crate::ops::report::Head;
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
    let products = planned.products();
    Ok(TargetsDocument {
        schema: "countersign.targets.v1",
        targets: document::shown(&planned, &judgement.plan, world.now),
        products: document::shown_products(&planned, &products),
        findings: document::findings(&planned, &judgement, &products, world),
    })
}

/// Whether every target gets the profile that it asks for.
///
/// # Errors
/// As [`show`].
pub fn check(selection: &TargetSelection, world: &World) -> Result<CheckDocument, Failure> {
    let planned = planned(selection, world)?;
    let judgement = planned.judgement();
    let products = planned.products();
    let mut findings = document::findings(&planned, &judgement, &products, world);
    if judgement.is_unsigned {
        // The settings say so: a build that nobody signs needs nothing. The gate, which lets somebody sign, still blocks.
        for finding in &mut findings {
            if finding.code == Code::TargetsUnobserved {
                finding.severity = finding.severity.max(Severity::Warn);
            }
        }
    }
    let verdict = match finding::any_blocks(&findings) {
        true => CheckVerdict::Blocked,
        false if judgement.is_unsigned => CheckVerdict::Unsigned,
        false => CheckVerdict::Cleared,
    };
    Ok(CheckDocument {
        schema: "countersign.targets-check.v1",
        verdict,
        findings,
        waived: Vec::new(),
        archive: ShownArchive::of(&planned.observed.archive),
        targets: document::shown(&planned, &judgement.plan, world.now),
        products: document::shown_products(&planned, &products),
        head: Head::default(),
    })
}
