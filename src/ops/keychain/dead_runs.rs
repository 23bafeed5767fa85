//! Recovers runs that were killed, before anything else begins.

use super::selected::{self, SelectedKeychain};
use crate::base::event::Witness;
use crate::host::session::{self, Unfinished};
use crate::host::state_dir::StateDir;
use crate::ops::error::{Error, RecoveryTarget};
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// Finishes what killed runs left, and says so. Returns what could not be finished.
///
/// # Errors
/// The journals cannot be read.
pub fn finish(
    state: &StateDir,
    witness: &dyn Witness,
    world: &World,
) -> Result<Vec<Unfinished>, Error> {
    let recovery = session::recover(state, &selected::backends(world)?, witness)?;
    for recovered in &recovery.finished {
        world.notify(&Notice::Recovered {
            run: &recovered.run,
            keychain: &recovered.keychain,
        });
    }
    Ok(recovery.unfinished)
}

/// Refuses a keychain that a killed run left open. That another is open is only said.
///
/// # Errors
/// It is the one that is meant, or nobody knows which one it is.
pub fn refuse_unfinished(
    unfinished: Vec<Unfinished>,
    selected: &SelectedKeychain,
    world: &World,
) -> Result<(), Error> {
    for run in unfinished {
        let is_other = run.keychain().is_some_and(|path| *path != selected.path);
        let error = explain(run);
        if !is_other {
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
