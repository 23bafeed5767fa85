//! Closing a window: the same steps for the run itself, its watchdog and a recovery.

use std::time::Duration;

use crate::host::journal::Journals;
use crate::host::keychain::{Closer, KeychainBackend, KeychainError, KeychainPath};
use crate::host::run_id::RunId;
use crate::host::session::error::SessionError;

/// Closes `keychain` for `run`: locks it, or takes back only what the run was given if other runs have it open. Says whether
/// it was locked. It waits for nobody's lock; see [`journal`](crate::host::journal). `before_waiting` is called before
/// anything that may take long.
///
/// # Errors
/// It may still be open.
pub(in crate::host) fn close(
    journals: &Journals<'_>,
    closer: &mut dyn Closer,
    keychain: &KeychainPath,
    run: &RunId,
    before_waiting: &mut dyn FnMut(),
) -> Result<bool, SessionError> {
    // Whoever cannot say so might leave it to one who leaves it to us. Where nobody can tell whether others have it open,
    // it is locked.
    let marked = journals.mark_closing(run);
    let others = marked.and_then(|()| journals.others(keychain, run));
    let is_shared = others.is_ok_and(|others| !others.is_empty());
    closer.close(is_shared, before_waiting)?;
    // Once more: what failed before may go now, and what was done before does no harm.
    journals.mark_closing(run)?;
    journals.mark_closed(run)?;
    Ok(!is_shared)
}

/// Closes by whatever can be had now: for who comes along when nothing was made ready.
pub(in crate::host) struct Unprepared<'a> {
    /// What closes.
    pub(in crate::host) backend: &'a dyn KeychainBackend,
    /// Which keychain.
    pub(in crate::host) keychain: &'a KeychainPath,
    /// For which run.
    pub(in crate::host) run: &'a RunId,
}

impl Closer for Unprepared<'_> {
    fn close(
        &mut self,
        shared: bool,
        before_waiting: &mut dyn FnMut(),
    ) -> Result<(), KeychainError> {
        before_waiting();
        let locked = match shared {
            true => Ok(()),
            false => self.backend.lock(self.keychain),
        };
        locked.and(self.backend.release(self.keychain, self.run))
    }
}

/// How long what a command left running is waited for.
pub(in crate::host) const STRAGGLERS: Duration = Duration::from_secs(2);
/// How long a tool of a dead run may take to come to its end before the run's keychain is closed.
pub(in crate::host) const OF_TOOLS: Duration = Duration::from_secs(1);
