//! The *targets* group: do the projects ask for what was pinned?
//!
//! The gate plans what the projects ask for against the manifest, as `targets check` does, and looks for pinned
//! targets that nobody showed it. A project without targets, an empty workspace and a selection without targets are
//! not observations. Nothing was judged, so the gate blocks.

use std::collections::{BTreeSet, HashSet};

use super::asked::Asked;
use super::facts::{Observation, Observed, ObservedTargets};
use super::pins::Pins;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::manifest::Manifest;
use crate::context::plan::{LookedAt, Request, plan, unobserved};
use crate::context::policy::Policy;

/// Judges the targets.
pub fn check(policy: &Policy, pins: &Pins<'_>, facts: &Observed, asked: &Asked) -> Vec<Finding> {
    let observed = match &facts.targets {
        Observation::Observed(observed) if !observed.targets.is_empty() => observed,
        Observation::Observed(empty) => {
            let mut findings = empty.findings.clone();
            findings.push(nothing_selected(empty));
            return findings;
        }
        Observation::Unobserved { why } => {
            return vec![
                Finding::block(
                    Code::TargetsUnobserved,
                    "the targets of the Xcode project were not looked at",
                )
                .found(why)
                .hint("name the Xcode project, or waive the group if the policy allows that")
                .remedy(Remedy::NameProject),
            ];
        }
    };
    let mut findings = observed.findings.clone();
    let request = Request {
        targets: &observed.targets,
        profiles: pins.profiles(),
        pinned: pins.targets(),
        overrides: &policy.targets,
        kind: asked.kind,
        targets_were_named: !observed.selection.targets.is_empty(),
        must_be_mapped: true,
        sources: &*observed.sources,
    };
    findings.extend(plan(&request).findings);
    findings.extend(unobserved(
        pins.targets(),
        &LookedAt {
            targets: &observed.targets,
            projects: &observed.projects,
            is_selection: !observed.selection.is_everything(),
        },
    ));
    finding::distinct(&mut findings);
    findings
}

/// The configurations that are judged where nobody selects any: those that the manifest pins for these projects. Empty:
/// all of them.
pub fn pinned_configurations(manifest: &Manifest, projects: &[String]) -> Vec<ConfigurationName> {
    let named: HashSet<&str> = projects.iter().map(String::as_str).collect();
    let pinned: BTreeSet<&ConfigurationName> = manifest
        .targets()
        .iter()
        .filter(|target| named.contains(target.project.as_str()))
        .map(|target| &target.configuration)
        .collect();
    pinned.into_iter().cloned().collect()
}

fn nothing_selected(observed: &ObservedTargets) -> Finding {
    let found = match observed.projects.as_slice() {
        [] => "no project".to_owned(),
        projects => format!("none in {}", projects.join(", ")),
    };
    let finding = Finding::block(
        Code::TargetsUnobserved,
        "no target was judged: none is selected",
    )
    .values("at least one target", found);
    if observed.selection.is_everything() {
        finding
            .hint("name a project that has targets, or waive the group if the policy allows that")
            .remedy(Remedy::NameProject)
    } else {
        finding.hint("select targets that the project has, or select nothing to judge all of them")
    }
}
