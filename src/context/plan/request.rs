//! What a plan is made from.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::apple::profile::ProfileKind;
use crate::base::ids::CertSha1;
use crate::context::manifest::{PinnedArchive, PinnedProfile, PinnedTarget};
use crate::context::policy::TargetOverride;
use crate::xcode::archive::{ArchivedProduct, ChosenScheme};
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
    /// What of the projects was judged when the manifest was frozen, or is let be now: where there is such a thing.
    pub frozen_for: Option<&'a PinnedArchive>,
    /// Choices that the policy makes by hand.
    pub overrides: &'a [TargetOverride],
    /// What the product is meant for, where somebody said so.
    pub kind: Option<ProfileKind>,
    /// The targets were named one by one, so all of them are meant, test bundles included: else what no archive holds is for
    /// information.
    pub targets_were_named: bool,
    /// The certificates whose private keys are at hand, where somebody looked.
    pub identities: Option<&'a HashSet<CertSha1>>,
    /// When it is planned: what has expired by then is chosen last.
    pub now: Timestamp,
    /// The scheme that says what is archived, if one does.
    pub scheme: Option<&'a ChosenScheme>,
    /// The products that are archived.
    pub products: &'a [ArchivedProduct],
    /// The project's files, to find the lines of claims in.
    pub sources: &'a dyn Sources,
}
