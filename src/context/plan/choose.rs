//! Choosing one profile and one certificate for one target.

use super::available::Available;
use super::fit::{answers, wanted_kinds};
use super::row::{Choice, Discarded, Row, Why};
use crate::apple::certificate::CertificateKind;
use crate::apple::profile::ProfileKind;
use crate::base::ids::CertSha1;
use crate::context::manifest::{PinnedCertificate, PinnedProfile, ProfileState};
use crate::xcode::targets::{SigningStyle, SigningTarget};

/// Chooses for one target.
pub(super) fn choose<'a>(target: &'a SigningTarget, available: &Available<'a>) -> Row<'a> {
    let profiles = &available.profiles;
    let pinned = available.pinned.get(target);
    let by_hand = available
        .overrides
        .find(&target.target, &target.configuration);
    let forced = by_hand
        .and_then(|rule| Some((profiles.with_uuid(&rule.profile)?, Why::Policy)))
        .or_else(|| pinned.and_then(|pin| Some((profiles.with_uuid(&pin.profile)?, Why::Pinned))));

    let mut fitting: Vec<&PinnedProfile> = Vec::new();
    let mut discarded = Vec::new();
    for profile in profiles.covering(target) {
        match unfit(profile, target, available.kind) {
            None => fitting.push(profile),
            Some(why) => discarded.push(Discarded { profile, why }),
        }
    }
    // Closest first; what is left equal is put in a fixed order, and said.
    let rank = |profile: &PinnedProfile| rank(profile, target, available);
    fitting.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.uuid.cmp(&b.uuid)));
    let requested = target.requested_profile().and_then(|request| {
        let mut answering = fitting.iter().copied();
        answering.find(|profile| answers(profile, &request.value))
    });
    let chosen = forced
        .or_else(|| requested.map(|profile| (profile, Why::Requested)))
        .or_else(|| fitting.first().map(|profile| (*profile, Why::BestFit)));
    let choice = chosen.and_then(|(profile, why)| {
        let pinned = pinned
            .filter(|_| why == Why::Pinned)
            .map(|pin| pin.certificate);
        let certificate = profile
            .certificates()
            .find(|certificate| Some(certificate.sha256) == pinned)
            .or_else(|| certificate(profile, target, available))?;
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
                why: lost_to(profile, choice, available),
            });
        }
    }
    Row {
        target,
        choice,
        discarded,
        is_judged: true,
    }
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
            "it belongs to team {}, but the target belongs to {}",
            profile.team_id, team.value
        ));
    }
    if let Some(kind) = kind
        && profile.kind != kind
    {
        return Some(format!(
            "it is for {}, but {kind} is requested",
            profile.kind
        ));
    }
    if kind.is_none()
        && let Some(wanted) = wanted_kinds(target)
        && !wanted.contains(&profile.kind)
    {
        return Some(format!(
            "it is for {}, but the target's CODE_SIGN_IDENTITY is for something else",
            profile.kind
        ));
    }
    (profile.state == ProfileState::Retiring).then(|| "it is retiring".to_owned())
}

/// What orders profiles that fit: whether Xcode would sign with it, specificity, state, distribution before development, age.
fn rank(
    profile: &PinnedProfile,
    target: &SigningTarget,
    available: &Available<'_>,
) -> (bool, bool, bool, usize, bool, bool, jiff::Timestamp) {
    let is_valid = profile.expires >= available.now;
    let is_takeable = target.style.value != SigningStyle::Manual || !profile.is_xcode_managed();
    let (is_exact, length) = profile.bundle_id.specificity();
    let is_active = profile.state == ProfileState::Active;
    let is_for_release = profile.kind != ProfileKind::Development;
    (
        is_valid,
        is_takeable,
        is_exact,
        length,
        is_active,
        is_for_release,
        profile.created,
    )
}

/// Why a profile that fits was not the one.
fn lost_to(profile: &PinnedProfile, choice: &Choice<'_>, available: &Available<'_>) -> String {
    let winner = choice.profile;
    match choice.why {
        Why::Policy => return format!("the policy gives the target {}", winner.uuid),
        Why::Pinned => return format!("the manifest pins the target to {}", winner.uuid),
        Why::Requested => return format!("the project asks for {}", winner.title()),
        Why::BestFit => {}
    }
    if profile.expires < available.now && winner.expires >= available.now {
        format!("it expired on {}", profile.expires)
    } else if profile.is_xcode_managed() && !winner.is_xcode_managed() {
        "Xcode manages it, and manual signing does not take such a profile".to_owned()
    } else if profile.bundle_id.specificity() < winner.bundle_id.specificity() {
        format!(
            "{} fits the bundle id more closely than {}",
            winner.bundle_id, profile.bundle_id
        )
    } else if profile.state != winner.state {
        format!(
            "it is {}, but {} is {}",
            profile.state, winner.uuid, winner.state
        )
    } else if profile.kind != winner.kind {
        format!(
            "it is for {}, but {} is preferred; name the kind of the product",
            profile.kind, winner.kind
        )
    } else if profile.created != winner.created {
        format!("{} fits equally well and is newer", winner.uuid)
    } else {
        format!(
            "{} fits equally well and has the lower UUID; pin one of the two in the policy's [[targets]]",
            winner.uuid
        )
    }
}

/// The certificate that signs: the one that the target names by SHA-1, else the code-signing one of the name that it
/// asks for that lives longest, else the one that lives longest. Where identities are known, those with a key come first, also
/// those of another name, if the target names a kind of certificate and not one of them.
fn certificate<'a>(
    profile: &'a PinnedProfile,
    target: &SigningTarget,
    available: &Available<'_>,
) -> Option<&'a PinnedCertificate> {
    let asked = target.asked_identity();
    if let Some(sha1) = asked.and_then(|asked| asked.parse::<CertSha1>().ok())
        && let Some(certificate) = profile
            .certificates()
            .find(|certificate| certificate.sha1 == sha1)
    {
        return Some(certificate);
    }
    let signs = |certificate: &&PinnedCertificate| {
        certificate.kind.signs_code() || certificate.kind == CertificateKind::Other
    };
    let has_key = |certificate: &PinnedCertificate| {
        available
            .identities
            .is_some_and(|identities| identities.contains(&certificate.sha1))
    };
    let longest = |certificates: Vec<&'a PinnedCertificate>| {
        certificates.into_iter().max_by_key(|certificate| {
            let has_key = has_key(certificate);
            (has_key, certificate.expires, certificate.sha256)
        })
    };
    let all: Vec<&PinnedCertificate> = profile.certificates().filter(signs).collect();
    // `Apple Distribution` and `iPhone Distribution` name kinds, of which the profile has one: of the older kind may be the key.
    let names_kind = asked.is_some_and(|asked| !asked.contains(": "));
    let of_name = asked.map(|asked| {
        let of_name = all.iter().copied();
        let of_name = of_name.filter(|it| it.common_name.starts_with(asked));
        let of_name: Vec<&PinnedCertificate> = of_name.collect();
        let lacks_key = !of_name.iter().any(|it| has_key(it)) && all.iter().any(|it| has_key(it));
        match names_kind && lacks_key {
            true => Vec::new(),
            false => of_name,
        }
    });
    of_name.and_then(longest).or_else(|| longest(all))
}
