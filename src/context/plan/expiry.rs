//! Planned profiles that have expired: a build with one fails, whatever the plan says.

use jiff::Timestamp;

use super::row::Plan;
use crate::base::finding::{Code, Finding};

/// One finding for all planned profiles that have expired at `now`. One is planned only where nothing else fits. It warns:
/// the gate is what blocks, and an export.
pub fn expired(plan: &Plan<'_>, now: Timestamp) -> Option<Finding> {
    let chosen = plan.rows.iter().filter_map(|row| row.choice);
    let mut expired: Vec<String> = chosen
        .filter(|choice| choice.profile.expires < now)
        .map(|choice| choice.profile.title())
        .collect();
    expired.sort();
    expired.dedup();
    let first = expired.first()?;
    let others = match expired.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let finding = Finding::warn(
        Code::ProfileExpired,
        format!("profile {first}{others} has expired, so a build with it fails"),
    );
    Some(finding.hint("renew it at Apple's developer site, because the gate blocks until then"))
}
