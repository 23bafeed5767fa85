//! Closing a window: the same steps for the run itself, its watchdog and a recovery.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::host::journal::{JournalError, Journals};
use crate::host::keychain::{KeychainBackend, KeychainPath, both};
use crate::host::process::mark::Mark;
use crate::host::run_id::RunId;
use crate::host::session::SessionError;

/// Closes `keychain` as far as `run` goes: locks it, or takes back only what the run was given if others have it open.
/// Says whether it was locked.
///
/// # Errors
/// It may still be open. Without the state directory nobody can tell whether others use it; it is locked then.
pub(in crate::host) fn close(
    journals: &Journals,
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    run: &RunId,
) -> Result<bool, SessionError> {
    let lock = match journals.lock() {
        Ok(lock) => lock,
        Err(error) => {
            backend.lock(keychain)?;
            return Err(error.into());
        }
    };
    lock.share_with_children().map_err(JournalError::from)?;
    let others = journals.others(keychain, run);
    let is_shared = others.is_ok_and(|others| !others.is_empty());
    if is_shared {
        backend.release(keychain, run)?;
    } else {
        both(backend.lock(keychain), backend.release(keychain, run))?;
    }
    journals.closed(run)?;
    drop(lock);
    Ok(!is_shared)
}

/// Ends what is left of a command's process group: asks, waits, ends.
pub(in crate::host) fn end(job: &Mark, patience: Duration) {
    if !job.signal(Signal::TERM) {
        return;
    }
    let start = Instant::now();
    while job.is_alive() {
        if start.elapsed() >= patience {
            job.signal(Signal::KILL);
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
