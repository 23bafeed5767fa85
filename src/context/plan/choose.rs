//! Choosing one profile and one certificate for one target.

use super::{Choice, Discarded, Request, Row, Why, by_uuid, pinned_for};
use crate::apple::certificate::CertificateKind;
use crate::apple::profile::ProfileKind;
use crate::base::ids::CertSha1;
use crate::context::manifest::{PinnedCertificate, PinnedProfile, ProfileState};
use crate::context::policy::TargetOverride;
use crate::xcode::platform::Platform;
use crate::xcode::targets::{ProfileRequest, SigningTarget};

/// Chooses for one target.
pub(super) fn choose<'a>(target: &'a SigningTarget, request: &Request<'a>) -> Row<'a> {
    let pinned = pinned_for(target, request.pinned);
    let by_hand = TargetOverride::find(request.overrides, &target.target, &target.configuration);
    let forced = by_hand
        .and_then(|rule| Some((by_uuid(request.profiles, &rule.profile)?, Why::Policy)))
        .or_else(|| {
            pinned.and_then(|pin| Some((by_uuid(request.profiles, &pin.profile)?, Why::Pinned)))
        });

    let mut fitting: Vec<&PinnedProfile> = Vec::new();
    let mut discarded = Vec::new();
    for profile in request
        .profiles
        .iter()
        .filter(|profile| covers(profile, target))
    {
        match unfit(profile, target, request.kind) {
            None => fitting.push(profile),
            Some(why) => discarded.push(Discarded { profile, why }),
        }
    }
    // Closest first; what is left equal is put in a fixed order, and said.
    fitting.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.uuid.cmp(&b.uuid)));
    let requested = target
        .requested_profile()
        .and_then(|request| named(&request.value, &fitting));
    let chosen = forced
        .or_else(|| requested.map(|profile| (profile, Why::Requested)))
        .or_else(|| fitting.first().map(|profile| (*profile, Why::BestFit)));
    let choice = chosen.and_then(|(profile, why)| {
        let pinned = pinned
            .filter(|_| why == Why::Pinned)
            .map(|pin| pin.certificate);
        let certificate = profile
            .certificates
            .iter()
            .find(|certificate| Some(certificate.sha256) == pinned)
            .or_else(|| certificate(profile, target))?;
        Some(Choice {
            profile,
            certificate,
            why,
        })
    });
    if let Some(choice) = &choice {
        for profile in fitting
            .into_iter()
            .filter(|profile| profile.uuid != choice.profile.uuid)
        {
            discarded.push(Discarded {
                profile,
                why: lost_to(profile, choice),
            });
        }
    }
    Row {
        target,
        choice,
        discarded,
    }
}

/// The profile that a target asks for, among these.
pub(super) fn named<'a>(
    request: &ProfileRequest,
    profiles: &[&'a PinnedProfile],
) -> Option<&'a PinnedProfile> {
    profiles
        .iter()
        .copied()
        .find(|profile| answers(profile, request))
}

/// Whether a profile is the one that is asked for.
pub(super) fn answers(profile: &PinnedProfile, request: &ProfileRequest) -> bool {
    match request {
        ProfileRequest::Uuid(uuid) => profile.uuid == *uuid,
        ProfileRequest::Name { name, team } => {
            *profile.name == **name && team.as_ref().is_none_or(|team| profile.team_id == *team)
        }
    }
}

/// Whether a profile covers the target's bundle id on its platform.
pub(super) fn covers(profile: &PinnedProfile, target: &SigningTarget) -> bool {
    let bundle_id = target.bundle_id.as_ref();
    bundle_id.is_some_and(|bundle_id| profile.bundle_id.covers(&bundle_id.value))
        && is_for(profile, target.platform)
}

/// Whether a profile is for a platform. Apple writes `OSX` for macOS and Catalyst; watch products are signed with iOS
/// profiles, and visionOS ones with profiles that name it or its first name, `xrOS`.
pub(super) fn is_for(profile: &PinnedProfile, platform: Platform) -> bool {
    let names: &[&str] = match platform {
        Platform::Ios | Platform::IosSimulator => &["iOS"],
        Platform::Watchos | Platform::WatchosSimulator => &["iOS", "watchOS"],
        Platform::Tvos | Platform::TvosSimulator => &["tvOS", "iOS"],
        Platform::Visionos | Platform::VisionosSimulator => &["visionOS", "xrOS"],
        Platform::Macos | Platform::MacCatalyst | Platform::Driverkit => &["OSX", "macOS"],
    };
    profile
        .platforms
        .iter()
        .any(|platform| names.contains(&platform.as_str()))
}

