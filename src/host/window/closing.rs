//! Closing a window: the same steps for the run itself, its watchdog and a recovery.

use crate::host::journal::{JournalError, Journals};
use crate::host::keychain::{KeychainBackend, KeychainPath, both};
use crate::host::private::Lock;
use crate::host::process::mark::Mark;
use crate::host::run_id::RunId;
use crate::host::session::{STRAGGLERS, SessionError};

/// Does `deed`, which closes and may have to wait for its turn, while what is left of `job` is ended: nobody shall sign
/// meanwhile.
pub(in crate::host) fn while_ending<T>(job: Option<&Mark>, deed: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        if let Some(job) = job {
            scope.spawn(|| job.end(STRAGGLERS));
        }
        deed()
    })
}

/// Closes `keychain` as far as `run` goes, when it is our turn: locks it, or takes back only what the run was given if
/// others have it open. Says whether it was locked.
///
/// # Errors
/// It may still be open. Where no turn is to be had it is closed all the same, unless others are known to use it.
pub(in crate::host) fn close(
    journals: &Journals,
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    run: &RunId,
) -> Result<bool, SessionError> {
    match journals.lock() {
        Ok(turn) => close_in_turn(&turn, journals, backend, keychain, run),
        Err(error) => {
            let others = journals.others(keychain, run);
            if !others.is_ok_and(|others| !others.is_empty()) {
                backend.lock(keychain)?;
            }
            backend.release(keychain, run)?;
            Err(error.into())
        }
    }
}

/// The same for who has the turn.
pub(in crate::host) fn close_in_turn(
    turn: &Lock,
    journals: &Journals,
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    run: &RunId,
) -> Result<bool, SessionError> {
    turn.share_with_children().map_err(JournalError::from)?;
    let others = journals.others(keychain, run);
    let is_shared = others.is_ok_and(|others| !others.is_empty());
    if is_shared {
        backend.release(keychain, run)?;
    } else {
        both(backend.lock(keychain), backend.release(keychain, run))?;
    }
    journals.closed(run)?;
    Ok(!is_shared)
}
