//! One row for each target that the archive holds and that needs a profile: what would sign it, and what is missing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::document::{InitProfile, InitTarget};
use crate::apple::entitlements::Entitlements;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::TeamId;
use crate::context::plan::{Choice, Judgement, Row};
use crate::ops::target_selection::PlannedTargets;
use crate::ops::world::World;
use crate::xcode::targets::SigningTarget;

/// So many claims are named of a target that has no profile.
const NAMED: usize = 6;

/// The rows.
pub(super) fn rows(
    planned: &PlannedTargets,
    judgement: &Judgement<'_>,
    findings: &[Finding],
    world: &World,
) -> Vec<InitTarget> {
    let rows = judgement.plan.with_rows(&planned.observed.targets);
    let rows = rows.filter_map(|(target, row)| Some((target, row?)));
    let rows = rows.filter(|(target, row)| target.needs_profile() && row.is_judged);
    rows.map(|(target, row)| InitTarget {
        target: target.target.clone(),
        configuration: target.configuration.clone(),
        platform: target.platform,
        bundle_id: target.bundle_id.as_ref().map(|it| it.value.clone()),
        team: target.team.as_ref().map(|it| it.value.clone()),
        profile: row.choice.as_ref().map(|choice| profile(choice, world.now)),
        missing: missing(target, row, findings, world.now),
    })
    .collect()
}

/// The teams of the targets, each once.
pub(super) fn teams(rows: &[InitTarget]) -> Vec<TeamId> {
    let mut teams: Vec<TeamId> = rows.iter().filter_map(|row| row.team.clone()).collect();
    teams.sort();
    teams.dedup();
    teams
}

fn profile(choice: &Choice<'_>, now: Timestamp) -> InitProfile {
    let expires = choice.profile.expires.min(choice.certificate.expires);
    let left = expires.duration_since(now);
    InitProfile {
        uuid: choice.profile.uuid.clone(),
        name: choice.profile.name.clone(),
        kind: choice.profile.kind,
        expires,
        days_left: left.as_secs().div_euclid(24 * 60 * 60),
        certificate: choice.certificate.common_name.clone(),
    }
}

/// What is missing for a target to be signed: a profile, with all that it must be; or what blocks.
fn missing(
    target: &SigningTarget,
    row: &Row<'_>,
    findings: &[Finding],
    now: Timestamp,
) -> Option<String> {
    let Some(choice) = &row.choice else {
        return Some(needed(target));
    };
    let mut parts = Vec::new();
    if choice.profile.expires < now && choice.certificate.expires >= now {
        parts.push("a new profile: this one has expired".to_owned());
    } else if choice.certificate.expires < now {
        parts.push("a profile with a new certificate: this one's has expired".to_owned());
    }
    let of_target = |finding: &&Finding| {
        let name = finding.place.target.as_deref();
        name == Some(target.target.as_str())
            && finding.severity == Severity::Block
            && finding.code != Code::TargetUnmapped
    };
    let blocking = findings.iter().filter(of_target);
    parts.extend(blocking.map(|finding| finding.message.clone()));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The profile that a target needs.
fn needed(target: &SigningTarget) -> String {
    let mut parts = Vec::new();
    match &target.bundle_id {
        Some(bundle_id) => parts.push(format!("a profile for {}", bundle_id.value)),
        None => parts.push("a bundle id".to_owned()),
    }
    match &target.team {
        Some(team) => parts.push(format!("team {}", team.value)),
        None => parts.push("a team (DEVELOPMENT_TEAM)".to_owned()),
    }
    if let Some(requested) = target.requested_profile() {
        parts.push(format!("called {:?}", requested.value.to_string()));
    }
    let claimed = target.entitlements.as_ref();
    let claimed = claimed.map(|it| Entitlements::from(BTreeMap::clone(&it.values)));
    let claims = claimed
        .as_ref()
        .map(|claimed| claimed.capabilities(target.platform.family()));
    let claims = claims.unwrap_or_default();
    if !claims.is_empty() {
        let named: Vec<&str> = claims.iter().take(NAMED).copied().collect();
        let more = match claims.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        parts.push(format!("granting {}{more}", named.join(", ")));
    }
    parts.join(", ")
}
