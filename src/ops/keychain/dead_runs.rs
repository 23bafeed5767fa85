//! Runs that were killed: what they left is finished before anything else is begun.

use std::path::Path;

use super::selected::SelectedKeychain;
use crate::base::error::ErrorCode;
use crate::base::event::Witness;
use crate::host::session::{self, Unfinished};
use crate::ops::error::{Error, RecoveryTarget};
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// Finishes what killed runs left, and says so. Returns what could not be finished.
///
/// # Errors
/// The journals cannot be read.
pub fn finish(
    state: &Path,
    witness: &dyn Witness,
    world: &World,
) -> Result<Vec<Unfinished>, Error> {
    let recovery = session::recover(state, witness)?;
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
        world.notify(&Notice::Unfinished(&error));
    }
    Ok(())
}

/// The error of a run that could not be finished: its keychain may be open, or the record of its closing is missing.
pub fn explain(unfinished: Unfinished) -> Error {
    let cause = &unfinished.error;
    let (code, message, keychain) = match &unfinished.entry {
        // A damaged journal tells nothing else.
        None => (ErrorCode::KeychainFailed, cause.to_string(), None),
        Some(entry) if unfinished.is_closed => (
            ErrorCode::NotRecorded,
            format!(
                "{} is closed, but the record of that is missing ({cause})",
                entry.keychain
            ),
            None,
        ),
        Some(entry) => (
            ErrorCode::KeychainFailed,
            format!(
                "{} was left open by run {}, which was killed, and cannot be closed ({cause})",
                entry.keychain, entry.run
            ),
            Some((entry.keychain.clone(), entry.backend.kind)),
        ),
    };
    let is_known = unfinished.entry.is_some();
    let error = Error::new(code, message);
    match is_known {
        true => error.recover(RecoveryTarget {
            state: unfinished.state,
            keychain,
        }),
        false => error,
    }
}
