//! `rotate retire`: old profiles go, when their grace is over and every machine holds the new ones.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::elsewhere::{self, Elsewhere};
use super::history;
use super::names;
use super::scene::{self, Scene};
use crate::base::clock::show_duration;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::ProfileUuid;
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::rotation::probe::{Demand, lacking};
use crate::context::rotation::{certificates, intermediate, product, revision, succession};
use crate::host::node;
use crate::host::transaction::StepKind;
use crate::ops::error::Failure;
use crate::ops::world::World;

/// What is retired.
#[derive(Debug, Clone, Default)]
pub struct RetireRequest {
    /// The probes of other machines.
    pub probes: Vec<PathBuf>,
    /// When the successors were promoted, where this machine does not know.
    pub promoted: Option<Timestamp>,
    /// Other manifests whose profiles stay installed.
    pub keep_for: Vec<PathBuf>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// Removes the old profiles from the manifest and from this machine.
///
/// # Errors
/// The manifest, another manifest, a probe or a directory cannot be read, or a file cannot be written or removed.
pub fn retire(request: &RetireRequest, world: &World) -> Result<StepDocument, Failure> {
    let probes = scene::probes(&request.probes)?;
    let (scene, mut document) = Scene::begin(StepKind::Retire, request.dry_run, world)?;
    let retiring: Vec<&PinnedProfile> = scene.manifest.in_state(ProfileState::Retiring).collect();
    if retiring.is_empty() {
        document.findings.push(
            Finding::block(
                Code::RotationUnfinished,
                "nothing is retiring, so there is nothing to remove",
            )
            .hint("promote the successors first"),
        );
    }
    for profile in &retiring {
        if scene.manifest.is_in_use(profile) {
            document.findings.push(
                Finding::block(
                    Code::RotationUnfinished,
                    format!(
                        "profile {} is retiring, and something is still pinned to it",
                        profile.title()
                    ),
                )
                .of_profile(&profile.uuid)
                .hint("promote its successor first"),
            );
        }
    }
    document
        .findings
        .extend(grace(&scene, &retiring, request.promoted, world)?);
    let signing = certificates::signing(&scene.manifest);
    document.findings.extend(intermediate::lacking(
        &probes,
        signing,
        Severity::Block,
        world.now,
    ));
    let needed = certificates::needed(&scene.manifest);
    document.findings.extend(lacking(
        &probes,
        &needed,
        &scene.policy.topology,
        node::host_name().ok().as_ref(),
        Demand::EveryHost,
        world.now,
    ));
    if finding::any_blocks(&document.findings) {
        return Ok(document);
    }
    let old: BTreeSet<ProfileUuid> = retiring
        .iter()
        .map(|profile| profile.uuid.clone())
        .collect();
    // Nothing is pinned to them any more, so their own bundle ids tell which of them are extensions: those go first.
    // The files go while the manifest still knows them, so that none of them is ever one that nobody pinned.
    let groups = product::groups(&scene.manifest, &old);
    let order = groups.iter().flat_map(|group| &group.profiles);
    let installed = scene::installed(&scene.directories(world)?);
    let elsewhere = Elsewhere::look(&scene, &request.keep_for, world)?;
    let mut files: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (_, profile) in order.filter_map(|uuid| scene.manifest.profile(uuid)) {
        let Some(copies) = installed.get(&profile.sha256) else {
            continue;
        };
        match elsewhere.pinning(&profile.sha256) {
            Some(file) => document.findings.push(elsewhere::stays(profile, file)),
            None => files.extend(copies.iter().map(|path| (path.clone(), None))),
        }
    }
    let content = revision::retired(scene.content(), &old);
    files.push((scene.file.clone(), Some(content.to_bytes())));
    let planned = PlannedStep {
        kind: StepKind::Retire,
        from: scene.manifest.revision(),
        back_to: None,
        manifest: content,
        files,
    };
    document.revisions.push(StepRevision::of(&planned, None));
    if !request.dry_run {
        carry_out::take(&planned, &scene.bytes, world)?;
    }
    let active: Vec<&PinnedProfile> = scene.manifest.in_state(ProfileState::Active).collect();
    let replaced: Vec<names::Replaced<'_>> = retiring
        .iter()
        .map(|old| (*old, succession::in_place_of(old, &active)))
        .collect();
    document.old_names = names::left(&scene, &replaced, &planned.manifest, world)?;
    Ok(document)
}

/// That the time of grace is not over, or is not known to be.
fn grace(
    scene: &Scene,
    retiring: &[&PinnedProfile],
    said: Option<Timestamp>,
    world: &World,
) -> Result<Option<Finding>, Failure> {
    let Some(first) = retiring.first() else {
        return Ok(None);
    };
    let grace = scene.policy.rotation.grace;
    let Some(promoted) = history::promoted(scene, said, world)? else {
        return Ok(Some(
            Finding::block(
                Code::RotationGrace,
                "this machine does not know when the successors were promoted",
            )
            .of_profile(&first.uuid)
            .hint("say when they were, or retire on the machine that promoted them"),
        ));
    };
    let over = promoted.checked_add(grace).unwrap_or(Timestamp::MAX);
    Ok((over > world.now).then(|| {
        Finding::block(
            Code::RotationGrace,
            format!(
                "the old profiles stay for {} after the promotion, so that it can be rolled back",
                show_duration(grace)
            ),
        )
        .values(format!("not before {over}"), world.now)
        .of_profile(&first.uuid)
        .hint("wait, or shorten rotation.grace in the policy")
    }))
}
