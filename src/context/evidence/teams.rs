//! The team of every piece of code: the pinned one, or one that the policy names.

use std::collections::BTreeSet;

use super::part::{Part, Scene};
use crate::base::finding::{Code, Finding};

/// Code of another team.
pub(super) fn check(part: &Part<'_>, scene: &Scene<'_>) -> Option<Finding> {
    let team = team(part)?;
    let expected = expected(part, scene);
    if expected.is_empty() || expected.contains(team) || is_named_foreign(part, scene) {
        return None;
    }
    let expected: Vec<&str> = expected.into_iter().collect();
    let finding = Finding::block(
        Code::TeamNotPlanned,
        format!("{} is signed by another team", part.title()),
    )
    .values(expected.join(", "), team)
    .hint(match part.is_nested() {
        true => format!(
            "sign it again with the product, or write nested_teams = [\"{team}\"] under [evidence] in the policy, if that \
             team's code is meant to be in it"
        ),
        false => "sign the product with the pinned profile and its certificate".to_owned(),
    });
    Some(part.place(finding))
}

/// Whether it is nested code of another team that the policy names.
pub(super) fn is_named_foreign(part: &Part<'_>, scene: &Scene<'_>) -> bool {
    let Some(team) = team(part) else {
        return false;
    };
    let named = &scene.context.policy.evidence.nested_teams;
    let is_named = named.iter().any(|named| named.as_str() == team);
    part.is_nested() && is_named && !expected(part, scene).contains(team)
}

/// The team that signed it; a store's or Apple's own signature has none.
fn team<'a>(part: &'a Part<'_>) -> Option<&'a str> {
    let names_team = part.role.is_none_or(|role| role.names_team());
    part.item.team().filter(|_| names_team)
}

/// The teams that may sign it: that of the plan for it or for what is around it, or else every one with a pinned profile.
fn expected<'a>(part: &'a Part<'_>, scene: &'a Scene<'_>) -> BTreeSet<&'a str> {
    let root = scene.root_of(part).into_iter();
    let around = std::iter::once(part).chain(root);
    let of_plan: BTreeSet<&str> = around
        .flat_map(|part| part.planned.iter())
        .map(|planned| planned.profile.team_id.as_str())
        .collect();
    if !of_plan.is_empty() {
        return of_plan;
    }
    let pinned = scene.context.manifest.profiles().iter();
    pinned.map(|profile| profile.team_id.as_str()).collect()
}
