//! The plan: which profile and which certificate sign each target, in each configuration, on each platform.
//!
//! The project says what every target asks for ([`SigningTarget`]), the manifest (or a directory of profiles) says what
//! there is, and the plan brings them together: exact bundle ids before wildcards, longer prefixes before shorter,
//! active profiles before incoming ones, kind and team as asked. What a target asks for by name or UUID must agree with
//! that. A tie is never broken silently: every profile that could have been chosen and was not is listed with the
//! reason ([`Discarded`]).
//!
//! Pure: rows and profiles in, choices and findings out. Each finding points at the line of the project or of the
//! configuration file that caused it.

pub mod check;
pub mod choose;
pub mod expiry;
pub mod export;
mod fitness;

use schemars::JsonSchema;
use serde::Serialize;

use super::manifest::{PinnedCertificate, PinnedProfile, PinnedTarget};
use super::policy::TargetOverride;
use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::finding::{self, Finding};
use crate::base::ids::ProfileUuid;
use crate::xcode::product_type::ProductKind;
use crate::xcode::sources::Sources;
use crate::xcode::targets::SigningTarget;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the targets ask for.
    pub targets: &'a [SigningTarget],
    /// What there is to sign with.
    pub profiles: &'a [PinnedProfile],
    /// What the manifest pins each target to, where it does.
    pub pinned: &'a [PinnedTarget],
    /// Choices that the policy makes by hand.
    pub overrides: &'a [TargetOverride],
    /// What the product is meant for, where somebody said so.
    pub kind: Option<ProfileKind>,
    /// The targets were named one by one, so test bundles among them are meant: else they are not part of what is
    /// archived, and what is wrong with them is for information.
    pub targets_were_named: bool,
    /// Every target must have a pinned profile, even where Xcode would make one: the gate's question.
    pub must_be_mapped: bool,
    /// The project's files, to find the lines of claims in.
    pub sources: &'a dyn Sources,
}

/// A plan, and what is not right with it.
#[derive(Debug, Clone)]
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
}

impl Row<'_> {
    /// Whether it is a test bundle: built for testing on devices and never archived, so that `xcodebuild archive` does
    /// not look at its profile.
    pub fn is_beside_the_archive(&self) -> bool {
        matches!(
            self.target.kind,
            ProductKind::UiTests | ProductKind::UnitTests
        )
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

/// Makes the plan.
pub fn plan<'a>(request: &Request<'a>) -> Plan<'a> {
    let rows: Vec<Row<'a>> = request
        .targets
        .iter()
        .filter(|target| target.needs_profile())
        .map(|target| choose::choose(target, request))
        .collect();
    let mut findings = check::check(&rows, request);
    finding::sort(&mut findings);
    Plan { rows, findings }
}

impl Plan<'_> {
    /// The rows as a manifest pins them: those that have a profile and a bundle id.
    pub fn pinned_targets(&self) -> Vec<PinnedTarget> {
        let mut pinned: Vec<PinnedTarget> = self
            .rows
            .iter()
            .filter_map(|row| {
                let choice = row.choice?;
                Some(PinnedTarget {
                    project: project_name(row.target),
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
}

/// What a project is called in a manifest: the name of its `.xcodeproj`, which is the same in every checkout.
pub fn project_name(target: &SigningTarget) -> String {
    target
        .project
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What the manifest pins `target` to.
pub fn pinned_for<'p>(
    target: &SigningTarget,
    pinned: &'p [PinnedTarget],
) -> Option<&'p PinnedTarget> {
    let project = project_name(target);
    pinned.iter().find(|pin| {
        pin.project == project
            && pin.target == target.target
            && pin.configuration == target.configuration
            && pin.platform == target.platform
    })
}

/// The profile with this UUID.
pub(super) fn by_uuid<'a>(
    profiles: &'a [PinnedProfile],
    uuid: &ProfileUuid,
) -> Option<&'a PinnedProfile> {
    profiles.iter().find(|profile| profile.uuid == *uuid)
}

/// The `countersign.plan.v1` document: what the plan's digest is taken over, and what `targets export --as json` writes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanDocument<'a> {
    /// Always `countersign.plan.v1`.
    #[schemars(extend("const" = "countersign.plan.v1"))]
    pub schema: &'static str,
    /// Every target that has a profile, by (project, target, configuration, platform).
    pub targets: &'a [PinnedTarget],
}

impl<'a> PlanDocument<'a> {
    /// The document of these targets.
    pub fn of(targets: &'a [PinnedTarget]) -> Self {
        Self {
            schema: "countersign.plan.v1",
            targets,
        }
    }
}

/// The digest of a plan: over its document without white space, the targets in their order.
pub fn digest(targets: &[PinnedTarget]) -> Digest {
    Digest::of(&serde_json::to_vec(&PlanDocument::of(targets)).unwrap_or_default())
}
