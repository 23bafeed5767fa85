//! `rotate promote`: successors become active, one product in one revision.

use std::collections::HashMap;
use std::path::PathBuf;

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::names;
use super::scene::{self, Scene};
use super::stage;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::rotation::probe::{Demand, lacking};
use crate::context::rotation::product::{self, ProductGroup};
use crate::context::rotation::revision;
use crate::context::rotation::succession::{self, Succession};
use crate::host::transaction::{self, StepKind};
use crate::host::{node, profile_store};
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;

/// What is promoted.
#[derive(Debug, Clone, Default)]
pub struct PromoteRequest {
    /// The products, by the bundle id of the app that holds the others; none: all of them.
    pub products: Vec<String>,
    /// The probes of other machines.
    pub probes: Vec<PathBuf>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// Makes the incoming profiles active, product by product, each in a revision of its own.
///
/// # Errors
/// The manifest, a probe or a directory cannot be read, or a file cannot be written.
pub fn promote(request: &PromoteRequest, world: &World) -> Result<StepDocument, Failure> {
    let finished = match request.dry_run {
        true => None,
        false => carry_out::finish(world)?,
    };
    let first = Scene::look(world)?;
    let mut document = StepDocument::new(StepKind::Promote, request.dry_run, finished.as_ref());
    document.findings.extend(first.faults(world));
    let found = incoming(&first.manifest, world);
    let pairs: HashMap<ProfileUuid, Succession> = found
        .pairs
        .into_iter()
        .map(|pair| (pair.old.uuid.clone(), pair))
        .collect();
    document.findings.extend(found.findings);
    let groups = product::groups(&first.manifest, &pairs.keys().cloned().collect());
    let groups = chosen(groups, &request.products, &mut document.findings);
    let needed: Vec<&PinnedProfile> = pairs.values().map(|pair| &pair.new).collect();
    document.findings.extend(lacking(
        &scene::probes(&request.probes)?,
        &needed,
        &first.policy.topology.key_hosts,
        node::host_name().ok().as_ref(),
        Demand::NoneWithout,
        world.now,
    ));
    if groups.is_empty() && !finding::any_blocks(&document.findings) {
        document.findings.push(
            Finding::block(
                Code::RotationUnfinished,
                "nothing is incoming, so there is nothing to promote",
            )
            .hint("stage the successors first"),
        );
    }
    let mut manifest = first.manifest.clone();
    let mut bytes = first.bytes.clone();
    let mut steps = Vec::new();
    for group in &groups {
        let of_group = group.profiles.iter().filter_map(|uuid| pairs.get(uuid));
        let of_group: Vec<&Succession> = of_group.collect();
        let content = revision::promoted(manifest.content(), of_group.iter().copied(), world.now);
        let mut files = Vec::new();
        for pair in &of_group {
            match not_installed(&pair.new, &first, world)? {
                None => {}
                Some(Missing::Kept(path, kept)) => files.push((path, Some(kept))),
                Some(Missing::Unknown(finding)) => document.findings.push(*finding),
            }
        }
        let written = content.to_bytes();
        files.push((first.file.clone(), Some(written.clone())));
        let planned = PlannedStep {
            kind: StepKind::Promote,
            from: manifest.revision(),
            back_to: None,
            manifest: content,
            files,
        };
        manifest = parsed(&written)?;
        steps.push((
            group.name.clone(),
            planned,
            std::mem::replace(&mut bytes, written),
        ));
    }
    if finding::any_blocks(&document.findings) {
        return Ok(document);
    }
    for (name, planned, before) in &steps {
        document
            .revisions
            .push(StepRevision::of(planned, Some(name)));
        if !request.dry_run {
            carry_out::take(planned, before, world)?;
        }
    }
    if !steps.is_empty() {
        let replaced = groups.iter().flat_map(|group| &group.profiles);
        let replaced: Vec<names::Replaced<'_>> = replaced
            .filter_map(|uuid| pairs.get(uuid))
            .map(|pair| (&pair.old, &pair.new))
            .collect();
        document.old_names = names::left(&first, &replaced, manifest.content(), world)?;
    }
    Ok(document)
}

/// The incoming profiles of the manifest, each beside the one that it replaces.
pub(super) fn incoming(manifest: &Manifest, world: &World) -> succession::Successions {
    let profiles = manifest.profiles().iter();
    let incoming: Vec<PinnedProfile> = profiles
        .filter(|profile| profile.state == ProfileState::Incoming)
        .cloned()
        .collect();
    succession::find(manifest, &incoming, world.now)
}

/// The groups that were named.
fn chosen(
    groups: Vec<ProductGroup>,
    named: &[String],
    findings: &mut Vec<Finding>,
) -> Vec<ProductGroup> {
    if named.is_empty() {
        return groups;
    }
    for name in named {
        if !groups.iter().any(|group| group.name == *name) {
            let known: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
            findings.push(
                Finding::block(
                    Code::RotationUnfinished,
                    format!("nothing is incoming for the product {name:?}"),
                )
                .values(
                    match known.is_empty() {
                        true => "no product".to_owned(),
                        false => known.join(", "),
                    },
                    name,
                )
                .hint("name a product by the bundle id of its app"),
            );
        }
    }
    let is_named = |group: &ProductGroup| named.contains(&group.name);
    groups.into_iter().filter(is_named).collect()
}

/// A successor that is not installed on this machine.
enum Missing {
    /// Its bytes are known from an earlier step: where they belong.
    Kept(PathBuf, Vec<u8>),
    /// Nobody knows them here.
    Unknown(Box<Finding>),
}

fn not_installed(
    new: &PinnedProfile,
    scene: &Scene,
    world: &World,
) -> Result<Option<Missing>, Failure> {
    if !copies(&new.sha256, scene, world)?.is_empty() {
        return Ok(None);
    }
    let state = world.state_directory()?;
    let kept = transaction::kept(&state, &scene.file, &new.sha256);
    if let (Some(kept), Some(directory)) = (kept, stage::destination(scene, world)?) {
        return Ok(Some(Missing::Kept(directory.join(&new.filename), kept)));
    }
    let finding = Finding::block(
        Code::ProfileMissing,
        format!(
            "the new profile {} is not installed on this machine",
            new.title()
        ),
    )
    .values(
        format!("{} with sha256:{}", new.filename, new.sha256),
        "nothing",
    )
    .of_profile(&new.uuid)
    .hint("install it on this machine")
    .remedy(Remedy::InstallProfile);
    Ok(Some(Missing::Unknown(Box::new(finding))))
}

/// The installed files with these bytes.
pub(super) fn copies(
    sha256: &FileSha256,
    scene: &Scene,
    world: &World,
) -> Result<Vec<PathBuf>, Failure> {
    let mut copies = Vec::new();
    for directory in scene.directories(world)? {
        for file in profile_store::list(&directory).unwrap_or_default() {
            // What cannot be read is not the file that is looked for.
            let held = transaction::held(&file).ok().flatten();
            if held.is_some_and(|bytes| FileSha256::of(&bytes) == *sha256) {
                copies.push(file);
            }
        }
    }
    Ok(copies)
}

/// A manifest of ours.
pub(super) fn parsed(bytes: &[u8]) -> Result<Manifest, Error> {
    Manifest::parse(bytes).map_err(Error::unexpected)
}
