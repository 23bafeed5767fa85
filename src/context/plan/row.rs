//! The plan: what signs each target, what it could have got instead, and what is not right.

use schemars::JsonSchema;
use serde::Serialize;

use super::pinned::project_name;
use crate::base::finding::Finding;
use crate::context::manifest::{PinnedCertificate, PinnedProfile, PinnedTarget};
use crate::xcode::targets::SigningTarget;

/// A plan, and what is not right with it.
#[derive(Debug, Clone, Default)]
pub struct Plan<'a> {
    /// One row for each target that needs a profile.
    pub rows: Vec<Row<'a>>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// What signs one target.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// What it asks for.
    pub target: &'a SigningTarget,
    /// What it gets, if there is anything for it.
    pub choice: Option<Choice<'a>>,
    /// What it could have got and why it did not; only profiles that cover its bundle id.
    pub discarded: Vec<Discarded<'a>>,
    /// Whether what is wrong with it matters: an archive holds it, or somebody means it.
    pub is_judged: bool,
}

impl Row<'_> {
    /// Whether no archive holds it, so that `xcodebuild archive` does not look at its profile: test bundles are built for
    /// testing on devices, and other products have archives of their own.
    pub fn is_beside_the_archive(&self) -> bool {
        self.target.kind.is_test() || !self.is_judged
    }
}

/// A profile and the certificate in it.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The profile.
    pub profile: &'a PinnedProfile,
    /// The certificate.
    pub certificate: &'a PinnedCertificate,
    /// Why this profile.
    pub why: Why,
}

/// Why a profile was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The policy's `[[targets]]` says so.
    Policy,
    /// The manifest pins the target to it.
    Pinned,
    /// The project asks for it.
    Requested,
    /// It is the only one, or the closest, that fits.
    BestFit,
}

/// A profile that covers the bundle id and was not chosen.
#[derive(Debug, Clone)]
pub struct Discarded<'a> {
    /// The profile.
    pub profile: &'a PinnedProfile,
    /// Why not.
    pub why: String,
}

impl Plan<'_> {
    /// The rows as a manifest pins them: those that have a profile and a bundle id. What other archives hold is not pinned.
    pub fn pinned_targets(&self) -> Vec<PinnedTarget> {
        let mut pinned: Vec<PinnedTarget> = self
            .rows
            .iter()
            .filter(|row| row.is_judged || row.target.kind.is_test())
            .filter_map(|row| {
                let choice = row.choice?;
                Some(PinnedTarget {
                    project: project_name(row.target).into_owned(),
                    target: row.target.target.clone(),
                    configuration: row.target.configuration.clone(),
                    platform: row.target.platform,
                    bundle_id: row.target.bundle_id.as_ref()?.value.clone(),
                    profile: choice.profile.uuid.clone(),
                    certificate: choice.certificate.sha256,
                })
            })
            .collect();
        pinned.sort_by(|a, b| a.key().cmp(&b.key()));
        pinned
    }

    /// Each of `targets`, from which the plan was made, with its row; those that need no profile have none.
    pub fn with_rows<'t>(
        &'t self,
        targets: &'t [SigningTarget],
    ) -> impl Iterator<Item = (&'t SigningTarget, Option<&'t Row<'t>>)> {
        // Rows are in the order of the targets.
        let mut rows = self.rows.iter().peekable();
        targets.iter().map(move |target| {
            let row = rows.next_if(|row| std::ptr::eq(row.target, target));
            (target, row)
        })
    }
}
