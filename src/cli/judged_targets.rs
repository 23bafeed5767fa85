//! What the gate judges of targets; it stands here until the gate takes what was observed and judges it itself.

use super::exit::Failure;
use crate::base::finding::{self, Code, Finding};
use crate::context::manifest::Manifest;
use crate::context::plan::{Request, plan, project_name};
use crate::context::policy::Policy;
use crate::host::sources::DiskSources;
use crate::ops::target_selection::{TargetSelection, projects, read};
use crate::xcode::targets::SigningTarget;

/// The pinned findings of `projects` against `manifest`: what the gate's *targets* group judges. Without a configuration
/// on the command line those count that the manifest pins for the project.
///
/// # Errors
/// A project cannot be read.
pub(super) fn against(
    manifest: &Manifest,
    policy: &Policy,
    selection: &TargetSelection,
) -> Result<Vec<Finding>, Failure> {
    let named: Vec<String> = projects(&selection.projects)?
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut narrowed = selection.clone();
    if narrowed.configurations.is_empty() {
        let pinned = manifest
            .targets()
            .iter()
            .filter(|target| named.contains(&target.project));
        narrowed.configurations = pinned.map(|target| target.configuration.clone()).collect();
        narrowed.configurations.sort();
        narrowed.configurations.dedup();
    }
    let (targets, mut findings) = read(&narrowed)?;
    let sources = DiskSources::default();
    let request = Request {
        targets: &targets,
        profiles: manifest.profiles(),
        pinned: manifest.targets(),
        overrides: &policy.targets,
        kind: selection.kind,
        targets_were_named: !selection.targets.is_empty(),
        must_be_mapped: true,
        sources: &sources,
    };
    findings.extend(plan(&request).findings);
    findings.extend(unseen(manifest, &targets, &named, selection));
    finding::distinct(&mut findings);
    Ok(findings)
}

/// Pinned targets that the projects do not have, or that nobody looked at: what was not observed is not passed. Who
/// selects targets by name wants just those, and the verdict says so.
fn unseen(
    manifest: &Manifest,
    targets: &[SigningTarget],
    named: &[String],
    selection: &TargetSelection,
) -> Vec<Finding> {
    let is_selection = !selection.targets.is_empty()
        || !selection.configurations.is_empty()
        || selection.sdk.is_some();
    let mut findings = Vec::new();
    let mut others = std::collections::BTreeSet::new();
    for (index, pin) in manifest.targets().iter().enumerate() {
        if !named.contains(&pin.project) {
            others.insert(pin.project.as_str());
            continue;
        }
        let is_here = targets.iter().any(|target| {
            project_name(target) == pin.project
                && target.target == pin.target
                && target.configuration == pin.configuration
                && target.platform == pin.platform
        });
        if is_here || is_selection {
            continue;
        }
        findings.push(
            Finding::block(
                Code::TargetUnmapped,
                format!("the manifest pins target {} ({}, {}), which {} does not have", pin.target, pin.configuration, pin.platform, pin.project),
            )
            .of_target(&pin.target)
            .at_pointer(format!("/targets/{index}"))
            .hint("check out the revision of the project that was frozen, or freeze the manifest again with --project"),
        );
    }
    if is_selection {
        findings.push(
            Finding::warn(
                Code::TargetsUnobserved,
                "only the targets that were selected on the command line were judged",
            )
            .hint(
                "leave --target, --configuration and --sdk out to judge all that the manifest pins",
            ),
        );
    }
    for project in others {
        findings.push(
            Finding::block(
                Code::TargetsUnobserved,
                format!("the manifest pins targets of {project}, which was not named"),
            )
            .values(format!("--project {project}"), named.join(", "))
            .hint("name that project too with --project"),
        );
    }
    findings
}
