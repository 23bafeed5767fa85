//! Recovery: cleaning up after runs that were killed.
//!
//! A run is dead when its lease is free, which means that its watchdog is dead too. Its command is ended, its keychain
//! closed, and both are recorded; only then is its journal removed, so that a recovery that is itself cut short is
//! finished by the next.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::error::SessionError;
use crate::base::error::{ErrorCode, Explain};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::host::journal::{FoundJournal, JournalEntry, Journals};
use crate::host::keychain::{Backends, KeychainBackend, KeychainPath, LockState};
use crate::host::owned_files::{Lock, for_shell};
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;
use crate::host::window::{close_locked, while_ending};

/// What was recovered of one killed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recovered {
    /// The run.
    pub run: RunId,
    /// Its keychain.
    pub keychain: KeychainPath,
    /// The keychain was found open.
    pub was_open: bool,
}

/// What was finished, and what could not be.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Runs that are finished now.
    pub finished: Vec<Recovered>,
    /// Runs whose keychain may still be open; the next recovery tries again.
    pub unfinished: Vec<Unfinished>,
}

/// A killed run that could not be recovered.
#[derive(Debug)]
pub struct Unfinished {
    /// What it had open; unknown if its journal is damaged.
    pub entry: Option<JournalEntry>,
    /// The keychain is closed; only the record of that is missing.
    pub is_closed: bool,
    /// The state directory.
    pub state: StateDir,
    /// Why.
    pub error: SessionError,
}

impl Unfinished {
    /// The keychain, where it is known.
    pub fn keychain(&self) -> Option<&KeychainPath> {
        self.entry.as_ref().map(|entry| &entry.keychain)
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.error;
        match &self.entry {
            None => error.fmt(f),
            Some(JournalEntry { keychain, .. }) if self.is_closed => {
                write!(
                    f,
                    "{keychain} is closed, but the closing is not recorded: {error}"
                )
            }
            Some(JournalEntry { keychain, run, .. }) => write!(
                f,
                "run {run} was killed and left {keychain} open, and the keychain cannot be closed: {error}"
            ),
        }
    }
}

impl std::error::Error for Unfinished {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Explain for Unfinished {
    fn code(&self) -> ErrorCode {
        match self.is_closed {
            true => ErrorCode::NotRecorded,
            false => ErrorCode::KeychainFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        let state = for_shell(self.state.path());
        match &self.entry {
            None => self.error.hint(),
            Some(_) if self.is_closed => Some(format!(
                "recover the killed runs of the state directory {state}, which records the closing"
            )),
            Some(entry) => Some(format!(
                "lock the {} keychain {}, then recover the killed runs of the state directory {state}",
                entry.backend,
                for_shell(entry.keychain.as_path())
            )),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match &self.entry {
            None => self.error.remedy(),
            Some(_) if self.is_closed => Some(Remedy::RecoverKeychains),
            Some(_) => Some(Remedy::LockKeychain),
        }
    }

    fn place(&self) -> Place {
        match self.keychain() {
            Some(keychain) => Place::file(keychain.as_path()),
            None => self.error.place(),
        }
    }
}

/// Finishes every dead run below `state` with `backends`; goes on after one that cannot be finished.
///
/// # Errors
/// The journals cannot be listed or the lock cannot be had.
pub fn recover(
    state: &StateDir,
    backends: &Backends,
    witness: &dyn Witness,
) -> Result<Recovery, SessionError> {
    let journals = Journals::new(state);
    let mut recovery = Recovery::default();
    for found in journals.all()? {
        match found {
            Ok(found) if found.is_alive => {}
            Ok(found) => {
                let entry = found.entry.clone();
                let mut is_closed = found.is_closed;
                match recover_run(&journals, state, backends, found, witness, &mut is_closed) {
                    Ok(None) => {}
                    Ok(Some(recovered)) => recovery.finished.push(recovered),
                    Err(error) => recovery.unfinished.push(Unfinished {
                        entry: Some(entry),
                        is_closed,
                        state: state.clone(),
                        error,
                    }),
                }
            }
            Err(error) => recovery.unfinished.push(Unfinished {
                entry: None,
                is_closed: false,
                state: state.clone(),
                error: error.into(),
            }),
        }
    }
    if state.runs().exists() {
        journals.sweep_if_free()?;
    }
    Ok(recovery)
}

fn recover_run(
    journals: &Journals,
    state: &StateDir,
    backends: &Backends,
    found: FoundJournal,
    witness: &dyn Witness,
    is_closed: &mut bool,
) -> Result<Option<Recovered>, SessionError> {
    let entry = found.entry;
    let job = journals.job(&entry.run);
    let mut was_open = false;
    let mut lease = None;
    let closed = while_ending(job.as_ref(), || {
        let lock = journals.lock()?;
        lease = journals.adopt(&lock, &entry.run)?;
        // Another recovery may have been faster, or only the record is missing.
        if lease.is_none() || found.is_closed {
            return Ok(());
        }
        let backend = backends.build(entry.backend, state)?;
        let closed = close_left_open(&lock, journals, backend.as_ref(), &entry, &mut was_open);
        if closed.is_err() {
            // While the lock is held: who has it next must not take the dead run for one that lives and will close.
            lease = None;
        }
        closed
    });
    let event = |outcome| {
        Event::new(Action::Recover, outcome)
            .of_run(&entry.run)
            .detail("keychain", &entry.keychain)
            .detail("was-open", was_open)
    };
    if let Err(error) = closed {
        let _ = witness.record(&event(Outcome::Failed).detail("error", &error));
        return Err(error);
    }
    if lease.is_none() {
        return Ok(None);
    }
    *is_closed = true;
    witness.record(&event(Outcome::Done))?;
    journals.forget(&entry.run)?;
    Ok(Some(Recovered {
        run: entry.run,
        keychain: entry.keychain,
        was_open,
    }))
}

/// Closes what a dead run left open, under the lock, and notes whether it was open.
fn close_left_open(
    lock: &Lock,
    journals: &Journals,
    backend: &dyn KeychainBackend,
    entry: &JournalEntry,
    was_open: &mut bool,
) -> Result<(), SessionError> {
    let JournalEntry { run, keychain, .. } = entry;
    // Closing asks for nothing, not even whether it is open.
    *was_open = matches!(backend.status(keychain), Ok(LockState::Unlocked));
    close_locked(lock, journals, backend, keychain, run).map(drop)
}
