//! The profile that a target asks for by name or UUID.

use super::kind::kind_mismatch;
use super::place::{at_origin, title};
use super::unmapped::closest;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::plan::available::Available;
use crate::context::plan::fit::{answers, covers_target, is_for, is_of_team, wanted_kinds};
use crate::context::plan::row::{Choice, Row, Why};
use crate::xcode::targets::{ProfileRequest, Setting, SigningStyle, SigningTarget};

/// What a target asks for by name or UUID, against what there is.
pub(super) fn requested(
    row: &Row<'_>,
    requested: &Setting<ProfileRequest>,
    available: &Available<'_>,
) -> Option<Finding> {
    let target = row.target;
    let answering = available.profiles.answering(&requested.value);
    let origin = Some(&requested.origin);
    let here = |finding| Some(at_origin(finding, target, origin));
    let Some(bundle_id) = target.bundle_id.as_ref() else {
        // Reported by the resolver: nothing can be chosen for a target without a bundle id.
        return None;
    };
    if answering.is_empty() && requested.value.is_quoted() {
        // The resolver tells the quotes, which are the cause.
        return None;
    }
    if answering.is_empty() {
        return match &row.choice {
            // There is a profile for this target, but it asks for another one: its host moved on.
            Some(choice) => here(stale(target, &requested.value, choice, "which nobody pinned")),
            None => here(
                Finding::block(
                    Code::TargetUnmapped,
                    format!("{} asks for profile {:?}, which does not exist here", title(target), requested.value.to_string()),
                )
                .values(
                    format!("a profile {:?} that covers {}", requested.value.to_string(), bundle_id.value),
                    closest(row, available),
                )
                .hint("create the profile at Apple's developer site, install it and freeze the manifest again")
                .remedy(Remedy::FreezeManifest),
            ),
        };
    }
    let suitable = answering
        .iter()
        .find(|profile| covers_target(profile, target) && is_of_team(profile, target));
    if let Some(suitable) = suitable {
        // It covers the target, and still it may be for something else.
        if let Some(finding) = conflicting_identity(row, suitable, requested, available) {
            return Some(finding);
        }
        let Some(chosen) = row.choice.as_ref() else {
            return Some(unfit(row, suitable, requested, available));
        };
        let is_retiring = |profile: &&&PinnedProfile| {
            profile.state == ProfileState::Retiring && covers_target(profile, target)
        };
        if !answers(chosen.profile, &requested.value)
            && answering.iter().any(|profile| is_retiring(&profile))
        {
            return here(stale(target, &requested.value, chosen, "which is retiring"));
        }
        return None;
    }
    let profile = answering.first()?;
    if !is_of_team(profile, target) {
        let team = target
            .team
            .as_ref()
            .map_or("no team".to_owned(), |team| team.value.to_string());
        let finding = Finding::block(
            Code::TargetTeamMismatch,
            format!(
                "{} belongs to another team than its profile {}",
                title(target),
                profile.title()
            ),
        )
        .values(
            format!("team {}", profile.team_id),
            format!("DEVELOPMENT_TEAM = {team}"),
        )
        .of_profile(&profile.uuid)
        .hint(
            "set DEVELOPMENT_TEAM to the profile's team, or choose a profile of the target's team",
        );
        return Some(at_origin(
            finding,
            target,
            target.team.as_ref().map(|team| &team.origin).or(origin),
        ));
    }
    if profile.bundle_id.covers(&bundle_id.value) && !is_for(profile, target.platform) {
        return here(other_platform(row, profile));
    }
    let platform = if is_for(profile, target.platform) {
        String::new()
    } else {
        format!(", on {} only", profile.platforms.join(" and "))
    };
    here(
        Finding::block(
            Code::TargetBundleMismatch,
            format!(
                "{} asks for profile {}, which does not cover it",
                title(target),
                profile.title()
            ),
        )
        .values(
            format!(
                "a profile that covers {} on {}",
                bundle_id.value, target.platform
            ),
            format!("one that covers {}{platform}", profile.bundle_id),
        )
        .of_profile(&profile.uuid)
        .hint(match &row.choice {
            // The manifest pins the target to it: the bundle id moved away.
            Some(choice) if choice.profile.uuid == profile.uuid => {
                let covered = profile.bundle_id.to_string();
                let covered = match covered.contains('*') {
                    true => format!("one that {covered} covers"),
                    false => format!("{covered} again"),
                };
                format!(
                    "set PRODUCT_BUNDLE_IDENTIFIER to {covered}, or create a profile for {} at Apple's developer site and ask for that one",
                    bundle_id.value
                )
            }
            Some(choice) => format!("use {} instead", choice.profile.title()),
            None => format!(
                "create a profile for {} at Apple's developer site, and ask for that one",
                bundle_id.value
            ),
        }),
    )
}

