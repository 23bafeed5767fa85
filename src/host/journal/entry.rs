//! What a journal says.

use serde::{Deserialize, Serialize};

use crate::base::clock::Clock;
use crate::host::deadline::Deadline;
use crate::host::keychain::{BackendKind, KeychainPath};
use crate::host::process::{KnownProcess, Presence, ProcessGroup};
use crate::host::run_id::RunId;

/// What a run is about to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The run.
    pub run: RunId,
    /// The keychain that it opens.
    pub keychain: KeychainPath,
    /// Of which kind it is.
    pub backend: BackendKind,
    /// When the window ends.
    pub deadline: Deadline,
    /// The process of the run; unknown if the system did not say when it started.
    pub session: Option<KnownProcess>,
    /// Its watchdog, likewise.
    pub watchdog: Option<KnownProcess>,
}

impl JournalEntry {
    /// The processes of the run, as far as they are known.
    pub fn processes(&self) -> impl Iterator<Item = &KnownProcess> {
        [&self.session, &self.watchdog].into_iter().flatten()
    }

    /// What is known of the run, if its lease is held or not.
    pub(super) fn life(&self, is_leased: bool, clock: &dyn Clock) -> Life {
        let is_known = self.session.is_some() && self.watchdog.is_some();
        let is_gone = |process: &KnownProcess| process.presence() == Presence::Gone;
        if self.deadline.is_overdue(clock) {
            Life::Overdue
        } else if !is_leased || is_known && self.processes().all(is_gone) {
            Life::Dead
        } else {
            Life::Alive
        }
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The keychain may be open, and it is this run that closes it.
    Open,
    /// The keychain may be open, and is being closed: nobody else may leave it to this run any more.
    Closing,
    /// The keychain is closed as far as this run goes; only the record is missing.
    Closed,
}

/// Whether a run can still close its keychain itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The run or its watchdog lives.
    Alive,
    /// Both are gone, whoever holds the lease.
    Dead,
    /// Its window has been over for so long that run and watchdog should have closed: whatever they do, they are dead.
    Overdue,
}

/// A journal that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundJournal {
    /// What it says.
    pub entry: JournalEntry,
    /// How far the run has come.
    pub stage: Stage,
    /// Whether the run can close.
    pub life: Life,
}

/// The process group of a run's command, with the run, so that none is taken for that of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobRecord {
    /// The run.
    pub(super) run: RunId,
    /// The group.
    pub(super) job: ProcessGroup,
}
