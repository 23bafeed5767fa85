//! Targets that nobody looked at: nothing passes that was not seen.
//!
//! An empty workspace, a selection that selects nothing and targets that nobody signs are no observation: whoever concludes
//! from them that all is well has looked at nothing.

use std::collections::{BTreeSet, HashSet};

use super::pinned::without_target;
use crate::base::finding::{Code, Finding};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedTarget;
use crate::xcode::targets::SigningTarget;

/// What was looked at.
#[derive(Debug, Clone, Copy)]
pub struct LookedAt<'a> {
    /// The targets that were resolved.
    pub targets: &'a [SigningTarget],
    /// The projects that they come from, by their names in a manifest.
    pub projects: &'a [String],
    /// Only some targets of these projects were selected, by name or platform, so the others are not expected to be here.
    pub is_selection: bool,
    /// The configurations that were looked at; empty: all.
    pub configurations: &'a [ConfigurationName],
}

/// What is not right where nothing was looked at that is signed and archived. Simulators take what is signed with nothing.
pub(super) fn nothing_observed(observed: &LookedAt<'_>) -> Finding {
    let (message, found) = match (observed.projects, observed.targets) {
        ([], _) => (
            "no target was judged: none is selected",
            "no project".to_owned(),
        ),
        (projects, []) => (
            "no target was judged: none is selected",
            format!("none in {}", projects.join(", ")),
        ),
        (projects, _) => (
            "no target was judged: none of the selected ones is signed",
            format!("none in {}", projects.join(", ")),
        ),
    };
    let finding = Finding::block(Code::TargetsUnobserved, message)
        .values("at least one target that is signed", found);
    match observed.is_selection {
        false => finding
            .hint("name a project that has targets which are signed, or waive the group")
            .remedy(Remedy::NameProject),
        true => finding.hint(
            "select targets that the project has and signs, or select nothing to judge all of them",
        ),
    }
}

/// What is not right where `pinned` holds more than was looked at. Whoever selects targets by name wants just those; the
/// verdict says so.
pub(super) fn unobserved(pinned: &[PinnedTarget], observed: &LookedAt<'_>) -> Vec<Finding> {
    let projects: HashSet<&str> = observed.projects.iter().map(String::as_str).collect();
    let is_looked_at = |configuration: &ConfigurationName| {
        observed.configurations.is_empty() || observed.configurations.contains(configuration)
    };
    let mut others = BTreeSet::new();
    let mut expected = Vec::new();
    let mut is_partial = false;
    for (index, pin) in pinned.iter().enumerate() {
        if !projects.contains(&*pin.project) {
            others.insert(pin.project.as_str());
        } else if observed.is_selection || !is_looked_at(&pin.configuration) {
            is_partial = true;
        } else {
            expected.push((index, pin));
        }
    }
    let signed = observed.targets.iter();
    // What is not signed any more is told at the setting that says so.
    let signed = signed.filter(|it| it.needs_profile() || it.unsigned_by.is_some());
    let missing = without_target(expected, signed);
    let mut findings: Vec<Finding> = missing
        .into_iter()
        .map(|(index, pin)| {
            Finding::block(
                Code::TargetUnmapped,
                format!(
                    "the manifest pins target {} ({}, {}), but {} does not have it, or signs it without a profile",
                    pin.target, pin.configuration, pin.platform, pin.project
                ),
            )
            .of_target(&pin.target)
            .at_pointer(format!("/targets/{index}"))
            .hint("check out the revision of the project that was frozen, or freeze the manifest again with the project")
            .remedy(Remedy::FreezeTargets)
        })
        .collect();
    if is_partial {
        findings.push(
            Finding::warn(
                Code::TargetsUnobserved,
                "only the selected targets were judged",
            )
            .hint("select no target, configuration or SDK to judge all that the manifest pins"),
        );
    }
    for project in others {
        findings.push(
            Finding::block(
                Code::TargetsUnobserved,
                format!(
                    "the manifest pins targets of {project}, but that project was not looked at"
                ),
            )
            .values(project, observed.projects.join(", "))
            .hint("name that project too")
            .remedy(Remedy::NameProject),
        );
    }
    findings
}
