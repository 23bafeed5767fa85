//! Taking a step of a rotation, file by file, and finishing one that a killed command began.

use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event, Outcome};
use crate::base::ids::FileSha256;
use crate::context::manifest::Content;
use crate::host::transaction::{self, FileChange, Standing, Step, StepError, StepKind, StepLog};
use crate::ledger::audit::AuditLog;
use crate::ops::audit_log;
use crate::ops::error::Error;
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// A step that is to be taken.
#[derive(Debug)]
pub struct PlannedStep {
    /// What it does.
    pub kind: StepKind,
    /// The manifest before.
    pub from: u64,
    /// Of a rollback: the revision whose state it brings back.
    pub back_to: Option<u64>,
    /// The manifest afterwards.
    pub manifest: Content,
    /// Its files in the order in which they change: where, and what they hold afterwards; none: nothing is there.
    pub files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

/// The manifest's file as absolute path, with its links resolved: what the log of its steps is found by.
pub fn manifest_file(world: &World) -> PathBuf {
    transaction::resolved(world.manifest_path())
}

/// The steps that this machine has taken with the manifest.
///
/// # Errors
/// The log cannot be read.
pub fn steps(world: &World) -> Result<Vec<Step>, Error> {
    let state = world.state_directory()?;
    Ok(transaction::steps(&state, &manifest_file(world))?)
}

/// Finishes the step that a killed command began, if there is one, and says which it was.
///
/// # Errors
/// It cannot be finished: somebody changed one of its files, or one cannot be written. Then it is taken back, where that is possible.
pub fn finish(world: &World) -> Result<Option<Step>, Error> {
    let steps = steps(world)?;
    if steps.last().is_none_or(|step| step.is_done) {
        return Ok(None);
    }
    let state = world.state_directory()?;
    let mut log = StepLog::open(&state, &manifest_file(world))?;
    // Whoever held the lock may have finished it.
    let Some(pending) = log.pending().cloned() else {
        return Ok(None);
    };
    let audit = audit_log::open(world, None)?;
    go_on(&mut log, &audit, world)?;
    Ok(Some(pending))
}

/// As [`finish`], for commands that write a manifest and are no step of a rotation: where nobody knows a state directory, no step was taken.
///
/// # Errors
/// As [`finish`].
pub fn finish_where_known(world: &World) -> Result<Option<Step>, Error> {
    match world.state_directory() {
        Ok(_) => finish(world),
        Err(_) => Ok(None),
    }
}

/// Takes a step whose manifest was `judged`.
///
/// # Errors
/// The manifest is another by now, a step is not finished, what is going to be done cannot be recorded, or a file cannot be written.
/// What has begun is then taken back; where that is not possible either, the next command finishes it.
pub fn take(planned: &PlannedStep, judged: &[u8], world: &World) -> Result<Step, Error> {
    let manifest = manifest_file(world);
    let mut log = StepLog::open(&world.state_directory()?, &manifest)?;
    if let Some(pending) = log.pending() {
        let message = format!("the step {} is not finished", pending.kind.as_str());
        return Err(Error::new(ErrorCode::FileChanged, message).hint("run the command again"));
    }
    world.notify(&Notice::StepOfRotation { file: &manifest });
    let mut changes = Vec::new();
    for (path, after) in &planned.files {
        let before = transaction::held(path)?;
        if path == &manifest && before.as_deref() != Some(judged) {
            let message = format!("{}: the manifest was changed meanwhile", path.display());
            let error = Error::new(ErrorCode::FileChanged, message);
            return Err(error.hint("run the command again").in_file(path));
        }
        let before = before.map(|bytes| log.keep(&bytes)).transpose()?;
        let after = after.as_deref().map(|bytes| log.keep(bytes)).transpose()?;
        changes.push(FileChange {
            path: path.clone(),
            before,
            after,
        });
    }
    let step = Step {
        kind: planned.kind,
        begun: world.now,
        from: planned.from,
        to: planned.manifest.revision,
        back_to: planned.back_to,
        changes,
        is_done: false,
    };
    let audit = audit_log::open(world, None)?;
    let intended = event(&step, Outcome::Intended, &manifest);
    audit.append(&intended)?;
    world.notify(&Notice::StepOfRotation { file: &manifest });
    log.begin(step.clone())?;
    go_on(&mut log, &audit, world)?;
    Ok(Step {
        is_done: true,
        ..step
    })
}

/// Carries out what is left of the pending step, or takes it back.
fn go_on(log: &mut StepLog, audit: &AuditLog, world: &World) -> Result<(), Error> {
    let Some(step) = log.pending().cloned() else {
        return Ok(());
    };
    if let Err(error) = change_files(&step, log, audit, world) {
        return Err(taken_back(&step, log, audit, error));
    }
    world.notify(&Notice::StepOfRotation {
        file: log.manifest(),
    });
    log.finish()?;
    world.notify(&Notice::StepOfRotation {
        file: log.manifest(),
    });
    audit.append(&event(&step, Outcome::Done, log.manifest()))?;
    Ok(())
}

/// The error of a step that cannot be carried out, after its files are put back.
fn taken_back(step: &Step, log: &mut StepLog, audit: &AuditLog, error: Error) -> Error {
    let changes = step.changes.iter().rev().map(FileChange::reversed);
    let undone = changes.map(|change| match StepLog::standing(&change)? {
        Standing::Before => apply(&change, log, audit),
        // It is as it was, or somebody else's.
        Standing::After | Standing::Other(_) => Ok(()),
    });
    let mut all = undone.collect::<Result<Vec<()>, Error>>().map(drop);
    if all.is_ok() {
        all = log.abandon().map_err(Error::from);
    }
    let what = step.kind.as_str();
    let (hint, _) = error.advice();
    let hint = hint.map_or(String::new(), |hint| format!("{hint}; then "));
    match all {
        Ok(()) => {
            // The error says more than one of the log; that the step was intended stands there already.
            let failed = event(step, Outcome::Failed, log.manifest()).detail("error", &error);
            audit.append(&failed).map(drop).unwrap_or_default();
            error.hint(format!(
                "{hint}run the command again: the step {what} is taken back"
            ))
        }
        Err(_) => error.hint(format!(
            "{hint}run the command again: it finishes the step {what}"
        )),
    }
}

fn change_files(step: &Step, log: &StepLog, audit: &AuditLog, world: &World) -> Result<(), Error> {
    for change in &step.changes {
        world.notify(&Notice::StepOfRotation { file: &change.path });
        match StepLog::standing(change)? {
            Standing::After => {}
            Standing::Other(found) => {
                return Err(StepError::Foreign {
                    change: Box::new(change.clone()),
                    found,
                }
                .into());
            }
            Standing::Before => apply(change, log, audit)?,
        }
    }
    Ok(())
}

fn apply(change: &FileChange, log: &StepLog, audit: &AuditLog) -> Result<(), Error> {
    let action = match (&change.before, &change.after) {
        _ if change.path == log.manifest() => None,
        (_, Some(_)) => Some(Action::ProfileInstall),
        (_, None) => Some(Action::ProfileRemove),
    };
    let Some(action) = action else {
        return Ok(log.apply(change)?);
    };
    let digest = change.after.or(change.before);
    let event = |reached| {
        let event = Event::new(action, reached).detail("file", change.path.display());
        match &digest {
            Some(sha256) => event.detail("sha256", sha256),
            None => event,
        }
    };
    audit_log::recorded(audit, event, || Ok(log.apply(change)?))
}

fn event(step: &Step, outcome: Outcome, manifest: &Path) -> Event {
    let manifest = step.changes.iter().find(|change| change.path == manifest);
    let after: Option<FileSha256> = manifest.and_then(|change| change.after);
    let event = Event::new(Action::Rotate, outcome)
        .detail("step", step.kind.as_str())
        .detail("from", step.from)
        .detail("revision", step.to);
    match after {
        Some(sha256) => event.detail("manifest", format!("sha256:{sha256}")),
        None => event,
    }
}

/// The digest of a manifest's content as it will be written.
pub fn digest(content: &Content) -> Digest {
    Digest::of(&content.to_bytes())
}
