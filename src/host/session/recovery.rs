//! Recovery: finishing what dead runs left.
//!
//! A run is dead when its lease is free, which means that its watchdog is dead too. Its command is ended, its keychain
//! closed, and both are recorded; only then is its journal removed, so that a recovery that is itself cut short is
//! finished by the next.

use std::path::Path;
use std::time::Duration;

use super::{SessionError, closing};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::host::journal::{Found, Journals};
use crate::host::keychain::{KeychainPath, LockState};
use crate::host::run_id::RunId;

/// What was finished of one dead run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The run.
    pub run: RunId,
    /// Its keychain.
    pub keychain: KeychainPath,
    /// The keychain was found open.
    pub was_open: bool,
}

/// Finishes every dead run below `state`; goes on after one that cannot be finished, and returns the first error then.
///
/// # Errors
/// A keychain may still be open, a journal is damaged, or what was done cannot be recorded.
pub fn recover(state: &Path, witness: &dyn Witness) -> Result<Vec<Recovered>, SessionError> {
    let journals = Journals::new(state);
    let mut recovered = Vec::new();
    let mut result = Ok(());
    for found in journals.all()? {
        match found {
            Ok(found) if found.is_alive => {}
            Ok(found) => match one(&journals, state, found, witness) {
                Ok(None) => {}
                Ok(Some(one)) => recovered.push(one),
                Err(error) => result = result.and(Err(error)),
            },
            Err(error) => result = result.and(Err(error.into())),
        }
    }
    if state.join("runs").exists() {
        let lock = journals.lock()?;
        journals.sweep(&lock)?;
    }
    result.map(|()| recovered)
}

fn one(
    journals: &Journals,
    state: &Path,
    found: Found,
    witness: &dyn Witness,
) -> Result<Option<Recovered>, SessionError> {
    let entry = found.entry;
    let _mine = {
        let lock = journals.lock()?;
        match journals.adopt(&lock, &entry.run) {
            Some(lease) => lease,
            // Another recovery was faster.
            None => return Ok(None),
        }
    };
    let mut was_open = false;
    if !found.is_closed {
        let backend = entry.backend.build(state)?;
        was_open = backend.status(&entry.keychain)? == LockState::Unlocked;
        closing::close(journals, backend.as_ref(), &entry.keychain, &entry.run)?;
    }
    if let Some(job) = journals.job(&entry.run) {
        closing::end(&job, Duration::from_secs(2));
    }
    witness.record(
        &Event::new(Action::Recover, Outcome::Done)
            .of_run(&entry.run)
            .detail("keychain", &entry.keychain)
            .detail("was-open", was_open),
    )?;
    journals.forget(&entry.run)?;
    Ok(Some(Recovered {
        run: entry.run,
        keychain: entry.keychain,
        was_open,
    }))
}
