//! Recovery: closing the keychains of runs that cannot close them any more.
//!
//! A run is dead when neither it nor its watchdog lives, or when its window has been over for so long that they should have
//! closed (see [`journal`](crate::host::journal)). Its command is ended, its keychain closed, and both are recorded; only
//! then is its journal removed, so that a recovery that is itself cut short is finished by the next. What is left of the run
//! itself is ended last: it may have been stopped while it opened the keychain, and must not go on.

use std::fmt;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::error::SessionError;
use crate::base::clock::Clock;
use crate::base::error::{ErrorCode, Explain};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::host::journal::{Adopted, FoundJournal, JournalEntry, Journals, Life, Stage};
use crate::host::keychain::{Backends, KeychainPath, LockState};
use crate::host::owned_files::for_shell;
use crate::host::process::{KnownProcess, Presence, end_orphans};
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;
use crate::host::window::{OF_TOOLS, STRAGGLERS, Unprepared, close};

/// Whose runs are finished, with what, and in whose name.
pub struct RecoveryRequest<'a> {
    /// The state directory.
    pub state: &'a StateDir,
    /// What makes the backends of their keychains.
    pub backends: &'a Backends,
    /// Who records.
    pub witness: &'a dyn Witness,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who finishes them: the word that the record holds.
    pub by: &'static str,
    /// Only those whose window should have been closed long ago.
    pub only_overdue: bool,
}

/// What was recovered of one dead run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recovered {
    /// The run.
    pub run: RunId,
    /// Its keychain.
    pub keychain: KeychainPath,
    /// The keychain was found open.
    pub was_open: bool,
    /// The window had ended long before, and nobody had closed it.
    pub overdue: bool,
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

/// Finishes every run that cannot finish itself; goes on after one that cannot be finished.
///
/// # Errors
/// The journals cannot be listed.
pub fn recover(request: &RecoveryRequest<'_>) -> Result<Recovery, SessionError> {
    let journals = Journals::new(request.state, request.clock);
    let mut recovery = Recovery::default();
    for found in journals.all()? {
        match found {
            Ok(found) if !request.is_about(&found) => {}
            Ok(found) => {
                let entry = found.entry.clone();
                let mut is_closed = found.stage == Stage::Closed;
                match request.recover_run(&journals, found, &mut is_closed) {
                    Ok(None) => {}
                    Ok(Some(recovered)) => recovery.finished.push(recovered),
                    Err(error) => recovery.unfinished.push(Unfinished {
                        entry: Some(entry),
                        is_closed,
                        state: request.state.clone(),
                        error,
                    }),
                }
            }
            // Nobody can tell whether its window should be closed.
            Err(_) if request.only_overdue => {}
            Err(error) => recovery.unfinished.push(Unfinished {
                entry: None,
                is_closed: false,
                state: request.state.clone(),
                error: error.into(),
            }),
        }
    }
    if !request.only_overdue && request.state.runs().exists() {
        journals.sweep_if_free()?;
    }
    Ok(recovery)
}

impl RecoveryRequest<'_> {
    fn is_about(&self, found: &FoundJournal) -> bool {
        match found.life {
            Life::Alive => false,
            Life::Dead => !self.only_overdue,
            Life::Overdue => true,
        }
    }

    fn recover_run(
        &self,
        journals: &Journals<'_>,
        found: FoundJournal,
        is_closed: &mut bool,
    ) -> Result<Option<Recovered>, SessionError> {
        let FoundJournal { entry, stage, life } = found;
        let lease = match journals.adopt(&entry.run, life)? {
            Adopted::Taken(lease) => Some(lease),
            Adopted::Kept => None,
            Adopted::Finished => return Ok(None),
        };
        let overdue = life == Life::Overdue && stage != Stage::Closed;
        let event = |outcome, was_open: bool| {
            let what = match overdue {
                true => Action::Overdue,
                false => Action::Recover,
            };
            Event::new(what, outcome)
                .of_run(&entry.run)
                .detail("keychain", &entry.keychain)
                .detail("by", self.by)
                .detail("until", entry.deadline.until)
                .detail("was-open", was_open)
                .detail("lease-kept", lease.is_none())
        };
        let mut was_open = false;
        if let Some(job) = journals.job(&entry.run) {
            job.begin_to_end(STRAGGLERS).finish();
        }
        if stage != Stage::Closed
            && let Err(error) = self.close(journals, &entry, &mut was_open)
        {
            let failed = event(Outcome::Failed, was_open).detail("error", &error);
            let _ = self.witness.record(&failed);
            return Err(error);
        }
        *is_closed = true;
        // Whoever has let go of the lease does nothing any more.
        if lease.is_none() {
            end_processes(&entry);
        }
        self.witness.record(&event(Outcome::Done, was_open))?;
        journals.forget(&entry.run)?;
        drop(lease);
        Ok(Some(Recovered {
            run: entry.run,
            keychain: entry.keychain,
            was_open,
            overdue,
        }))
    }

    /// Closes what a dead run left open, and notes whether it was open.
    fn close(
        &self,
        journals: &Journals<'_>,
        entry: &JournalEntry,
        was_open: &mut bool,
    ) -> Result<(), SessionError> {
        let JournalEntry { run, keychain, .. } = entry;
        // None of its tools may open the keychain after it was closed.
        let processes: Vec<&KnownProcess> = entry.processes().collect();
        end_orphans(&self.state.tools(), &processes, OF_TOOLS);
        let backend = self.backends.build(entry.backend, self.state)?;
        // Closing asks for nothing, not even whether it is open.
        *was_open = matches!(backend.status(keychain), Ok(LockState::Unlocked));
        let mut closer = Unprepared {
            backend: backend.as_ref(),
            keychain,
            run,
        };
        close(journals, &mut closer, keychain, run, &mut || ()).map(drop)
    }
}

