//! `rotate promote`: successors become active, one product in one revision.

use std::collections::HashMap;
use std::path::PathBuf;

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::names;
use super::scene::{self, Scene};
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::ProfileUuid;
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedProfile};
use crate::context::rotation::probe::{Demand, lacking};
use crate::context::rotation::product::{self, ProductGroup};
use crate::context::rotation::revision;
use crate::context::rotation::succession::{self, Succession};
use crate::context::rotation::{certificates, embedding, intermediate};
use crate::host::node;
use crate::host::transaction::{self, StepKind};
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
    let probes = scene::probes(&request.probes)?;
    let (first, mut document) = Scene::begin(StepKind::Promote, request.dry_run, world)?;
    let found = succession::incoming(&first.manifest, world.now);
    let pairs: HashMap<ProfileUuid, Succession> = found
        .pairs
        .into_iter()
        .map(|pair| (pair.old.uuid.clone(), pair))
        .collect();
    document.findings.extend(found.findings);
    let groups = product::groups(&first.manifest, &pairs.keys().cloned().collect());
    let groups = chosen(groups, &request.products, &mut document.findings);
    let mut next: Vec<&Succession> = pairs.values().collect();
    next.sort_by(|a, b| a.old.uuid.cmp(&b.old.uuid));
    let needed = certificates::needed_next(&first.manifest, next, world.now);
    let signing = certificates::signing_next(&first.manifest, pairs.values(), world.now);
    document.findings.extend(intermediate::lacking(
        &probes,
        signing,
        Severity::Block,
        world.now,
    ));
    document.findings.extend(lacking(
        &probes,
        &needed,
        &first.policy.topology,
        node::host_name().ok().as_ref(),
        Demand::NoneWithout,
        world.now,
    ));
    let promoted = groups.iter().flat_map(|group| &group.profiles);
    document.findings.extend(embedding::parted(
        first.content(),
        promoted.filter_map(|uuid| pairs.get(uuid)),
        Severity::Block,
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
    let installed = scene::installed(&first.directories(world)?);
    let mut manifest = first.manifest.clone();
    let mut bytes = first.bytes.clone();
    let mut steps = Vec::new();
    for group in &groups {
        let of_group = group.profiles.iter().filter_map(|uuid| pairs.get(uuid));
        let of_group: Vec<&Succession> = of_group.collect();
        let content = revision::promoted(manifest.content(), of_group.iter().copied(), world.now);
        let mut files = Vec::new();
        for pair in &of_group {
            if installed.contains_key(&pair.new.sha256) {
                continue;
            }
            match missing(&pair.new, &first, world)? {
                Missing::Kept(path, kept) => files.push((path, Some(kept))),
                Missing::Unknown(finding) => document.findings.push(*finding),
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
            .map(|pair| (&pair.old, Some(&pair.new)))
            .collect();
        document.old_names = names::left(&first, &replaced, manifest.content(), world)?;
    }
    Ok(document)
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

fn missing(new: &PinnedProfile, scene: &Scene, world: &World) -> Result<Missing, Failure> {
    let state = world.state_directory()?;
    if let Some(kept) = transaction::kept(&state, &scene.file, &new.sha256) {
        let directory = scene.destination(world)?;
        return Ok(Missing::Kept(directory.join(&new.filename), kept));
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
    Ok(Missing::Unknown(Box::new(finding)))
}

/// A manifest of ours.
pub(super) fn parsed(bytes: &[u8]) -> Result<Manifest, Error> {
    Manifest::parse(bytes).map_err(Error::unexpected)
}
