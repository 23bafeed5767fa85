//! Recovery: finishing what dead runs left.
//!
//! A run is dead when its lease is free, which means that its watchdog is dead too. Its command is ended, its keychain
//! closed, and both are recorded; only then is its journal removed, so that a recovery that is itself cut short is
//! finished by the next.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use rustix::process::Signal;

use super::{STRAGGLERS, SessionError};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::host::journal::{Found, Journals};
use crate::host::keychain::{KeychainPath, LockState};
use crate::host::run_id::RunId;
use crate::host::window::close_in_turn;

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
    /// The keychain is closed; only the record of that is missing.
    pub is_closed: bool,
    /// Why.
    pub error: SessionError,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.keychain, self.is_closed) {
            (Some(keychain), false) => write!(
                f,
                "{keychain} was left open by a run that was killed and cannot be closed ({}): close it with `countersign \
                 keychain lock`, then run `countersign keychain recover`, both with the same --state-dir and --backend",
                self.error
            ),
            (Some(keychain), true) => write!(
                f,
                "{keychain} was left open by a run that was killed and is closed now, but {}",
                self.error
            ),
            (None, _) => self.error.fmt(f),
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
                        is_closed: matches!(error, SessionError::Witness(_)),
                        error,
                    }),
                }
            }
            Err(error) => recovery.unfinished.push(Unfinished {
                keychain: None,
                is_closed: false,
                error: error.into(),
            }),
        }
    }
    // Whoever has the turn now sweeps, or the next one.
    if state.join("runs").exists()
        && let Some(turn) = journals.lock_now()
    {
        journals.sweep(&turn)?;
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
    // Whether or not it can be closed soon, nobody shall sign with it any more.
    let job = journals.job(&entry.run);
    if let Some(job) = &job {
        job.signal(Signal::TERM);
    }
    let turn = journals.lock()?;
    // Another recovery may have been faster.
    let Some(_mine) = journals.adopt(&turn, &entry.run) else {
        return Ok(None);
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
                let (backend, keychain) = (backend.as_ref(), &entry.keychain);
                // Closing asks for nothing, not even whether it is open.
                was_open = matches!(backend.status(keychain), Ok(LockState::Unlocked));
                close_in_turn(&turn, journals, backend, keychain, &entry.run).map(drop)
            })
    };
    drop(turn);
    if let Some(job) = &job {
        job.end(STRAGGLERS);
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
