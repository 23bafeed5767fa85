//! What is not right between what targets ask for and what there is: the *targets* findings.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::choose::{answers, covers, is_for, wanted_kinds};
use super::{Choice, Request, Row, Why, by_uuid, fitness, pinned_for};
use crate::apple::entitlements::Entitlements;
use crate::apple::entitlements::grant::{PlatformFamily, Why as ShortfallWhy};
use crate::base::finding::{Code, Finding, Severity};
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::xcode::settings::Origin;
use crate::xcode::sources::Sources;
use crate::xcode::targets::{ProfileRequest, Setting, SigningStyle, SigningTarget};

/// Judges every row, and the rows among each other.
pub(super) fn check(rows: &[Row<'_>], request: &Request<'_>) -> Vec<Finding> {
    let mut findings = fitness::overrides(request);
    let shared = shared_specifiers(rows, request, &mut findings);
    let manual: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.target.style.value == SigningStyle::Manual && is_meant(row, request))
        .map(|row| row.target.configuration.as_str())
        .collect();
    for row in rows {
        let target = row.target;
        let others_are_manual = manual.contains(target.configuration.as_str());
        let mut found: Vec<Finding> = Vec::new();
        found.extend(style(row, others_are_manual));
        match target.requested_profile() {
            _ if shared.contains(&identity(target)) => {}
            Some(requested) => found.extend(specifier(row, requested, request)),
            None if row.choice.is_none() => found.push(unmapped(row, request, others_are_manual)),
            None => {}
        }
        if let Some(choice) = &row.choice {
            found.extend(kind(row, choice, request));
            found.extend(fitness::forced(row, choice));
            found.extend(fitness::identity(row, choice));
            found.extend(entitlements(row, choice, request.sources));
        }
        found.extend(pin(row, request));
        if !is_meant(row, request) {
            for finding in &mut found {
                finding.severity = Severity::Info;
            }
        }
        findings.extend(found);
    }
    findings
}

/// Whether a row is judged: a test bundle only if it was named, because no archive holds it.
fn is_meant(row: &Row<'_>, request: &Request<'_>) -> bool {
    request.targets_were_named || !row.is_beside_the_archive()
}

/// What tells rows apart.
type Identity<'a> = (&'a Path, &'a str, &'a str, crate::xcode::platform::Platform);

fn identity(target: &SigningTarget) -> Identity<'_> {
    (
        &target.project,
        target.target.as_str(),
        target.configuration.as_str(),
        target.platform,
    )
}

/// A finding that points at where a value came from, or else at the target.
pub(super) fn at(finding: Finding, target: &SigningTarget, origin: Option<&Origin>) -> Finding {
    let mut finding = finding.of_target(&target.target);
    let place = origin.and_then(|origin| Some((origin.file.as_deref()?, origin.line)));
    let (file, line) = match place {
        Some((file, line)) => (file.to_owned(), line),
        None => (target.project.join("project.pbxproj"), target.line),
    };
    finding = finding.in_file(&file);
    match line {
        Some(line) => finding.at_line(line),
        None => finding,
    }
}

pub(super) fn title(target: &SigningTarget) -> String {
    format!(
        "target {} ({}, {})",
        target.target, target.configuration, target.platform
    )
}

/// Automatic signing with a profile named by hand, or beside targets that are signed manually.
fn style(row: &Row<'_>, others_are_manual: bool) -> Option<Finding> {
    let target = row.target;
    if target.style.value != SigningStyle::Automatic {
        return None;
    }
    let (message, found) = match target.requested_profile() {
        Some(requested) => (
            format!(
                "{} is automatically signed, but profile {:?} is specified for it",
                title(target),
                requested.value.to_string()
            ),
            format!(
                "Automatic, with a profile specified at {}",
                requested.origin
            ),
        ),
        None if others_are_manual => (
            format!(
                "{} is automatically signed, other targets of this configuration manually",
                title(target)
            ),
            "Automatic".to_owned(),
        ),
        None => return None,
    };
    let finding = Finding::block(Code::SigningStyleMixed, message)
        .values("CODE_SIGN_STYLE = Manual", found)
        .hint("remove this CODE_SIGN_STYLE so that the target inherits the others' style, or set it to Manual");
    Some(at(finding, target, Some(&target.style.origin)))
}

