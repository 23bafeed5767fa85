//! What the log of a rotation tells: which steps still stand, and when profiles were replaced.
//!
//! A rollback is a step like the others, and undoes some of them. So the steps that stand are not all that the log holds, and what is
//! undone by the next rollback is the last that stands: two rollbacks go two steps back.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::promote::parsed;
use super::scene::Scene;
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::context::manifest::ProfileState;
use crate::host::transaction::{self, Step, StepKind};
use crate::ops::error::Failure;
use crate::ops::world::World;

/// The positions of the steps that no rollback has undone, the oldest first.
pub(super) fn standing(steps: &[Step]) -> Vec<usize> {
    let mut standing: Vec<usize> = Vec::new();
    // What stood at each revision: a rollback to one brings that back.
    let mut at_revision: HashMap<u64, Vec<usize>> = HashMap::new();
    for (position, step) in steps.iter().enumerate() {
        at_revision
            .entry(step.from)
            .or_insert_with(|| standing.clone());
        match step.back_to {
            None => standing.push(position),
            Some(revision) => standing = at_revision.get(&revision).cloned().unwrap_or_default(),
        }
        at_revision.insert(step.to, standing.clone());
    }
    standing
}

/// When the last of the profiles that retire was replaced: by a promotion that this machine knows of, or as somebody says. None if one of
/// them was replaced elsewhere, and nobody says when.
///
/// # Errors
/// There is no state directory.
pub(super) fn promoted(
    scene: &Scene,
    said: Option<Timestamp>,
    world: &World,
) -> Result<Option<Timestamp>, Failure> {
    let state = world.state_directory()?;
    let retiring_in = |sha256: Option<FileSha256>| -> BTreeSet<ProfileUuid> {
        let bytes = sha256.and_then(|it| transaction::kept(&state, &scene.file, &it));
        let manifest = bytes.and_then(|bytes| parsed(&bytes).ok());
        let manifest = manifest.iter();
        let retiring = manifest.flat_map(|manifest| manifest.in_state(ProfileState::Retiring));
        retiring.map(|profile| profile.uuid.clone()).collect()
    };
    let retiring = scene.manifest.in_state(ProfileState::Retiring);
    let mut left: BTreeSet<ProfileUuid> = retiring.map(|profile| profile.uuid.clone()).collect();
    let mut last = None;
    for position in standing(&scene.steps).into_iter().rev() {
        let step = scene.steps.get(position);
        let Some(step) = step.filter(|step| step.kind == StepKind::Promote && step.is_done) else {
            continue;
        };
        if left.is_empty() {
            break;
        }
        let changes = &mut step.changes.iter();
        let Some(change) = changes.find(|change| change.path == scene.file) else {
            continue;
        };
        let before = retiring_in(change.before);
        for replaced in retiring_in(change.after).difference(&before) {
            if left.remove(replaced) {
                last = last.max(Some(step.begun));
            }
        }
    }
    Ok(match left.is_empty() {
        true => last,
        false => said.max(last.filter(|_| said.is_some())),
    })
}
