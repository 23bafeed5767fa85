//! Whether what was decided by hand fits: choices of the policy and pins of the manifest skip the search for the best
//! profile, but not the question whether Xcode could sign with it; and a certificate that a target asks for by name or
//! fingerprint must be one that its profile lets sign.

use super::check::{at, title};
use super::choose::is_for;
use super::{Choice, Request, Row, Why, by_uuid};
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha1;
use crate::xcode::targets::SigningStyle;

/// Overrides of the policy that name a profile which is not there: one of them is never passed over in silence.
pub(super) fn overrides(request: &Request<'_>) -> Vec<Finding> {
    let missing = request.overrides.iter().filter(|rule| {
        by_uuid(request.profiles, &rule.profile).is_none()
            && request
                .targets
                .iter()
                .any(|target| target.target == rule.target)
    });
    missing
        .map(|rule| {
            Finding::block(
                Code::TargetUnmapped,
                format!("the policy gives target {} a profile that is not there", rule.target),
            )
            .values(&rule.profile, format!("none of {} profiles", request.profiles.len()))
            .of_target(&rule.target)
            .of_profile(&rule.profile)
            .at_pointer("targets")
            .hint("correct the policy's [[targets]], or install the profile and freeze the manifest again")
        })
        .collect()
}

/// A profile that the policy or the manifest gives to a target which it cannot sign.
pub(super) fn forced(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let by = match choice.why {
        Why::Policy => "the policy",
        Why::Pinned => "the manifest",
        Why::Requested | Why::BestFit => return None,
    };
    let (target, profile) = (row.target, choice.profile);
    let bundle_id = target.bundle_id.as_ref()?;
    let finding =
        if !profile.bundle_id.covers(&bundle_id.value) || !is_for(profile, target.platform) {
            Finding::block(
                Code::TargetBundleMismatch,
                format!(
                    "{by} gives {} profile {}, which does not cover it",
                    title(target),
                    profile.title()
                ),
            )
            .values(
                format!(
                    "a profile that covers {} on {}",
                    bundle_id.value, target.platform
                ),
                format!(
                    "one that covers {} on {}",
                    profile.bundle_id,
                    profile.platforms.join(" and ")
                ),
            )
        } else {
            let team = target
                .team
                .as_ref()
                .filter(|team| team.value != profile.team_id)?;
            Finding::block(
                Code::TargetTeamMismatch,
                format!(
                    "{by} gives {} profile {}, which is another team's",
                    title(target),
                    profile.title()
                ),
            )
            .values(
                format!("team {}", team.value),
                format!("team {}", profile.team_id),
            )
        };
    let finding = finding.of_profile(&profile.uuid).hint(match choice.why {
        Why::Policy => "correct the policy's [[targets]]",
        _ => "freeze the manifest again with --project",
    });
    Some(at(finding, target, Some(&bundle_id.origin)))
}

/// A certificate that the target asks for, by fingerprint or by its whole name, and its profile does not let sign.
/// Selectors such as `Apple Distribution` name no certificate; an automatic style is complained about on its own.
pub(super) fn identity(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let target = row.target;
    let asked = target.identity.as_ref()?;
    if target.style.value == SigningStyle::Automatic {
        return None;
    }
    let text = asked.value.trim();
    let by_sha1 = text.parse::<CertSha1>().ok();
    let is_whole_name = text.contains(": ");
    if by_sha1.is_none() && !is_whole_name {
        return None;
    }
    let certificates = &choice.profile.certificates;
    let is_there = certificates.iter().any(|certificate| match by_sha1 {
        Some(sha1) => certificate.sha1 == sha1,
        None => certificate.common_name == text || certificate.common_name.starts_with(text),
    });
    if is_there {
        return None;
    }
    let finding = Finding::block(
        Code::CertificateNotInProfile,
        format!(
            "{} asks for a certificate that profile {} does not let sign",
            title(target),
            choice.profile.title()
        ),
    )
    .values(
        certificates
            .iter()
            .map(|certificate| certificate.common_name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        format!("CODE_SIGN_IDENTITY = {text}"),
    )
    .of_profile(&choice.profile.uuid)
    .hint("ask for one of the profile's certificates, or regenerate the profile with this one");
    Some(at(finding, target, Some(&asked.origin)))
}