/// One specifier, from one line, for targets whose bundle ids it cannot all cover.
fn shared_specifiers<'a>(
    rows: &[Row<'a>],
    request: &Request<'_>,
    findings: &mut Vec<Finding>,
) -> BTreeSet<Identity<'a>> {
    let mut by_origin: HashMap<(String, String, &str), Vec<&Row<'a>>> = HashMap::new();
    for row in rows.iter().filter(|row| is_meant(row, request)) {
        if let Some(requested) = row.target.requested_profile() {
            let key = (
                requested.value.to_string(),
                requested.origin.to_string(),
                row.target.configuration.as_str(),
            );
            by_origin.entry(key).or_default().push(row);
        }
    }
    let mut shared = BTreeSet::new();
    let mut found: Vec<Finding> = Vec::new();
    for ((specifier, _, configuration), rows) in by_origin {
        let bundle_ids: BTreeSet<&str> = rows
            .iter()
            .filter_map(|row| Some(row.target.bundle_id.as_ref()?.value.as_str()))
            .collect();
        let Some(first) = rows.first().map(|row| row.target) else {
            continue;
        };
        let Some(requested) = first.requested_profile() else {
            continue;
        };
        let covered = |profile: &PinnedProfile| {
            rows.iter().all(|row| {
                row.target
                    .bundle_id
                    .as_ref()
                    .is_none_or(|bundle_id| profile.bundle_id.covers(&bundle_id.value))
            })
        };
        let answering: Vec<&PinnedProfile> = request
            .profiles
            .iter()
            .filter(|profile| answers(profile, &requested.value))
            .collect();
        let mut names: Vec<&str> = rows.iter().map(|row| row.target.target.as_str()).collect();
        names.dedup();
        // One target on two platforms shares its specifier with nobody.
        if names.len() < 2
            || bundle_ids.len() < 2
            || answering.iter().any(|profile| covered(profile))
        {
            continue;
        }
        if answering.is_empty() {
            // Nobody has this profile: that is said of each target, with what it should be instead.
            continue;
        }
        shared.extend(rows.iter().map(|row| identity(row.target)));
        let finding = Finding::block(
            Code::SpecifierShared,
            format!(
                "one profile specifier is hard-coded for {} targets of {configuration}: {}",
                names.len(),
                names.join(", ")
            ),
        )
        .values(
            format!(
                "a profile for each of {}",
                bundle_ids.into_iter().collect::<Vec<_>>().join(", ")
            ),
            format!("{specifier:?} for all of them"),
        )
        .hint(
            "give each target its own PROVISIONING_PROFILE_SPECIFIER, or build with \
             `xcodebuild $(countersign targets export --as xcargs)`",
        );
        found.push(at(finding, first, Some(&requested.origin)));
    }
    found.sort_by(|a, b| a.message.cmp(&b.message));
    findings.extend(found);
    shared
}

/// What a target asks for by name or UUID, against what there is.
fn specifier(
    row: &Row<'_>,
    requested: &Setting<ProfileRequest>,
    request: &Request<'_>,
) -> Option<Finding> {
    let target = row.target;
    let answering: Vec<&PinnedProfile> = request
        .profiles
        .iter()
        .filter(|profile| answers(profile, &requested.value))
        .collect();
    let origin = Some(&requested.origin);
    let here = |finding| Some(at(finding, target, origin));
    let Some(bundle_id) = target.bundle_id.as_ref() else {
        // Reported by the resolver: nothing can be chosen for a target without a bundle id.
        return None;
    };
    if answering.is_empty() {
        return match &row.choice {
            // There is a profile for this target, but it asks for another one: its host moved on.
            Some(choice) => here(stale(target, &requested.value, choice, "which nobody pinned")),
            None => here(
                Finding::block(
                    Code::TargetUnmapped,
                    format!("{} asks for profile {:?}, which is not there", title(target), requested.value.to_string()),
                )
                .values(
                    format!("a profile {:?} that covers {}", requested.value.to_string(), bundle_id.value),
                    nearest(row, request),
                )
                .hint("create the profile at Apple's developer site, install it and freeze the manifest again"),
            ),
        };
    }
    let suitable = answering
        .iter()
        .find(|profile| covers(profile, target) && matches_team(profile, target));
    if let Some(suitable) = suitable {
        // It covers the target, and still it may be for something else.
        if let Some(finding) = conflicting_identity(row, suitable, requested, request) {
            return Some(finding);
        }
        let Some(chosen) = row.choice.as_ref() else {
            return Some(unfit(row, suitable, requested, request));
        };
        let is_retiring = |profile: &&&PinnedProfile| {
            profile.state == ProfileState::Retiring && covers(profile, target)
        };
        if !answers(chosen.profile, &requested.value)
            && answering.iter().any(|profile| is_retiring(&profile))
        {
            return here(stale(target, &requested.value, chosen, "which is retiring"));
        }
        return None;
    }
    let profile = answering.first()?;
    if !matches_team(profile, target) {
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
        return Some(at(
            finding,
            target,
            target.team.as_ref().map(|team| &team.origin).or(origin),
        ));
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
            Some(choice) => format!("use {} instead", choice.profile.title()),
            None => "create a profile for this bundle id at Apple's developer site".to_owned(),
        }),
    )
}

