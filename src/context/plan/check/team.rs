//! Targets without a development team.
//!
//! Xcode says "Signing for Share requires a development team", also where a profile is specified and would tell the team.
//! Whatever is signed with a certificate of Apple's needs one: frameworks by their product type
//! (`CODE_SIGNING_REQUIRES_TEAM`, swift-build's `ProductTypes.xcspec`), resource bundles since Xcode 14. Ad hoc (`-`) needs
//! none, which is the default of macOS without a team, and neither does a certificate of one's own.

use std::collections::{BTreeMap, HashSet};

use super::grouped::titles;
use super::place::at_origin;
use super::subject::Scene;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::fit::wanted_kinds;
use crate::context::plan::row::Row;
use crate::xcode::platform::Platform;
use crate::xcode::product_type::ProductKind;
use crate::xcode::targets::{ProfileRequest, SigningStyle, SigningTarget};

/// Targets without a team, one finding for each configuration.
pub(super) fn team(scene: &Scene<'_, '_>) -> Vec<Finding> {
    let with_team: HashSet<&str> = scene
        .subjects
        .iter()
        .filter(|(target, _)| target.team.is_some())
        .map(|(target, _)| target.configuration.as_str())
        .collect();
    let mut groups: BTreeMap<_, Vec<(&SigningTarget, Option<&Row<'_>>)>> = BTreeMap::new();
    for (target, row) in &scene.subjects {
        if !scene.is_judged(target) || !needs_team(target) {
            continue;
        }
        // A project that nobody signs yet has no team, and who signs it automatically gives one.
        let is_prepared = target.style.value == SigningStyle::Manual
            || row.is_some_and(|row| row.choice.is_some())
            || with_team.contains(target.configuration.as_str());
        let severity = match is_prepared {
            true => Severity::Block,
            false => Severity::Warn,
        };
        let group = groups.entry((severity, &target.configuration)).or_default();
        group.push((target, *row));
    }
    groups
        .into_iter()
        .filter_map(|((severity, _), members)| {
            let targets: Vec<&SigningTarget> = members.iter().map(|(target, _)| *target).collect();
            let first = *targets.first()?;
            let of_profile = members.iter().find_map(|(_, row)| (*row)?.choice.as_ref());
            let of_others = || {
                let mut others = scene.subjects.iter();
                others.find_map(|(target, _)| Some(target.team.as_ref()?.value.to_string()))
            };
            let known = of_profile
                .map(|choice| choice.profile.team_id.to_string())
                .or_else(of_others);
            let finding = Finding::new(
                Code::DevelopmentTeamMissing,
                severity,
                format!("no development team is set for {}", titles(&targets)),
            )
            .values("DEVELOPMENT_TEAM", "none, or an empty one")
            .hint(match known {
                Some(team) => {
                    format!("set DEVELOPMENT_TEAM to {team}, or build with the exported settings")
                }
                None => {
                    "set DEVELOPMENT_TEAM to your team's id, or build with the exported settings"
                        .to_owned()
                }
            })
            .remedy(Remedy::ExportTargets);
            Some(at_origin(finding, first, None))
        })
        .collect()
}

fn needs_team(target: &SigningTarget) -> bool {
    let names_team = match target
        .requested_profile()
        .map(|asked| asked.value.revealed())
    {
        Some(ProfileRequest::Name { team, .. }) => team.is_some(),
        _ => false,
    };
    if target.team.is_some() || names_team || !target.is_signed() || target.platform.is_simulator()
    {
        return false;
    }
    match target.asked_identity() {
        Some("-") => false,
        // `Apple Development`, `Developer ID Application`: Apple's, and of whichever team.
        Some(selector) if wanted_kinds(target).is_some() && !selector.contains(": ") => true,
        Some(_) => !target.platform.is_mac(),
        None => {
            target.platform != Platform::Macos
                && !matches!(target.kind, ProductKind::Tool | ProductKind::Other)
        }
    }
}
