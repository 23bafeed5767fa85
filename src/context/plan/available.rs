//! What there is to choose from, indexed once for all targets.

use std::collections::HashSet;

use jiff::Timestamp;

use super::pinned::PinnedTargets;
use super::profiles::Profiles;
use super::request::Request;
use crate::apple::profile::ProfileKind;
use crate::base::ids::CertSha1;
use crate::context::policy::TargetOverrides;

/// Profiles, pins and overrides, each found without looking at all of them.
pub(super) struct Available<'a> {
    pub(super) profiles: Profiles<'a>,
    pub(super) pinned: PinnedTargets<'a>,
    pub(super) overrides: TargetOverrides<'a>,
    /// What the product is meant for, where somebody said so.
    pub(super) kind: Option<ProfileKind>,
    /// The certificates whose private keys are at hand, where somebody looked.
    pub(super) identities: Option<&'a HashSet<CertSha1>>,
    pub(super) now: Timestamp,
}

impl<'a> Available<'a> {
    pub(super) fn new(request: &Request<'a>) -> Self {
        Self {
            profiles: Profiles::new(request.profiles),
            pinned: PinnedTargets::new(request.pinned),
            overrides: TargetOverrides::new(request.overrides),
            kind: request.kind,
            identities: request.identities,
            now: request.now,
        }
    }
}