/// A target that asks for a profile of one kind and, with `CODE_SIGN_IDENTITY`, for certificates of another: Xcode says
/// that the profile does not include the signing certificate.
fn conflicting_identity(
    row: &Row<'_>,
    asked: &PinnedProfile,
    requested: &Setting<ProfileRequest>,
    request: &Request<'_>,
) -> Option<Finding> {
    let target = row.target;
    let was_overruled = row.choice.as_ref().is_some_and(|choice| {
        choice.why != Why::BestFit || answers(choice.profile, &requested.value)
    });
    // A kind that was asked for counts more, and an automatic style is complained about already.
    if was_overruled
        || request.kind.is_some()
        || target.style.value == SigningStyle::Automatic
        || wanted_kinds(target)?.contains(&asked.kind)
    {
        return None;
    }
    let identity = target.identity.as_ref()?;
    let finding = Finding::block(
        Code::TargetKindMismatch,
        format!(
            "{} asks for profile {}, which is for {}, and for a signing identity of another kind",
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
    Some(at(finding, target, Some(&identity.origin)))
}

/// The profile that is asked for is there and covers the target, yet cannot sign it, and nothing else can.
fn unfit(
    row: &Row<'_>,
    asked: &PinnedProfile,
    requested: &Setting<ProfileRequest>,
    request: &Request<'_>,
) -> Finding {
    let target = row.target;
    if let Some(kind) = request.kind.filter(|kind| *kind != asked.kind) {
        return kind_mismatch(target, asked, kind, Some(&requested.origin));
    }
    let finding = Finding::block(
        Code::TargetUnmapped,
        format!(
            "{} asks for profile {}, which is not to sign any more",
            title(target),
            asked.title()
        ),
    )
    .values(
        format!("an active profile for {}", title(target)),
        nearest(row, request),
    )
    .of_profile(&asked.uuid)
    .hint("install the profile that replaces it and freeze the manifest again, or make this one active again");
    at(finding, target, Some(&requested.origin))
}

fn matches_team(profile: &PinnedProfile, target: &SigningTarget) -> bool {
    target
        .team
        .as_ref()
        .is_none_or(|team| team.value == profile.team_id)
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
        format!("{} still asks for profile {:?}, {why}{host}", title(target), requested.to_string()),
    )
    .values(choice.profile.title(), requested)
    .of_profile(&choice.profile.uuid)
    .hint(format!(
        "set its PROVISIONING_PROFILE_SPECIFIER to {:?}, or build with `xcodebuild $(countersign targets export --as xcargs)`",
        choice.profile.name
    ))
}

/// A target that has no profile at all.
fn unmapped(row: &Row<'_>, request: &Request<'_>, others_are_manual: bool) -> Finding {
    let target = row.target;
    let wanted = target
        .bundle_id
        .as_ref()
        .map_or("its bundle id".to_owned(), |bundle_id| {
            bundle_id.value.to_string()
        });
    // Where Xcode signs everything itself, it also makes the profiles.
    let is_xcodes = target.style.value == SigningStyle::Automatic
        && !others_are_manual
        && !request.must_be_mapped;
    let severity = if is_xcodes {
        Severity::Info
    } else {
        Severity::Block
    };
    let finding = Finding::new(
        Code::TargetUnmapped,
        severity,
        format!("no profile covers {}", title(target)),
    )
    .values(
        format!("a profile that covers {wanted} on {}", target.platform),
        nearest(row, request),
    )
    .hint("create the profile at Apple's developer site, install it and freeze the manifest again");
    at(
        finding,
        target,
        target.bundle_id.as_ref().map(|bundle_id| &bundle_id.origin),
    )
}

/// What comes nearest to what is missing.
fn nearest(row: &Row<'_>, request: &Request<'_>) -> String {
    match row.discarded.as_slice() {
        [] => format!("none of {} profiles", request.profiles.len()),
        discarded => discarded
            .iter()
            .map(|one| format!("{}: {}", one.profile.title(), one.why))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// A profile of another kind than the product is meant for.
fn kind(row: &Row<'_>, choice: &Choice<'_>, request: &Request<'_>) -> Option<Finding> {
    let kind = request.kind?;
    if choice.profile.kind == kind {
        // The project may still ask for one of another kind by name.
        let requested = row.target.requested_profile()?;
        let asked = request
            .profiles
            .iter()
            .find(|profile| answers(profile, &requested.value))?;
        if asked.kind == kind
            || request
                .profiles
                .iter()
                .any(|p| answers(p, &requested.value) && p.kind == kind)
        {
            return None;
        }
        return Some(kind_mismatch(
            row.target,
            asked,
            kind,
            Some(&requested.origin),
        ));
    }
    let origin = row
        .target
        .requested_profile()
        .map(|requested| &requested.origin);
    Some(kind_mismatch(row.target, choice.profile, kind, origin))
}

fn kind_mismatch(
    target: &SigningTarget,
    profile: &PinnedProfile,
    kind: crate::apple::profile::ProfileKind,
    origin: Option<&Origin>,
) -> Finding {
    let finding = Finding::block(
        Code::TargetKindMismatch,
        format!(
            "{} would be signed with {}, which is for {}",
            title(target),
            profile.title(),
            profile.kind
        ),
    )
    .values(kind, profile.kind)
    .of_profile(&profile.uuid)
    .hint(format!(
        "choose the target's {kind} profile, or plan for {}",
        profile.kind
    ));
    at(finding, target, origin)
}

/// What the target claims and its profile does not grant.
fn entitlements(row: &Row<'_>, choice: &Choice<'_>, sources: &dyn Sources) -> Vec<Finding> {
    let target = row.target;
    let Some(claimed) = &target.entitlements else {
        return Vec::new();
    };
    let profile = choice.profile;
    let prefix = profile
        .application_identifier
        .strip_suffix(profile.bundle_id.as_str())
        .and_then(|prefix| prefix.strip_suffix('.'))
        .unwrap_or(profile.team_id.as_str());
    let claimed_values =
        Entitlements::from(claimed.with_prefixes(prefix, profile.team_id.as_str()));
    let family = if target.platform.is_mac() {
        PlatformFamily::Mac
    } else {
        PlatformFamily::Ios
    };
    profile
        .entitlements
        .grants(&claimed_values, family)
        .into_iter()
        .map(|shortfall| {
            let severity = if matches!(shortfall.why, ShortfallWhy::Unexpanded) { Severity::Warn } else { Severity::Block };
            Finding::new(
                Code::EntitlementNotGranted,
                severity,
                format!("{} claims {} and profile {} does not grant it", title(target), shortfall.key, profile.title()),
            )
            .values(
                format!("a grant of {}", shortfall.claimed),
                shortfall.granted.as_ref().map_or("no grant".to_owned(), |granted| format!("a grant of {granted}")),
            )
            .of_target(&target.target)
            .of_profile(&profile.uuid)
            .in_file(&claimed.file)
            .at_line(claimed.line_of(&shortfall.key, sources))
            .at_pointer(format!("/{}", shortfall.key))
            .hint(
                "switch the capability on for this bundle id at Apple's developer site, regenerate the profile and \
                 freeze the manifest again; or remove the claim",
            )
        })
        .collect()
}

/// The target against what the manifest pins it to.
fn pin(row: &Row<'_>, request: &Request<'_>) -> Option<Finding> {
    let target = row.target;
    if request.pinned.is_empty() {
        return None;
    }
    let Some(pin) = pinned_for(target, request.pinned) else {
        let finding = Finding::block(
            Code::TargetUnmapped,
            format!("{} is not in the manifest", title(target)),
        )
        .hint("freeze the manifest again with --project");
        return Some(at(finding, target, None));
    };
    let bundle_id = target.bundle_id.as_ref()?;
    if bundle_id.value != pin.bundle_id {
        let finding = Finding::block(
            Code::TargetBundleMismatch,
            format!(
                "{} has another bundle id than the manifest pins",
                title(target)
            ),
        )
        .values(&pin.bundle_id, &bundle_id.value)
        .hint("put the bundle id back, or freeze the manifest again with --project");
        return Some(at(finding, target, Some(&bundle_id.origin)));
    }
    let requested = target.requested_profile()?;
    let pinned = by_uuid(request.profiles, &pin.profile)?;
    let asks_for_other = !answers(pinned, &requested.value)
        && request
            .profiles
            .iter()
            .any(|profile| answers(profile, &requested.value) && covers(profile, target));
    asks_for_other.then(|| {
        let finding = Finding::block(
            Code::TargetProfileStale,
            format!(
                "{} asks for another profile than the manifest pins it to",
                title(target)
            ),
        )
        .values(pinned.title(), &requested.value)
        .of_profile(&pin.profile)
        .hint(format!(
            "set its PROVISIONING_PROFILE_SPECIFIER to {:?}, or freeze the manifest again",
            pinned.name
        ));
        at(finding, target, Some(&requested.origin))
    })
}
