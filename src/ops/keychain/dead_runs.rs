//! Finishes runs that cannot finish themselves, before anything else begins.

use super::selected::{self, SelectedKeychain};
use crate::base::event::Witness;
use crate::host::session::{self, Recovered, Recovery, RecoveryRequest, Unfinished};
use crate::host::state_dir::StateDir;
use crate::ops::error::{Error, RecoveryTarget};
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// Finishes what dead runs left, and says so. Returns what could not be finished. `by` is who does it, as the record has it.
///
/// # Errors
/// The journals cannot be read.
pub fn finish(
    state: &StateDir,
    witness: &dyn Witness,
    by: &'static str,
    world: &World,
) -> Result<Vec<Unfinished>, Error> {
    let recovery = recover(state, witness, by, false, world)?;
    for recovered in &recovery.finished {
        world.notify(&Notice::Recovered(recovered));
    }
    Ok(recovery.unfinished)
}

/// Finishes the runs whose windows should have been closed long ago, and those alone, for a verb that opens nothing: what is
/// found is only said.
pub fn mention_overdue(state: &StateDir, witness: &dyn Witness, by: &'static str, world: &World) {
    let found = recover(state, witness, by, true, world);
    let (finished, failed): (Vec<Recovered>, Vec<Error>) = match found {
        Ok(found) => (
            found.finished,
            found.unfinished.into_iter().map(explain).collect(),
        ),
        Err(error) => (Vec::new(), vec![error]),
    };
    for recovered in &finished {
        world.notify(&Notice::Recovered(recovered));
    }
    for error in &failed {
        world.notify(&Notice::Failed(error));
    }
}

/// Finishes dead runs.
///
/// # Errors
/// The journals cannot be read.
pub fn recover(
    state: &StateDir,
    witness: &dyn Witness,
    by: &'static str,
    only_overdue: bool,
    world: &World,
) -> Result<Recovery, Error> {
    Ok(session::recover(&RecoveryRequest {
        state,
        backends: &selected::backends(world)?,
        witness,
        clock: world.clock.as_ref(),
        by,
        only_overdue,
    })?)
}

/// Refuses a keychain that a dead run left open. That another is open, or that a journal is damaged, is only said: whoever
/// opens this keychain closes it first, and closes it at the end.
///
/// # Errors
/// It is the one that is meant.
pub fn refuse_unfinished(
    unfinished: Vec<Unfinished>,
    selected: &SelectedKeychain,
    world: &World,
) -> Result<(), Error> {
    for run in unfinished {
        let is_this = run.keychain().is_some_and(|path| *path == selected.path);
        let error = explain(run);
        if is_this {
            return Err(error);
        }
        world.notify(&Notice::Failed(&error));
    }
    Ok(())
}

/// The error of a run that could not be finished: its keychain may be open, or the record of its closing is missing.
pub fn explain(unfinished: Unfinished) -> Error {
    // A damaged journal does not say what was open.
    let target = unfinished.entry.as_ref().map(|entry| RecoveryTarget {
        state: unfinished.state.path().to_owned(),
        keychain: (!unfinished.is_closed).then(|| (entry.keychain.clone(), entry.backend)),
    });
    let error = Error::from(unfinished);
    match target {
        Some(target) => error.recover(target),
        None => error,
    }
}
