//! `rotate rollback`: files are put back as they were before a step.

use std::path::{Path, PathBuf};

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::elsewhere::{self, Elsewhere};
use super::history;
use super::names;
use super::promote::parsed;
use super::scene::Scene;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::FileSha256;
use crate::context::rotation::revision;
use crate::host::transaction::{self, Step, StepKind};
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;

/// What is rolled back.
#[derive(Debug, Clone, Default)]
pub struct RollbackRequest {
    /// The revision of the manifest whose state is wanted; none: the one before the last step that no rollback has undone.
    pub to: Option<u64>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// Puts the installed profiles back byte for byte, and the manifest in all but its revision, which rises.
///
/// # Errors
/// The manifest cannot be read, this machine knows nothing of that revision, or a file cannot be written.
pub fn rollback(request: &RollbackRequest, world: &World) -> Result<StepDocument, Failure> {
    let (scene, mut document) = Scene::begin(StepKind::Rollback, request.dry_run, world)?;
    let undone = undone(&scene.steps, request.to)?;
    let back_to = undone.first().map(|step| step.from);
    let (changes, lost) = first_and_last(undone);
    document.findings.extend(lost);
    for (path, _, after) in &changes {
        document
            .findings
            .extend(changed_since(path, after.as_ref())?);
    }
    if finding::any_blocks(&document.findings) {
        return Ok(document);
    }
    let state = world.state_directory()?;
    let kept = |sha256: &FileSha256, path: &PathBuf| {
        transaction::kept(&state, &scene.file, sha256).ok_or_else(|| {
            let message = format!("{}: what it held is not kept any more", path.display());
            Error::new(ErrorCode::JournalUnusable, message).in_file(path)
        })
    };
    let mut restored = Vec::new();
    let mut removed = Vec::new();
    let mut manifest = None;
    for (path, before, _) in &changes {
        match before {
            Some(sha256) if *path == scene.file => manifest = Some(kept(sha256, path)?),
            Some(sha256) => restored.push((path.clone(), Some(kept(sha256, path)?))),
            None => removed.push(path),
        }
    }
    let elsewhere = Elsewhere::readable(&scene, world)?;
    let mut gone = Vec::new();
    for path in removed {
        let held = transaction::held(path)?.map(|bytes| FileSha256::of(&bytes));
        let pinned = held.and_then(|sha256| Some((sha256, elsewhere.pinning(&sha256)?)));
        match pinned {
            None => gone.push((path.clone(), None)),
            Some((sha256, file)) => {
                let mut profiles = scene.manifest.profiles().iter();
                let profile = profiles.find(|profile| profile.sha256 == sha256);
                document
                    .findings
                    .extend(profile.map(|it| elsewhere::stays(it, file)));
            }
        }
    }
    let then = manifest.ok_or_else(|| nothing_to_undo(request.to))?;
    let then = parsed(&then)?;
    let content = revision::restored(scene.content(), then.content());
    // What is pinned again is there before it is pinned, and what is pinned no more goes after that.
    let mut files = restored;
    files.push((scene.file.clone(), Some(content.to_bytes())));
    files.extend(gone);
    let planned = PlannedStep {
        kind: StepKind::Rollback,
        from: scene.manifest.revision(),
        back_to,
        manifest: content,
        files,
    };
    document.revisions.push(StepRevision::of(&planned, None));
    if !request.dry_run {
        carry_out::take(&planned, &scene.bytes, world)?;
    }
    let replaced = names::replaced(scene.content(), &planned.manifest);
    document.old_names = names::left(&scene, &replaced, &planned.manifest, world)?;
    Ok(document)
}

/// The steps that are undone, the oldest first.
fn undone(steps: &[Step], to: Option<u64>) -> Result<&[Step], Error> {
    let at = match to {
        None => history::standing(steps).pop(),
        // Another branch of the repository may have had a revision of the same number before.
        Some(to) => steps.iter().rposition(|step| step.from == to),
    };
    let undone = at.and_then(|at| steps.get(at..));
    undone.ok_or_else(|| nothing_to_undo(to))
}

fn nothing_to_undo(to: Option<u64>) -> Error {
    let message = match to {
        Some(to) => format!("this machine has taken no step from revision {to}"),
        None => {
            "this machine has taken no step with this manifest that is not rolled back".to_owned()
        }
    };
    Error::new(ErrorCode::Usage, message)
        .hint("name a revision that a step of this machine began with, or take the manifest back in the repository")
}

/// Of each file: where, what it held before the first step that changed it, and what the last one made of it.
type Change = (PathBuf, Option<FileSha256>, Option<FileSha256>);

/// And what somebody made of a file between two of the steps: to put back what was before them would lose that.
fn first_and_last(steps: &[Step]) -> (Vec<Change>, Vec<Finding>) {
    let mut changes: Vec<Change> = Vec::new();
    let mut lost = Vec::new();
    for (step, change) in steps
        .iter()
        .flat_map(|step| step.changes.iter().map(move |change| (step, change)))
    {
        match changes.iter_mut().find(|(path, ..)| *path == change.path) {
            Some((path, _, after)) => {
                // What somebody only removed is not lost.
                if change.before.is_some() && change.before != *after {
                    lost.push(
                        Finding::block(
                            Code::RotationFileChanged,
                            "a file was changed between two steps, so what it held before them is not put back",
                        )
                        .values(shown(after.as_ref()), shown(change.before.as_ref()))
                        .in_file(path)
                        .hint(format!("roll back to revision {} instead", step.from)),
                    );
                }
                *after = change.after;
            }
            None => changes.push((change.path.clone(), change.before, change.after)),
        }
    }
    (changes, lost)
}

fn shown(sha256: Option<&FileSha256>) -> String {
    sha256.map_or("no file".to_owned(), |it| format!("sha256:{it}"))
}

/// That a file is not as the last step left it: to put it back would lose what somebody did.
fn changed_since(path: &Path, after: Option<&FileSha256>) -> Result<Option<Finding>, Error> {
    let found = transaction::held(path)?.map(|bytes| FileSha256::of(&bytes));
    if found.as_ref() == after {
        return Ok(None);
    }
    Ok(Some(
        Finding::block(
            Code::RotationFileChanged,
            "a file was changed since the last step, so it is not put back",
        )
        .values(shown(after), shown(found.as_ref()))
        .in_file(path)
        .hint("take the change back, and roll back again"),
    ))
}