/// Ends what is left of a run and its watchdog, if that is proven to be them. Whoever is about to end gets a moment: it may
/// be writing its receipt.
fn end_processes(entry: &JournalEntry) {
    let this = KnownProcess::this();
    let others: Vec<&KnownProcess> = entry
        .processes()
        .filter(|process| this.as_ref() != Some(process))
        .collect();
    let start = Instant::now();
    let is_there = |process: &&KnownProcess| process.presence() == Presence::There;
    while others.iter().any(is_there) && start.elapsed() < OF_PROCESSES {
        std::thread::sleep(Duration::from_millis(10));
    }
    for process in others {
        process.end();
    }
}

/// How long a run that should have closed may take to come to its end when somebody else has closed.
const OF_PROCESSES: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::base::clock::FixedClock;
    use crate::host::deadline::Deadline;
    use crate::host::keychain::BackendKind;
    use crate::host::session::error::io_error;

    fn entry() -> JournalEntry {
        let noon = FixedClock("2026-03-01T12:00:00Z".parse().unwrap());
        JournalEntry {
            run: RunId::new(noon.0).unwrap(),
            keychain: KeychainPath::new(Path::new("/k/a b.p12")).unwrap(),
            backend: BackendKind::Portable,
            deadline: Deadline::after(&noon, Duration::from_secs(600), None),
            session: None,
            watchdog: None,
        }
    }

    fn unfinished(entry: Option<JournalEntry>, is_closed: bool) -> Unfinished {
        Unfinished {
            entry,
            is_closed,
            state: StateDir::new("/s t").unwrap(),
            error: io_error("read the lease")(std::io::ErrorKind::Other.into()),
        }
    }

    /// Whoever reads it must know whether the keychain is open.
    #[test]
    fn what_is_unfinished_says_whether_the_keychain_is_open_and_what_to_do() {
        let one = entry();
        let run = one.run.clone();
        let open = unfinished(Some(one.clone()), false);
        let told = open.to_string();
        let begins = format!("run {run} was killed and left /k/a b.p12 open");
        assert!(told.starts_with(&begins), "{told}");
        assert_eq!(open.code(), ErrorCode::KeychainFailed);
        let hint = "lock the portable keychain '/k/a b.p12', then recover the killed runs of the state directory '/s t'";
        assert_eq!(open.hint().as_deref(), Some(hint));
        assert_eq!(open.remedy(), Some(Remedy::LockKeychain));

        let closed = unfinished(Some(one.clone()), true);
        let told = closed.to_string();
        let begins = "/k/a b.p12 is closed, but the closing is not recorded";
        assert!(told.starts_with(begins), "{told}");
        assert_eq!(closed.code(), ErrorCode::NotRecorded);
        let hint =
            "recover the killed runs of the state directory '/s t', which records the closing";
        assert_eq!(closed.hint().as_deref(), Some(hint));
        assert_eq!(closed.remedy(), Some(Remedy::RecoverKeychains));

        for known in [&open, &closed] {
            assert_eq!(known.keychain(), Some(&one.keychain));
            assert_eq!(known.place().file.as_deref(), Some("/k/a b.p12"));
            assert_eq!(known.source().unwrap().to_string(), known.error.to_string());
        }
        // Of a damaged journal nothing is known but what is wrong with it.
        let unknown = unfinished(None, false);
        assert_eq!(unknown.keychain(), None);
        assert_eq!(unknown.to_string(), unknown.error.to_string());
        assert_eq!(unknown.hint(), unknown.error.hint());
        assert_eq!(unknown.remedy(), unknown.error.remedy());
        assert_eq!(unknown.place(), unknown.error.place());
    }
}
