//! Pinned targets that nobody looked at: the gate passes nothing that it has not seen.

use std::collections::{BTreeSet, HashSet};

use super::pinned::without_target;
use crate::base::finding::{Code, Finding};
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
    /// Only some targets of these projects were selected, so the others are not expected to be here.
    pub is_selection: bool,
}

/// What is not right where `pinned` holds more than was looked at. Whoever selects targets by name wants just those; the
/// verdict says so.
pub fn unobserved(pinned: &[PinnedTarget], observed: &LookedAt<'_>) -> Vec<Finding> {
    let projects: HashSet<&str> = observed.projects.iter().map(String::as_str).collect();
    let mut others = BTreeSet::new();
    let mut expected = Vec::new();
    for (index, pin) in pinned.iter().enumerate() {
        if !projects.contains(&*pin.project) {
            others.insert(pin.project.as_str());
        } else if !observed.is_selection {
            expected.push((index, pin));
        }
    }
    let missing = without_target(expected, observed.targets);
    let mut findings: Vec<Finding> = missing
        .into_iter()
        .map(|(index, pin)| {
            Finding::block(
                Code::TargetUnmapped,
                format!(
                    "the manifest pins target {} ({}, {}), but {} does not have it",
                    pin.target, pin.configuration, pin.platform, pin.project
                ),
            )
            .of_target(&pin.target)
            .at_pointer(format!("/targets/{index}"))
            .hint("check out the revision of the project that was frozen, or freeze the manifest again with the project")
            .remedy(Remedy::FreezeTargets)
        })
        .collect();
    if observed.is_selection {
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
                format!("the manifest pins targets of {project}, but that project is not named"),
            )
            .values(project, observed.projects.join(", "))
            .hint("name that project too")
            .remedy(Remedy::NameProject),
        );
    }
    findings
}
