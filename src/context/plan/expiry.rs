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
    let message = match expired.len() {
        1 => format!("profile {first} has expired, so a build with it fails"),
        count => format!(
            "profile {first} and {} more have expired, so builds with them fail",
            count - 1
        ),
    };
    let finding = Finding::warn(Code::ProfileExpired, message);
    Some(finding.hint("renew it at Apple's developer site, because the gate blocks until then"))
}
