//! The embedded profile: a pinned file, byte for byte, and the one that is planned.

use std::path::Path;

use super::part::{Embedded, Fault, Part, Scene, at_path};
use crate::apple::entitlements::grant::PlatformFamily;
use crate::base::finding::{Code, Finding};
use crate::context::manifest::PinnedProfile;

/// What is wrong with the profile in a piece of code, or that there is none.
pub(super) fn check(part: &Part<'_>, scene: &Scene<'_>) -> Vec<Finding> {
    let Some(embedded) = &part.profile else {
        return missing(part).into_iter().collect();
    };
    let mut findings = unproven(part, embedded);
    match embedded.sha256 {
        Some(sha256) if scene.context.manifest.has_bytes(&sha256) => {
            findings.extend(other_than_planned(part, embedded, scene));
        }
        Some(_) => findings.push(not_pinned(part, embedded, scene)),
        None => {}
    }
    findings.extend(expired(part, embedded, scene));
    findings
}

fn missing(part: &Part<'_>) -> Option<Finding> {
    if part.is_apples() || !part.is_signed() {
        return None;
    }
    let is_app = part.family == PlatformFamily::Ios && part.has_extension(&["app", "appex"]);
    let claims = part.claims().filter(|_| part.is_program());
    let needs = claims.and_then(|claims| {
        let application = claims.application_identifier();
        application.or_else(|| claims.capabilities(part.family).first().copied())
    });
    let (why, hint) = match (part.planned.first(), needs) {
        (Some(planned), _) => (
            format!(
                "{} is planned with profile {}, and there is none in it",
                part.title(),
                planned.profile.title()
            ),
            "build and sign the target again with its planned profile".to_owned(),
        ),
        (None, _) if is_app => (
            format!(
                "{} has no embedded profile, and no device installs it so",
                part.title()
            ),
            "sign it with a pinned profile".to_owned(),
        ),
        (None, Some(claim)) => (
            format!(
                "{} claims {claim}, which only a profile grants, and has none",
                part.title()
            ),
            "sign it with a pinned profile, or without that entitlement".to_owned(),
        ),
        (None, None) => return None,
    };
    let finding = Finding::block(Code::EmbeddedProfileMissing, why).hint(hint);
    Some(part.place(match part.profiles.first() {
        Some(profile) => finding.of_profile(&profile.uuid),
        None => finding,
    }))
}

/// A profile that cannot be read or proven, in the words of those who prove profiles.
fn unproven(part: &Part<'_>, embedded: &Embedded) -> Vec<Finding> {
    match &embedded.proof {
        Ok(_) => Vec::new(),
        Err(Fault::Unreadable(reason)) => vec![at_path(
            Finding::block(
                Code::ProductUnreadable,
                format!("the profile in {} cannot be read", part.title()),
            )
            .found(reason)
            .hint("build and sign the product again"),
            &embedded.path,
        )],
        Err(Fault::Unproven(unproven)) => {
            let findings = unproven.findings.iter().cloned();
            findings
                .map(|it| it.in_file(Path::new(&embedded.path)))
                .collect()
        }
    }
}

/// A profile that the manifest does not hold. Where it holds another of the same name or bundle id, that is told: it was
/// made again, or an older one was used.
fn not_pinned(part: &Part<'_>, embedded: &Embedded, scene: &Scene<'_>) -> Finding {
    let found = match (embedded.proof.as_ref(), &embedded.sha256) {
        (Ok(profile), _) => {
            let fields = profile.fields();
            format!(
                "{:?} ({}), made {}",
                fields.name, fields.uuid, fields.created
            )
        }
        (Err(_), Some(sha256)) => format!("a file with SHA-256 {sha256}"),
        (Err(_), None) => "a file that cannot be read".to_owned(),
    };
    let same_uuid = || {
        let fields = embedded.proof.as_ref().ok()?.fields();
        let (_, pinned) = scene.context.manifest.profile(&fields.uuid)?;
        Some(pinned)
    };
    let expected = part.profiles.first().copied().or_else(same_uuid);
    let finding = Finding::block(
        Code::EmbeddedProfileNotPinned,
        format!(
            "the profile in {} is no file that the manifest pins",
            part.title()
        ),
    )
    .found(found);
    let finding = match expected {
        Some(pinned) => finding
            .expected(format!("{}, made {}", pinned.title(), pinned.created))
            .of_profile(&pinned.uuid)
            .hint(format!(
                "sign the target again with {}, or pin the new profile and freeze the manifest again",
                pinned.title()
            )),
        None => finding
            .hint("sign with a pinned profile, or pin this one and freeze the manifest again"),
    };
    let target = part.planned.first();
    let finding = at_path(finding, &embedded.path);
    match target {
        Some(planned) => finding.of_target(planned.name),
        None => finding,
    }
}

/// A pinned profile in the wrong place: that of another target, or of a rotation that is over.
fn other_than_planned(part: &Part<'_>, embedded: &Embedded, scene: &Scene<'_>) -> Option<Finding> {
    let manifest = scene.context.manifest;
    let found: Vec<&PinnedProfile> = embedded
        .sha256
        .iter()
        .flat_map(|sha256| manifest.entries_of(sha256))
        .filter_map(|index| manifest.profiles().get(index))
        .collect();
    let pinned = found.first()?;
    let mut planned = part.planned.iter().map(|it| &it.profile);
    // The one that the plan has is of another kind than the product is judged for.
    let is_for_another = part.profiles.is_empty() && planned.any(|it| it.uuid == pinned.uuid);
    let why = if !part.planned.is_empty() {
        if part.profiles.iter().any(|profile| part.has(profile)) {
            return None;
        }
        match is_for_another {
            true => "is planned for it, and no profile of the kind that it is judged for is pinned"
                .to_owned(),
            false => "is pinned, but not the one that is planned for it".to_owned(),
        }
    } else if !part
        .bundle_id
        .as_ref()
        .is_some_and(|it| pinned.bundle_id.covers(it))
    {
        format!("covers {}, which is not its bundle id", pinned.bundle_id)
    } else if !manifest.is_in_use(pinned) {
        "is retiring: it was replaced, and signs nothing any more".to_owned()
    } else {
        return None;
    };
    let expected = part
        .profiles
        .first()
        .or(part.planned.first().map(|it| &it.profile));
    let finding = Finding::block(
        Code::EmbeddedProfileNotPlanned,
        format!("the profile in {} {why}", part.title()),
    )
    .found(pinned.title())
    .of_profile(&pinned.uuid);
    let finding = match expected {
        Some(_) if is_for_another => finding
            .expected("a pinned profile of the kind that it is judged for")
            .hint("judge it for what its profile is for, or pin a profile of that kind for it"),
        Some(expected) => finding
            .expected(expected.title())
            .hint(format!("sign it again with {}", expected.title())),
        None => finding.hint("sign it with the profile of its own bundle id"),
    };
    let finding = at_path(finding, &embedded.path);
    Some(match part.planned.first() {
        Some(planned) => finding.of_target(planned.name),
        None => finding,
    })
}

fn expired(part: &Part<'_>, embedded: &Embedded, scene: &Scene<'_>) -> Option<Finding> {
    let fields = embedded.proof.as_ref().ok()?.fields();
    (fields.expires <= scene.context.now).then(|| {
        let finding = Finding::block(
            Code::ProfileExpired,
            format!("the profile in {} expired {}", part.title(), fields.expires),
        )
        .hint("renew the profile at Apple's developer site, pin it, and sign the product again")
        .of_profile(&fields.uuid);
        at_path(finding, &embedded.path)
    })
}
