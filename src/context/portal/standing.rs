//! How something at App Store Connect stands, in one word.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::snapshot::Snapshot;
use crate::apple::app_store_connect::resource::{PortalProfile, ProfileStanding};
use crate::base::finding::{Code, Finding};
use crate::base::ids::ProfileUuid;
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::state::State;

/// How a profile at App Store Connect stands. `ACTIVE` there says nothing of expiry, so the two are told apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortalState {
    /// `INVALID`: a certificate was revoked, or the bundle id changed, since it was made.
    Invalid,
    /// It has expired, whatever its state there.
    Expired,
    /// Neither `ACTIVE` nor `INVALID`: a word that this version does not know.
    Unclear,
    /// It expires within the policy's `warn_before`.
    ExpiresSoon,
    /// `ACTIVE`, and not near its end.
    Active,
}

impl PortalState {
    /// How `profile` stands.
    pub fn of(profile: &PortalProfile, now: Timestamp, warn_before: SignedDuration) -> Self {
        let by_end = State::of_end(Some(profile.expires), now, warn_before);
        match (&profile.standing, by_end) {
            (_, State::Expired) => Self::Expired,
            (ProfileStanding::Invalid, _) => Self::Invalid,
            (ProfileStanding::Unknown(_), _) => Self::Unclear,
            (ProfileStanding::Active, State::ExpiresSoon) => Self::ExpiresSoon,
            (ProfileStanding::Active, _) => Self::Active,
        }
    }
}

/// What manifest and machine know of the profiles there.
#[derive(Debug, Default)]
pub struct Known<'m> {
    manifest: Option<&'m Manifest>,
    installed: HashSet<ProfileUuid>,
}

impl<'m> Known<'m> {
    /// What a manifest pins, and what is installed here.
    pub fn new(
        manifest: Option<&'m Manifest>,
        installed: impl IntoIterator<Item = ProfileUuid>,
    ) -> Self {
        Self {
            manifest,
            installed: installed.into_iter().collect(),
        }
    }

    /// Whether the manifest pins the UUID.
    pub fn is_pinned(&self, uuid: &ProfileUuid) -> bool {
        self.manifest.is_some_and(|it| it.profile(uuid).is_some())
    }

    /// Whether a proven profile of the UUID is installed here.
    pub fn is_installed(&self, uuid: &ProfileUuid) -> bool {
        self.installed.contains(uuid)
    }

    /// The pinned profiles that App Store Connect does not list: deleted there, another team's, or Xcode's own.
    pub fn not_listed<'s>(&'s self, snapshot: &'s Snapshot) -> Vec<&'m PinnedProfile> {
        let listed: HashSet<&ProfileUuid> = snapshot.profiles.iter().map(|it| &it.uuid).collect();
        let pinned = self.manifest.map(Manifest::profiles).unwrap_or_default();
        pinned
            .iter()
            .filter(|it| !listed.contains(&it.uuid))
            .collect()
    }

    /// What somebody should know of the profiles that sign here: Apple holds them as invalid.
    pub fn findings(&self, snapshot: &Snapshot, now: Timestamp) -> Vec<Finding> {
        let signs = |profile: &&PortalProfile| {
            let pinned = self.manifest.and_then(|it| it.profile(&profile.uuid));
            pinned.is_some_and(|(_, pinned)| pinned.state != ProfileState::Retiring)
        };
        let profiles = snapshot.profiles.iter().filter(signs);
        profiles
            .filter(|profile| {
                PortalState::of(profile, now, SignedDuration::ZERO) == PortalState::Invalid
            })
            .map(invalid)
            .collect()
    }
}

/// That Apple holds a profile as invalid.
pub fn invalid(profile: &PortalProfile) -> Finding {
    let message = format!(
        "App Store Connect holds profile {:?} ({}) as INVALID",
        profile.name, profile.uuid
    );
    Finding::warn(Code::PortalProfileInvalid, message)
        .values("ACTIVE", "INVALID")
        .of_profile(&profile.uuid)
        .hint("find out which of its certificates was revoked, and renew it")
        .remedy(Remedy::RenewAtPortal)
}
