//! Closing a window: the same steps for the run itself, its watchdog and a recovery.

use std::time::Duration;

use crate::host::journal::{JournalError, Journals};
use crate::host::keychain::{KeychainBackend, KeychainPath};
use crate::host::owned_files::Lock;
use crate::host::process::ProcessGroup;
use crate::host::run_id::RunId;
use crate::host::session::error::SessionError;

/// Does `deed`, which closes and may have to wait for the lock, while what is left of `job` is ended: nobody shall sign
/// meanwhile.
pub(in crate::host) fn while_ending<T>(job: Option<&ProcessGroup>, deed: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        if let Some(job) = job {
            scope.spawn(|| job.end(STRAGGLERS));
        }
        deed()
    })
}

/// Closes `keychain` for `run` under the journals' lock: locks it, or takes back only what the run was given if other runs
/// have it open. Says whether it was locked.
///
/// # Errors
/// It may still be open. If the lock cannot be had, the keychain is closed anyway, unless other runs are known to use it.
pub(in crate::host) fn close(
    journals: &Journals,
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    run: &RunId,
) -> Result<bool, SessionError> {
    match journals.lock() {
        Ok(lock) => close_locked(&lock, journals, backend, keychain, run),
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

/// Does the same for a caller that holds the lock.
///
/// # Errors
/// It may still be open.
pub(in crate::host) fn close_locked(
    lock: &Lock,
    journals: &Journals,
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    run: &RunId,
) -> Result<bool, SessionError> {
    lock.share_with_children().map_err(JournalError::from)?;
    let others = journals.others(keychain, run);
    let is_shared = others.is_ok_and(|others| !others.is_empty());
    if is_shared {
        backend.release(keychain, run)?;
    } else {
        let (locked, released) = (backend.lock(keychain), backend.release(keychain, run));
        locked.and(released)?;
    }
    journals.mark_closed(run)?;
    Ok(!is_shared)
}

/// How long what a command left running is waited for.
const STRAGGLERS: Duration = Duration::from_secs(2);
