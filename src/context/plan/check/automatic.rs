//! Automatic signing where nothing is at hand that it could use.
//!
//! Without an account, as on a build machine, automatic signing signs for development with what is installed. It never
//! takes a profile for distribution: Xcode says "No profiles for … were found: Xcode couldn't find any iOS App Development
//! provisioning profiles". So the profile that fits best is not the one that signs, unless somebody hands the plan to the
//! build.

use super::place::{at_origin, title};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Choice, Row, Why};
use crate::xcode::targets::SigningStyle;

/// A target that is signed automatically, with profiles for distribution alone at hand. What the policy or the manifest
/// gives to it was decided by somebody, who exports it to the build: that is a warning.
pub(super) fn automatic(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let target = row.target;
    if target.style.value == SigningStyle::Manual || target.requested_profile().is_some() {
        return None;
    }
    let mut at_hand = row
        .discarded
        .iter()
        .map(|other| other.profile)
        .chain([choice.profile]);
    if at_hand.any(|profile| profile.kind == ProfileKind::Development) {
        return None;
    }
    let severity = match choice.why {
        Why::Policy | Why::Pinned => Severity::Warn,
        Why::Requested | Why::BestFit => Severity::Block,
    };
    let finding = Finding::new(
        Code::AutomaticSigningUnusable,
        severity,
        format!(
            "{} is signed automatically, and automatic signing does not take profile {}",
            title(target),
            choice.profile.title()
        ),
    )
    .values(
        "CODE_SIGN_STYLE = Manual, or a development profile",
        format!(
            "{}, a profile for {}",
            target.style.value, choice.profile.kind
        ),
    )
    .of_profile(&choice.profile.uuid)
    .hint("set CODE_SIGN_STYLE to Manual and name the profile, or build with the exported settings")
    .remedy(Remedy::ExportTargets);
    Some(at_origin(finding, target, Some(&target.style.origin)))
}