/// Why a profile that covers the bundle id still does not fit.
fn unfit(
    profile: &PinnedProfile,
    target: &SigningTarget,
    kind: Option<ProfileKind>,
) -> Option<String> {
    if let Some(team) = &target.team
        && profile.team_id != team.value
    {
        return Some(format!(
            "it belongs to team {}, the target to {}",
            profile.team_id, team.value
        ));
    }
    if let Some(kind) = kind
        && profile.kind != kind
    {
        return Some(format!("it is for {}, {kind} was asked for", profile.kind));
    }
    if kind.is_none()
        && let Some(wanted) = wanted_kinds(target)
        && !wanted.contains(&profile.kind)
    {
        return Some(format!(
            "it is for {}, the target's CODE_SIGN_IDENTITY is for something else",
            profile.kind
        ));
    }
    (profile.state == ProfileState::Retiring).then(|| "it is retiring".to_owned())
}

/// The kinds that fit `CODE_SIGN_IDENTITY`, where that tells anything.
pub(super) fn wanted_kinds(target: &SigningTarget) -> Option<&'static [ProfileKind]> {
    let identity = target.identity.as_ref()?;
    let identity = identity.value.as_ref();
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

/// What orders profiles that fit: specificity, state, distribution before development, age.
fn rank(profile: &PinnedProfile) -> (bool, usize, bool, bool, jiff::Timestamp) {
    let (is_exact, length) = profile.bundle_id.specificity();
    let is_active = profile.state == ProfileState::Active;
    let is_for_release = profile.kind != ProfileKind::Development;
    (is_exact, length, is_active, is_for_release, profile.created)
}

/// Why a profile that fits was not the one.
fn lost_to(profile: &PinnedProfile, choice: &Choice<'_>) -> String {
    let winner = choice.profile;
    match choice.why {
        Why::Policy => return format!("the policy gives the target {}", winner.uuid),
        Why::Pinned => return format!("the manifest pins the target to {}", winner.uuid),
        Why::Requested => return format!("the project asks for {}", winner.title()),
        Why::BestFit => {}
    }
    if profile.bundle_id.specificity() < winner.bundle_id.specificity() {
        format!(
            "{} fits the bundle id more closely than {}",
            winner.bundle_id, profile.bundle_id
        )
    } else if profile.state != winner.state {
        format!(
            "it is {}, {} is {}",
            profile.state, winner.uuid, winner.state
        )
    } else if profile.kind != winner.kind {
        format!(
            "it is for {}, and {} was preferred: ask for a kind with --kind",
            profile.kind, winner.kind
        )
    } else if profile.created != winner.created {
        format!("{} fits equally and is newer", winner.uuid)
    } else {
        format!(
            "a tie with {}: the lower UUID was taken; pin one in the policy's [[targets]]",
            winner.uuid
        )
    }
}

/// The certificate that signs: the one that the target names by SHA-1, else the code-signing one of the name that it
/// asks for that lives longest, else the one that lives longest.
fn certificate<'a>(
    profile: &'a PinnedProfile,
    target: &SigningTarget,
) -> Option<&'a PinnedCertificate> {
    let asked = target
        .identity
        .as_ref()
        .map(|identity| identity.value.as_ref());
    if let Some(sha1) = asked.and_then(|asked| asked.parse::<CertSha1>().ok())
        && let Some(certificate) = profile
            .certificates
            .iter()
            .find(|certificate| certificate.sha1 == sha1)
    {
        return Some(certificate);
    }
    let signs = |certificate: &&PinnedCertificate| {
        certificate.kind.signs_code() || certificate.kind == CertificateKind::Other
    };
    let longest = |certificates: Vec<&'a PinnedCertificate>| {
        certificates
            .into_iter()
            .max_by_key(|certificate| (certificate.expires, certificate.sha256))
    };
    let of_name = asked.map(|asked| {
        profile
            .certificates
            .iter()
            .filter(signs)
            .filter(|c| c.common_name.starts_with(asked))
            .collect::<Vec<_>>()
    });
    of_name
        .and_then(longest)
        .or_else(|| longest(profile.certificates.iter().filter(signs).collect()))
}
