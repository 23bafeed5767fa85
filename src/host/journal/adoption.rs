//! Taking over the lease of a run that cannot finish itself.

use std::fs::{File, TryLockError};
use std::time::Duration;

use super::{JournalError, Journals, Life, MOMENT};
use crate::host::owned_files::{self, OwnedFileError, wait_for_lock};
use crate::host::run_id::RunId;
use crate::host::state_dir::RunFile;

/// Who finishes a run.
#[derive(Debug)]
pub enum Adopted {
    /// Whoever asked; the lease is theirs.
    Taken(File),
    /// Whoever asked, although somebody keeps the lease.
    Kept,
    /// Nobody: it is finished.
    Finished,
}

impl Journals<'_> {
    /// Takes over the lease of a run that cannot close its keychain itself.
    ///
    /// # Errors
    /// The lease cannot be made.
    pub fn adopt(&self, run: &RunId, life: Life) -> Result<Adopted, JournalError> {
        let patience = match life {
            Life::Overdue => MOMENT,
            // Somebody who finishes the run now holds the lease too.
            Life::Dead | Life::Alive => OF_FINISHING,
        };
        self.adopt_within(run, patience)
    }

    pub(super) fn adopt_within(
        &self,
        run: &RunId,
        patience: Duration,
    ) -> Result<Adopted, JournalError> {
        let path = self.state.run_file(run, RunFile::Lease);
        if !self.has_journal(run) {
            return Ok(Adopted::Finished);
        }
        let lease = match owned_files::open_lock_file(&path) {
            // No run of ours made such a lease.
            Err(OwnedFileError::NotOurs { .. }) => {
                owned_files::remove(&path)?;
                owned_files::open_lock_file(&path)?
            }
            opened => opened?,
        };
        let mut is_finished = false;
        let taken = wait_for_lock(&path, patience, || match lease.try_lock() {
            Err(TryLockError::WouldBlock) if !self.has_journal(run) => {
                is_finished = true;
                Ok(())
            }
            tried => tried,
        });
        match taken {
            Err(OwnedFileError::Locked { .. }) => Ok(Adopted::Kept),
            Err(error) => Err(error.into()),
            Ok(()) if is_finished => Ok(Adopted::Finished),
            Ok(()) if !self.has_journal(run) => {
                // Opening it may have made it again.
                owned_files::remove(&path)?;
                Ok(Adopted::Finished)
            }
            Ok(()) => Ok(Adopted::Taken(lease)),
        }
    }
}

/// How long somebody may take to finish a dead run before others do it too.
const OF_FINISHING: Duration = Duration::from_secs(3);
