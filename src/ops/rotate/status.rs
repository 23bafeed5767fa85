//! `rotate status`: how far a rotation is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::history;
use super::scene::Scene;
use crate::base::finding::Finding;
use crate::base::ids::ProfileUuid;
use crate::context::manifest::ProfileState;
use crate::context::rotation::succession;
use crate::host::transaction::StepKind;
use crate::ops::error::Failure;
use crate::ops::report::{ManifestName, Report};
use crate::ops::world::World;

/// The `countersign.rotation-status.v1` document: how far a rotation is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusDocument {
    /// Always `countersign.rotation-status.v1`.
    #[schemars(extend("const" = "countersign.rotation-status.v1"))]
    pub schema: &'static str,
    /// The manifest.
    pub manifest: ManifestName,
    /// The profiles that take part: incoming ones with the one that each replaces, and retiring ones.
    pub profiles: Vec<StatusProfile>,
    /// The steps that this machine has taken, the oldest first.
    pub steps: Vec<ShownStep>,
    /// When the old profiles may go (RFC 3339, UTC); absent if none is retiring, or the time is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retire_from: Option<Timestamp>,
    /// What comes next.
    #[schemars(extend("enum" = ["finish", "promote", "wait", "retire", "nothing"]))]
    pub next_step: &'static str,
    /// What is not right.
    pub findings: Vec<Finding>,
}

impl Report for StatusDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A profile that takes part in a rotation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusProfile {
    /// Where it stands.
    pub state: ProfileState,
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Which bundle ids it covers.
    pub bundle_id: String,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// The profile that it replaces; absent if it is retiring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ProfileUuid>,
}

/// A step that was taken.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownStep {
    /// What it did.
    pub step: StepKind,
    /// When it began (RFC 3339, UTC).
    pub begun: Timestamp,
    /// The revision of the manifest before.
    pub from: u64,
    /// The revision afterwards.
    pub to: u64,
    /// How many files it changed.
    pub files: usize,
    /// Whether it is done: if not, its command was killed.
    pub done: bool,
}

/// Tells how far the rotation of the manifest at hand is. Changes nothing.
///
/// # Errors
/// The manifest, the policy or the log of this machine cannot be read.
pub fn status(world: &World) -> Result<StatusDocument, Failure> {
    let scene = Scene::look(world)?;
    let pairs = succession::incoming(&scene.manifest, world.now).pairs;
    let replaces = |uuid: &ProfileUuid| {
        let mut pairs = pairs.iter();
        let pair = pairs.find(|pair| pair.new.uuid == *uuid)?;
        Some(pair.old.uuid.clone())
    };
    let profiles = scene.manifest.profiles().iter();
    let profiles: Vec<StatusProfile> = profiles
        .filter(|profile| profile.state != ProfileState::Active)
        .map(|profile| StatusProfile {
            state: profile.state,
            uuid: profile.uuid.clone(),
            name: profile.name.clone(),
            bundle_id: profile.bundle_id.to_string(),
            expires: profile.expires,
            replaces: replaces(&profile.uuid),
        })
        .collect();
    let has = |state| profiles.iter().any(|profile| profile.state == state);
    let promoted = history::promoted(&scene, None, world)?;
    let grace = scene.policy.rotation.grace;
    let retire_from = promoted.filter(|_| has(ProfileState::Retiring));
    let retire_from =
        retire_from.map(|promoted| promoted.checked_add(grace).unwrap_or(Timestamp::MAX));
    let pending = scene.steps.last().filter(|step| !step.is_done);
    let findings: Vec<Finding> = scene.changed_since().into_iter().collect();
    let next_step = match (pending, has(ProfileState::Incoming), retire_from) {
        (Some(_), ..) => "finish",
        (None, true, _) => "promote",
        (None, false, Some(from)) if from > world.now => "wait",
        (None, false, _) if has(ProfileState::Retiring) => "retire",
        (None, false, _) => "nothing",
    };
    let steps = scene.steps.iter().map(|step| ShownStep {
        step: step.kind,
        begun: step.begun,
        from: step.from,
        to: step.to,
        files: step.changes.len(),
        done: step.is_done,
    });
    Ok(StatusDocument {
        schema: "countersign.rotation-status.v1",
        manifest: (&scene.manifest).into(),
        profiles,
        steps: steps.collect(),
        retire_from,
        next_step,
        findings,
    })
}
