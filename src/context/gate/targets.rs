//! The *targets* group: do the projects ask for what was pinned?
//!
//! The gate plans what the projects ask for against the manifest, as `targets check` does, and looks for pinned targets
//! that nobody showed it. A project without targets, an empty workspace and a selection that selects nothing are not
//! observations: nothing was judged, so nothing passes.

use std::collections::{BTreeSet, HashSet};

use super::asked::Asked;
use super::facts::{Observation, Observed, ObservedTargets};
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::manifest::Manifest;
use crate::context::plan::{Request, plan, project_name};
use crate::context::policy::Policy;

/// Judges the targets.
pub fn check(
    policy: &Policy,
    manifest: &Manifest,
    facts: &Observed,
    asked: &Asked,
) -> Vec<Finding> {
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
                .hint("name the Xcode project, or waive the group")
                .remedy(Remedy::NameProject),
            ];
        }
    };
    let mut findings = observed.findings.clone();
    let request = Request {
        targets: &observed.targets,
        profiles: manifest.profiles(),
        pinned: manifest.targets(),
        overrides: &policy.targets,
        kind: asked.kind,
        targets_were_named: !observed.selection.targets.is_empty(),
        must_be_mapped: true,
        sources: &*observed.sources,
    };
    findings.extend(plan(&request).findings);
    findings.extend(unseen(manifest, observed));
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
            .hint("name a project that has targets, or waive the group")
            .remedy(Remedy::NameProject)
    } else {
        finding.hint("select targets that the project has, or select nothing to judge all of them")
    }
}

/// Pinned targets that the projects do not have, or that nobody looked at: what was not observed is not passed. Who
/// selects targets by name wants just those, and the verdict says so.
fn unseen(manifest: &Manifest, observed: &ObservedTargets) -> Vec<Finding> {
    let named: HashSet<&str> = observed.projects.iter().map(String::as_str).collect();
    let projects: Vec<String> = observed.targets.iter().map(project_name).collect();
    let seen: HashSet<_> = observed
        .targets
        .iter()
        .zip(&projects)
        .map(|(target, project)| {
            (
                project.as_str(),
                &target.target,
                &target.configuration,
                target.platform,
            )
        })
        .collect();
    let is_selection = !observed.selection.is_everything();
    let mut findings = Vec::new();
    let mut others = BTreeSet::new();
    for (index, pin) in manifest.targets().iter().enumerate() {
        if !named.contains(pin.project.as_str()) {
            others.insert(pin.project.as_str());
            continue;
        }
        if is_selection || seen.contains(&pin.key()) {
            continue;
        }
        findings.push(
            Finding::block(
                Code::TargetUnmapped,
                format!(
                    "the manifest pins target {} ({}, {}), which {} does not have",
                    pin.target, pin.configuration, pin.platform, pin.project
                ),
            )
            .of_target(&pin.target)
            .at_pointer(format!("/targets/{index}"))
            .hint("check out the revision of the project that was frozen, or freeze the manifest again with the project")
            .remedy(Remedy::FreezeTargets),
        );
    }
    if is_selection {
        findings.push(
            Finding::warn(
                Code::TargetsUnobserved,
                "only the targets that were selected were judged",
            )
            .hint("select no target, configuration or SDK to judge all that the manifest pins"),
        );
    }
    for project in others {
        findings.push(
            Finding::block(
                Code::TargetsUnobserved,
                format!("the manifest pins targets of {project}, which was not named"),
            )
            .values(project, observed.projects.join(", "))
            .hint("name that project too")
            .remedy(Remedy::NameProject),
        );
    }
    findings
}
