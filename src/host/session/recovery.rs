//! Recovery: finishing what dead runs left.
//!
//! A run is dead when its lease is free, which means that its watchdog is dead too. Its command is ended, its keychain
//! closed, and both are recorded; only then is its journal removed, so that a recovery that is itself cut short is
//! finished by the next.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{STRAGGLERS, SessionError};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::host::journal::{Found, Journals};
use crate::host::keychain::{KeychainPath, LockState};
use crate::host::run_id::RunId;
use crate::host::window::{close, end};

/// What was finished of one dead run.
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

/// A dead run that could not be finished.
#[derive(Debug)]
pub struct Unfinished {
    /// Its keychain; unknown if its journal is damaged.
    pub keychain: Option<KeychainPath>,
    /// Why.
    pub error: SessionError,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.keychain {
            Some(keychain) => write!(
                f,
                "{keychain} was left open by a run that was killed and cannot be closed ({}): close it with `countersign \
                 keychain lock --keychain '{keychain}'`, then run `countersign keychain recover`",
                self.error
            ),
            None => self.error.fmt(f),
        }
    }
}

/// Finishes every dead run below `state`; goes on after one that cannot be finished.
///
/// # Errors
/// The journals cannot be listed or the turn cannot be had.
pub fn recover(state: &Path, witness: &dyn Witness) -> Result<Recovery, SessionError> {
    let journals = Journals::new(state);
    let mut recovery = Recovery::default();
    for found in journals.all()? {
        match found {
            Ok(found) if found.is_alive => {}
            Ok(found) => {
                let keychain = found.entry.keychain.clone();
                match one(&journals, state, found, witness) {
                    Ok(None) => {}
                    Ok(Some(one)) => recovery.finished.push(one),
                    Err(error) => recovery.unfinished.push(Unfinished {
                        keychain: Some(keychain),
                        error,
                    }),
                }
            }
            Err(error) => recovery.unfinished.push(Unfinished {
                keychain: None,
                error: error.into(),
            }),
        }
    }
    if state.join("runs").exists() {
        let lock = journals.lock()?;
        journals.sweep(&lock)?;
    }
    Ok(recovery)
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
    let closed = if found.is_closed {
        Ok(())
    } else {
        entry
            .backend
            .build(state)
            .map_err(SessionError::from)
            .and_then(|backend| {
                // Closing asks for nothing, not even whether it is open.
                was_open = matches!(backend.status(&entry.keychain), Ok(LockState::Unlocked));
                close(journals, backend.as_ref(), &entry.keychain, &entry.run).map(drop)
            })
    };
    // Whether or not it could be closed, nobody shall sign with it any more.
    if let Some(job) = journals.job(&entry.run) {
        end(&job, STRAGGLERS);
    }
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
    witness.record(&event(Outcome::Done))?;
    journals.forget(&entry.run)?;
    Ok(Some(Recovered {
        run: entry.run,
        keychain: entry.keychain,
        was_open,
    }))
}
