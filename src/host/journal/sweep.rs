//! Removing what no run needs any more.

use std::time::Duration;

use super::{JournalError, Journals, SOON, list};
use crate::host::owned_files::{self, Lock, OwnedDirectory};
use crate::host::process::end_orphans;
use crate::host::run_id::RunId;
use crate::host::state_dir::{RunFile, StateDir};

impl Journals<'_> {
    /// Does what [`sweep`](Self::sweep) does if nobody holds the lock now; whoever holds it sweeps, or the next one does.
    ///
    /// # Errors
    /// As there.
    pub fn sweep_if_free(&self) -> Result<(), JournalError> {
        match Lock::acquire(&self.state.windows_lock(), Duration::ZERO) {
            Ok(lock) => self.sweep(&lock),
            Err(_) => Ok(()),
        }
    }

    /// Removes leases that no journal goes with, and what lived for a moment when its writer died: such files and
    /// directories are made under the [lock](Self::lock_unless) only, so whoever holds it may remove them.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn sweep(&self, _lock: &Lock) -> Result<(), JournalError> {
        end_orphans(&self.state.tools(), &[], SOON);
        let names = list(&self.state.runs())?;
        for file in [RunFile::Lease, RunFile::Job] {
            let runs = names
                .iter()
                .filter_map(|entry| StateDir::run_of(&entry.file_name(), file));
            for run in runs {
                if !self.has_journal(&run) && !self.is_leased(&run) {
                    owned_files::remove(&self.state.run_file(&run, file))?;
                }
            }
        }
        for keychain in list(&self.state.open_runs())? {
            // What a portable keychain showed a run whose journal is gone.
            let Ok(mut shown) = OwnedDirectory::open(&keychain.path()) else {
                continue; // nobody is shown anything there
            };
            for name in shown.names()? {
                let run: Option<RunId> = name.to_str().ok().and_then(|name| name.parse().ok());
                if run.is_some_and(|run| !self.has_journal(&run) && !self.is_leased(&run)) {
                    shown.remove(&name)?;
                }
            }
        }
        for directory in self.state.with_temporaries() {
            for entry in list(&directory)? {
                if !StateDir::is_temporary(&entry.file_name()) {
                    continue;
                }
                owned_files::remove_directory(&entry.path())?;
            }
        }
        Ok(())
    }
}
