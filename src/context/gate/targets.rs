//! The *targets* group: do the projects ask for what was pinned?
//!
//! The gate plans what the projects ask for against the manifest, as `targets check` does, and looks for pinned
//! targets that nobody showed it. A project without targets, an empty workspace and a selection without targets are
//! not observations. Nothing was judged, so the gate blocks.

use std::collections::{BTreeSet, HashSet};

use super::asked::Asked;
use super::facts::{Observation, Observed};
use super::pins::Pins;
use crate::base::finding::{Code, Finding, Group};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::manifest::Manifest;
use crate::context::plan::{Request, judge};
use crate::context::policy::Policy;

/// Judges the targets. Of a profile's certificates one is planned whose private key is here, where identities were looked at
/// and nobody waived them.
pub fn check(policy: &Policy, pins: &Pins<'_>, facts: &Observed, asked: &Asked) -> Vec<Finding> {
    let observed = match &facts.targets {
        Observation::Observed(observed) => observed,
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
    let usable = match &facts.identities {
        Observation::Observed(identities) if !asked.waived.contains(&Group::Identities) => {
            Some(identities.usable())
        }
        _ => None,
    };
    let request = Request {
        targets: &observed.targets,
        profiles: pins.profiles(),
        pinned: pins.targets(),
        overrides: &policy.targets,
        kind: asked.kind,
        targets_were_named: !observed.selection.targets.is_empty(),
        identities: usable.as_ref(),
        now: facts.now,
        scheme: observed.archive.scheme.as_ref(),
        products: &observed.archive.products,
        sources: &*observed.sources,
    };
    judge(&request, &observed.looked_at(), &observed.findings).findings
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
