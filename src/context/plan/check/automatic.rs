//! Automatic signing where nothing is at hand that it could use.
//!
//! Without an account, as on a build machine, automatic signing signs for development with what is installed. It never
//! takes a profile for distribution: Xcode says "No profiles for … were found: Xcode couldn't find any iOS App Development
//! provisioning profiles". So the profile that fits best is not the one that signs, unless somebody hands the plan to the
//! build.

use super::grouped::{by_line, titles};
use super::place::at_origin;
use super::subject::Scene;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedProfile;
use crate::context::plan::row::{Choice, Row, Why};
use crate::xcode::targets::SigningStyle;

/// Targets that are signed automatically, with profiles for distribution alone at hand, or which the manifest pins to a
/// profile for distribution: the pin does not keep Xcode from taking another. What the policy gives to one was decided by
/// somebody who knows the project, and who exports it to the build: that is a warning. One finding for each line.
pub(super) fn automatic(
    scene: &Scene<'_, '_>,
    is_told_of_its_style: impl Fn(Option<&Row<'_>>) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for why in [Why::Policy, Why::Pinned, Why::Requested, Why::BestFit] {
        let meant: Vec<_> = scene
            .judged_rows()
            .filter(|(_, row)| !is_told_of_its_style(Some(row)))
            .filter_map(|(_, row)| Some((row, row.choice.as_ref()?)))
            .filter(|(row, choice)| choice.why == why && !is_usable(row, choice))
            .collect();
        let lines = by_line(
            meant
                .iter()
                .map(|(row, _)| (row.target, &row.target.style.origin)),
        );
        for (targets, origin) in lines {
            let Some(first) = targets.first() else {
                continue;
            };
            let mut of_first = meant
                .iter()
                .filter(|(row, _)| std::ptr::eq(row.target, *first));
            let Some((_, choice)) = of_first.next() else {
                continue;
            };
            let finding = finding(&titles(&targets), targets.len(), choice, first.style.value);
            findings.push(at_origin(finding, first, Some(origin)));
        }
    }
    findings
}

/// Whether the target is signed with its profile: manually, or with one that automatic signing takes.
fn is_usable(row: &Row<'_>, choice: &Choice<'_>) -> bool {
    let target = row.target;
    if target.style.value == SigningStyle::Manual || target.requested_profile().is_some() {
        return true;
    }
    let is_for_development = |profile: &PinnedProfile| profile.kind == ProfileKind::Development;
    let mut others = row.discarded.iter().map(|other| other.profile);
    is_for_development(choice.profile)
        || (choice.why != Why::Pinned && others.any(is_for_development))
}

fn finding(titles: &str, count: usize, choice: &Choice<'_>, style: SigningStyle) -> Finding {
    let are = if count > 1 { "are" } else { "is" };
    let profile = choice.profile;
    let others = if count > 1 { " and its like" } else { "" };
    let by = match choice.why {
        Why::Policy => ", which the policy gives",
        Why::Pinned => ", which the manifest pins",
        Why::Requested | Why::BestFit => "",
    };
    let severity = match choice.why {
        Why::Policy => Severity::Warn,
        Why::Pinned | Why::Requested | Why::BestFit => Severity::Block,
    };
    Finding::new(
        Code::AutomaticSigningUnusable,
        severity,
        format!(
            "{titles} {are} signed automatically, and automatic signing does not take profile {}{others}{by}",
            profile.title()
        ),
    )
    .values(
        "CODE_SIGN_STYLE = Manual, or a development profile",
        format!("{style}, a profile for {}", profile.kind),
    )
    .of_profile(&profile.uuid)
    .hint(match choice.why {
        Why::Pinned => {
            "set CODE_SIGN_STYLE to Manual and name the profile; or build with the exported settings, and judge the project \
             with them"
        }
        _ => "set CODE_SIGN_STYLE to Manual and name the profile, or build with the exported settings",
    })
    .remedy(Remedy::ExportTargets)
}
