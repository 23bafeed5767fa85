//! Work on a keychain that no run has open: it is a run of its own, is recorded before and after, and has the same journal
//! and watchdog behind it as a window.

use std::time::Duration;

use super::dead_runs;
use super::selected::SelectedKeychain;
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event, Outcome};
use crate::host::keychain::KeychainError;
use crate::host::process;
use crate::host::run_id::RunId;
use crate::host::session::{self, KeychainWork};
use crate::ledger::audit::AuditLog;
use crate::ops::audit_log;
use crate::ops::error::Error;
use crate::ops::world::World;

/// One piece of work.
pub struct Work<'a> {
    what: Action,
    selected: &'a SelectedKeychain,
    log: &'a AuditLog,
    session: KeychainWork<'a>,
}

impl<'a> Work<'a> {
    /// Finishes what killed runs left, and prepares the work.
    ///
    /// # Errors
    /// A killed run left this keychain open, and it cannot be closed.
    pub fn begin(
        what: Action,
        selected: &'a SelectedKeychain,
        log: &'a AuditLog,
        world: &'a World,
    ) -> Result<Self, Error> {
        let unfinished = dead_runs::finish(&selected.state, log, what.as_str(), world)?;
        dead_runs::refuse_unfinished(unfinished, selected, world)?;
        let session = selected.work(&new_run(world)?, log, None, world)?;
        Ok(Self {
            what,
            selected,
            log,
            session,
        })
    }

    /// Does the work between the record that it is intended and the record of how it went. `check` comes before journal and
    /// watchdog, which close the keychain at the end: what it refuses is not touched.
    ///
    /// # Errors
    /// It cannot be recorded; `check` refuses; runs have the keychain open; the work fails; or the keychain cannot be closed.
    pub fn perform<T>(
        self,
        check: impl FnOnce(&SelectedKeychain) -> Result<(), KeychainError>,
        work: impl FnOnce(&SelectedKeychain) -> Result<T, KeychainError>,
    ) -> Result<T, Error> {
        let Self {
            what,
            selected,
            log,
            session,
        } = self;
        let run = session.run.clone();
        let event = |outcome| event(selected, what, outcome).of_run(&run);
        audit_log::recorded(log, event, || {
            check(selected)?;
            Ok(session::exclusively(session, LIMIT, || work(selected))?)
        })
    }
}

/// An event about a keychain.
pub fn event(selected: &SelectedKeychain, what: Action, outcome: Outcome) -> Event {
    Event::new(what, outcome)
        .detail("keychain", &selected.path)
        .detail("backend", selected.backend.kind())
}

/// From here on nobody reads the secrets in the memory of this process, and the tools that it starts can be waited for. To
/// be called before a password is read.
///
/// # Errors
/// The system does not allow it.
pub fn prepare_process() -> Result<(), Error> {
    let unguarded = |what: &str, error: &std::io::Error| {
        Error::new(
            ErrorCode::SessionUnguarded,
            format!("cannot {what}: {error}"),
        )
    };
    process::keep_exit_statuses()
        .map_err(|error| unguarded("keep the exit statuses of commands", &error))?;
    process::survive_file_limit().map_err(|error| unguarded("handle signals", &error))?;
    process::protect_memory()
        .map_err(|error| unguarded("protect the memory of this process", &error))
}

/// A name for a run that begins now.
///
/// # Errors
/// The system's random generator cannot be read.
pub fn new_run(world: &World) -> Result<RunId, Error> {
    Ok(RunId::new(world.now).map_err(KeychainError::Random)?)
}

/// The most that making a keychain or importing into one may take. Others wait for their turn longer than that.
const LIMIT: Duration = Duration::from_secs(90);