/// A profile of another platform: an iOS profile signs watchOS too, and neither tvOS nor, unless it says so, visionOS.
fn other_platform(row: &Row<'_>, profile: &PinnedProfile) -> Finding {
    let target = row.target;
    Finding::block(
        Code::TargetPlatformMismatch,
        format!(
            "{} asks for profile {}, which is for {}",
            title(target),
            profile.title(),
            profile.platforms.join(" and ")
        ),
    )
    .values(
        format!("a profile for {}", target.platform),
        format!("one for {}", profile.platforms.join(" and ")),
    )
    .of_profile(&profile.uuid)
    .hint(match &row.choice {
        Some(choice) if choice.profile.uuid != profile.uuid => {
            format!("use {} instead", choice.profile.title())
        }
        _ => format!(
            "create a profile for {} at Apple's developer site, and ask for that one",
            target.platform
        ),
    })
}

/// A target that asks for a profile of one kind and, with `CODE_SIGN_IDENTITY`, for certificates of another: Xcode says
/// that the profile does not include the signing certificate.
fn conflicting_identity(
    row: &Row<'_>,
    asked: &PinnedProfile,
    requested: &Setting<ProfileRequest>,
    available: &Available<'_>,
) -> Option<Finding> {
    let target = row.target;
    let was_overruled = row.choice.as_ref().is_some_and(|choice| {
        choice.why != Why::BestFit || answers(choice.profile, &requested.value)
    });
    // A kind that was asked for counts more, and an automatic style is complained about already.
    if was_overruled
        || available.kind.is_some()
        || target.style.value == SigningStyle::Automatic
        || wanted_kinds(target)?.contains(&asked.kind)
    {
        return None;
    }
    let identity = target.written_identity()?;
    let finding = Finding::block(
        Code::TargetKindMismatch,
        format!(
            "{} asks for profile {}, which is for {}, but its signing identity is of another kind",
            title(target),
            asked.title(),
            asked.kind
        ),
    )
    .values(
        format!("a certificate for {}", asked.kind),
        format!("CODE_SIGN_IDENTITY = {}", identity.value),
    )
    .of_profile(&asked.uuid)
    .hint("set CODE_SIGN_IDENTITY to the kind of certificate that the profile is for, or ask for another profile");
    Some(at_origin(finding, target, Some(&identity.origin)))
}

/// The profile that is asked for is there and covers the target, yet cannot sign it, and nothing else can.
fn unfit(
    row: &Row<'_>,
    asked: &PinnedProfile,
    requested: &Setting<ProfileRequest>,
    available: &Available<'_>,
) -> Finding {
    let target = row.target;
    if let Some(kind) = available.kind.filter(|kind| *kind != asked.kind) {
        return kind_mismatch(target, asked, kind, Some(&requested.origin));
    }
    let finding = Finding::block(
        Code::TargetUnmapped,
        format!(
            "{} asks for profile {}, which is retiring",
            title(target),
            asked.title()
        ),
    )
    .values(
        format!("an active profile for {}", title(target)),
        closest(row, available),
    )
    .of_profile(&asked.uuid)
    .hint(
        "install its replacement and freeze the manifest again, or make this profile active again",
    )
    .remedy(Remedy::FreezeManifest);
    at_origin(finding, target, Some(&requested.origin))
}

fn stale(
    target: &SigningTarget,
    requested: &ProfileRequest,
    choice: &Choice<'_>,
    why: &str,
) -> Finding {
    let host = target
        .host
        .as_ref()
        .map_or(String::new(), |host| format!("; its host app is {host}"));
    Finding::block(
        Code::TargetProfileStale,
        format!(
            "{} still asks for profile {:?}, {why}{host}",
            title(target),
            requested.to_string()
        ),
    )
    .values(choice.profile.title(), requested)
    .of_profile(&choice.profile.uuid)
    .hint(format!(
        "set its PROVISIONING_PROFILE_SPECIFIER to {:?}, or build with the exported settings",
        choice.profile.name
    ))
    .remedy(Remedy::ExportTargets)
}
