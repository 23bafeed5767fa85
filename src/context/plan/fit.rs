//! Whether a profile and a target go together.

use crate::apple::profile::ProfileKind;
use crate::base::ids::BundleId;
use crate::context::manifest::PinnedProfile;
use crate::xcode::platform::Platform;
use crate::xcode::targets::{ProfileRequest, SigningTarget};

/// Whether a profile is the one that is asked for.
pub(super) fn answers(profile: &PinnedProfile, request: &ProfileRequest) -> bool {
    match request.revealed() {
        ProfileRequest::Uuid(uuid) => profile.uuid == *uuid,
        ProfileRequest::Name { name, team } => {
            *profile.name == **name && team.as_ref().is_none_or(|team| profile.team_id == *team)
        }
        ProfileRequest::FromEnvironment(_) => false,
    }
}

/// Whether a profile covers a bundle id on a platform.
pub(super) fn covers(profile: &PinnedProfile, bundle_id: &BundleId, platform: Platform) -> bool {
    profile.bundle_id.covers(bundle_id) && is_for(profile, platform)
}

/// Whether a profile covers the target's bundle id on its platform.
pub(super) fn covers_target(profile: &PinnedProfile, target: &SigningTarget) -> bool {
    target
        .bundle_id
        .as_ref()
        .is_some_and(|bundle_id| covers(profile, &bundle_id.value, target.platform))
}

/// Whether a profile belongs to the target's team, where the target names one.
pub(super) fn is_of_team(profile: &PinnedProfile, target: &SigningTarget) -> bool {
    target
        .team
        .as_ref()
        .is_none_or(|team| team.value == profile.team_id)
}

/// Whether a profile is for a platform.
pub(super) fn is_for(profile: &PinnedProfile, platform: Platform) -> bool {
    let names = platform.names_in_profiles();
    profile
        .platforms
        .iter()
        .any(|platform| names.contains(&platform.as_str()))
}

/// The kinds that fit `CODE_SIGN_IDENTITY`, where that tells anything.
pub(super) fn wanted_kinds(target: &SigningTarget) -> Option<&'static [ProfileKind]> {
    let identity = target.asked_identity()?;
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| identity.starts_with(prefix));
    if starts(&["Apple Development", "iPhone Developer", "Mac Developer"]) {
        Some(&[ProfileKind::Development])
    } else if starts(&["Developer ID Application"]) {
        Some(&[ProfileKind::DeveloperId])
    } else if starts(&[
        "Apple Distribution",
        "iPhone Distribution",
        "3rd Party Mac Developer Application",
    ]) {
        Some(&[
            ProfileKind::AppStore,
            ProfileKind::AdHoc,
            ProfileKind::Enterprise,
        ])
    } else {
        None
    }
}
