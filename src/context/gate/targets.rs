//! The *targets* group: do the projects ask for what was pinned?
//!
//! The gate plans what the projects ask for against the manifest, as `targets check` does, and looks for pinned
//! targets that nobody showed it. A project without targets, an empty workspace and a selection without targets are
//! not observations. Nothing was judged, so the gate blocks. Products that the policy declares are judged without a project.

use std::collections::{BTreeSet, HashSet};

use super::asked::Asked;
use super::facts::{Observation, Observed};
use super::pins::Pins;
use crate::base::finding::{Code, Finding, Group};
use crate::base::ids::{CertSha1, ConfigurationName};
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedArchive, PinnedTarget};
use crate::context::plan::{Request, judge};
use crate::context::policy::Policy;
use crate::context::products;

/// Judges the targets, and the products that the policy declares. Of a profile's certificates one is planned whose private
/// key is here, where identities were looked at and nobody waived them.
pub fn check(policy: &Policy, pins: &Pins<'_>, facts: &Observed, asked: &Asked) -> Vec<Finding> {
    let usable = match &facts.identities {
        Observation::Observed(identities) if !asked.waived.contains(&Group::Identities) => {
            Some(identities.usable())
        }
        _ => None,
    };
    let products = products::judge(&products::Request {
        products: &facts.products,
        policy,
        profiles: pins.profiles(),
        pinned: Some(pins.products()),
        identities: usable.as_ref(),
        now: facts.now,
    });
    let mut findings = of_projects(policy, pins, facts, usable.as_ref(), asked);
    findings.extend(products.findings);
    findings
}

fn of_projects(
    policy: &Policy,
    pins: &Pins<'_>,
    facts: &Observed,
    usable: Option<&HashSet<CertSha1>>,
    asked: &Asked,
) -> Vec<Finding> {
    let observed = match &facts.targets {
        Observation::Observed(observed) => observed,
        // Products that the policy declares are all that there is.
        Observation::Unobserved { .. }
            if pins.targets().is_empty() && !facts.products.is_empty() =>
        {
            return Vec::new();
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
    let request = Request {
        targets: &observed.targets,
        profiles: pins.profiles(),
        pinned: pins.targets(),
        frozen_for: pins.frozen_for(),
        overrides: &policy.targets,
        kind: asked.kind,
        targets_were_named: !observed.selection.targets.is_empty(),
        identities: usable,
        now: facts.now,
        scheme: observed.archive.scheme.as_ref(),
        products: &observed.archive.products,
        sources: &*observed.sources,
    };
    judge(&request, &observed.looked_at(), &observed.findings).findings
}

/// What of these projects was judged when their targets were pinned, if the manifest is about them and says it.
pub fn frozen_for<'a>(manifest: &'a Manifest, projects: &[String]) -> Option<&'a PinnedArchive> {
    let pinned = manifest.targets();
    let is_theirs = pinned.is_empty() || pinned_in(manifest, projects).next().is_some();
    manifest.archive().filter(|_| is_theirs)
}

/// The configurations that are judged where nobody selects any: those that the manifest was frozen for, or that it pins for
/// these projects. Empty: all of them.
pub fn pinned_configurations(manifest: &Manifest, projects: &[String]) -> Vec<ConfigurationName> {
    if let Some(archive) = frozen_for(manifest, projects) {
        return archive.configurations.clone();
    }
    let pinned: BTreeSet<&ConfigurationName> = pinned_in(manifest, projects)
        .map(|target| &target.configuration)
        .collect();
    pinned.into_iter().cloned().collect()
}

/// The pinned targets of these projects.
fn pinned_in<'a>(
    manifest: &'a Manifest,
    projects: &[String],
) -> impl Iterator<Item = &'a PinnedTarget> {
    let named: HashSet<&str> = projects.iter().map(String::as_str).collect();
    let pinned = manifest.targets().iter();
    pinned.filter(move |target| named.contains(target.project.as_str()))
}
