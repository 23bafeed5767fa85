//! Profiles that are given to targets by hand, in the policy or the manifest: they skip the search for the best profile,
//! but not the question whether Xcode can sign with them.

use std::collections::HashSet;

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::ids::TargetName;
use crate::base::remedy::Remedy;
use crate::context::plan::fit::is_for;
use crate::context::plan::profiles::Profiles;
use crate::context::plan::request::Request;
use crate::context::plan::row::{Choice, Row, Why};

/// Overrides of the policy that name a profile which is not there: one of them is never passed over in silence.
pub(super) fn missing_overrides(request: &Request<'_>, profiles: &Profiles<'_>) -> Vec<Finding> {
    let targets: HashSet<&TargetName> = request
        .targets
        .iter()
        .map(|target| &target.target)
        .collect();
    let missing = request.overrides.iter().filter(|rule| {
        profiles.with_uuid(&rule.profile).is_none() && targets.contains(&rule.target)
    });
    missing
        .map(|rule| {
            Finding::block(
                Code::TargetUnmapped,
                format!(
                    "the policy gives target {} a profile that does not exist here",
                    rule.target
                ),
            )
            .values(&rule.profile, format!("none of {} profiles", profiles.count()))
            .of_target(&rule.target)
            .of_profile(&rule.profile)
            .at_pointer("targets")
            .hint("correct the policy's [[targets]], or install the profile and freeze the manifest again")
            .remedy(Remedy::FreezeManifest)
        })
        .collect()
}

/// A profile that the policy or the manifest gives to a target which it cannot sign.
pub(super) fn given(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
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
                match profile.bundle_id.covers(&bundle_id.value) {
                    true => Code::TargetPlatformMismatch,
                    false => Code::TargetBundleMismatch,
                },
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
                    "{by} gives {} profile {}, which belongs to another team",
                    title(target),
                    profile.title()
                ),
            )
            .values(
                format!("team {}", team.value),
                format!("team {}", profile.team_id),
            )
        };
    let finding = finding.of_profile(&profile.uuid);
    let finding = match choice.why {
        Why::Policy => finding.hint("correct the policy's [[targets]]"),
        _ => finding
            .hint("freeze the manifest again with the project")
            .remedy(Remedy::FreezeTargets),
    };
    Some(at_origin(finding, target, Some(&bundle_id.origin)))
}
