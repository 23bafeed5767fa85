//! Journals: what a run was about to do, so that another process can finish it.
//!
//! ```text
//! STATE/windows.lock      held for every opening
//! STATE/runs/RUN.json     written through to the disk before a keychain is opened; never changed
//! STATE/runs/RUN.closing  what RUN.json is renamed to before the keychain is closed
//! STATE/runs/RUN.closed   what that is renamed to when the keychain is closed and the record is not yet written
//! STATE/runs/RUN.job      the process group of the command, once it runs
//! STATE/runs/RUN.lease    empty, and locked for as long as the run or its watchdog lives
//! ```
//!
//! *A free lease means a dead run.* The lock belongs to one open file description that the run shares with its watchdog,
//! so it ends with the later of the two however they end. A lease that is held means nothing by itself, because whoever
//! can open the file can lock it: the run is dead too if both of its processes are gone, by their numbers and starts, or if
//! its window has been over for so long that they should have closed.
//!
//! *Closing takes no lock*, so nobody can keep a keychain open by holding one. Whoever closes renames the journal first,
//! and then looks for other runs that have the keychain open: of two that close at the same time, none leaves the keychain
//! to the other. Whoever opens writes the journal first, and then waits for those that are closing: it is either seen by
//! them or comes after them.
//!
//! Only the journal itself is written through to the disk. Process groups mean nothing after the machine went down, and a
//! rename that is lost leads to closing what is closed already.

mod adoption;
mod entry;
mod error;
mod sweep;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

pub use self::adoption::Adopted;
use self::entry::JobRecord;
pub use self::entry::{FoundJournal, JournalEntry, Life, Stage};
pub use self::error::JournalError;
use super::keychain::KeychainPath;
use super::owned_files::{self, FileStep, Lock, OwnedFileError, wait_for_lock};
use super::process::{ProcessGroup, end_orphans};
use super::run_id::RunId;
use super::state_dir::{RunFile, StateDir};
use crate::base::clock::Clock;

/// The journals of one state directory.
#[derive(Clone)]
pub struct Journals<'a> {
    state: StateDir,
    clock: &'a dyn Clock,
}

impl<'a> Journals<'a> {
    /// Those below `state`, as they are when `clock` says what time it is.
    pub fn new(state: &StateDir, clock: &'a dyn Clock) -> Self {
        Self {
            state: state.clone(),
            clock,
        }
    }

    /// Waits for the right to open keychains; it ends with the value. Gives up as soon as `stop` says so: `None`. A tool
    /// that keeps us waiting although the process that started it is dead is ended.
    ///
    /// # Errors
    /// The state directory cannot be written, or somebody else has had the lock for all that time.
    pub fn lock_unless(
        &self,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Lock>, JournalError> {
        self.state.make()?;
        let start = Instant::now();
        loop {
            match Lock::acquire_unless(&self.state.windows_lock(), SOON, stop) {
                Err(OwnedFileError::Locked { .. }) if start.elapsed() < PATIENCE => {
                    end_orphans(&self.state.tools(), &[], Duration::ZERO);
                }
                locked => return Ok(locked?),
            }
        }
    }

    /// Makes the lease of a run. To be called under the [lock](Self::lock_unless).
    ///
    /// # Errors
    /// It cannot be made: then nothing may be opened.
    pub fn lease(&self, _lock: &Lock, run: &RunId) -> Result<File, JournalError> {
        owned_files::make_directory(&self.state.runs())?;
        let path = self.state.run_file(run, RunFile::Lease);
        let lease = owned_files::open_lock_file(&path)?;
        wait_for_lock(&path, MOMENT, || lease.try_lock())?;
        Ok(lease)
    }

    /// Writes a journal through to the disk, then waits until nobody closes its keychain any more: a closing that began
    /// before must not hit what is opened after. To be called under the [lock](Self::lock_unless), with the lease.
    ///
    /// # Errors
    /// It cannot be written: then nothing may be opened.
    pub fn begin(&self, _lock: &Lock, entry: &JournalEntry) -> Result<(), JournalError> {
        let journal = self.state.run_file(&entry.run, RunFile::Journal);
        let bytes = to_json(&journal, entry)?;
        owned_files::replace(&journal, &bytes)?;
        // What a dead run's tools still do, they do not do to this one.
        end_orphans(&self.state.tools(), &[], Duration::ZERO);
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        while self.has_closings(entry)? && start.elapsed() < SOON {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        Ok(())
    }

    fn has_closings(&self, entry: &JournalEntry) -> Result<bool, JournalError> {
        Ok(self.all()?.into_iter().flatten().any(|found| {
            found.stage == Stage::Closing
                && found.life == Life::Alive
                && found.entry.keychain == entry.keychain
        }))
    }

    /// Remembers the process group of the command.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember_job(&self, run: &RunId, job: &ProcessGroup) -> Result<(), JournalError> {
        let path = self.state.run_file(run, RunFile::Job);
        let record = JobRecord {
            run: run.clone(),
            job: job.clone(),
        };
        let bytes = to_json(&path, &record)?;
        Ok(owned_files::create_unsynced(&path, &bytes)?)
    }

    /// The process group of the command, if it was written whole.
    pub fn job(&self, run: &RunId) -> Option<ProcessGroup> {
        let path = self.state.run_file(run, RunFile::Job);
        let bytes = owned_files::read(&path, MAX_JOURNAL).ok()?;
        let record: JobRecord = serde_json::from_slice(&bytes).ok()?;
        (record.run == *run).then_some(record.job)
    }

    /// Says that the keychain is being closed: from here on nobody leaves it to this run.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn mark_closing(&self, run: &RunId) -> Result<(), JournalError> {
        self.rename(run, RunFile::Journal, RunFile::Closing)
    }

    /// Says that the keychain is closed as far as this run goes.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn mark_closed(&self, run: &RunId) -> Result<(), JournalError> {
        self.rename(run, RunFile::Closing, RunFile::Closed)
    }

    fn rename(&self, run: &RunId, from: RunFile, to: RunFile) -> Result<(), JournalError> {
        let path = self.state.run_file(run, from);
        match fs::rename(&path, self.state.run_file(run, to)) {
            // It was renamed before, or somebody else has finished the run.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => Ok(renamed.map_err(OwnedFileError::of(FileStep::Rename, &path))?),
        }
    }

    /// Forgets a run that is finished and recorded.
    ///
    /// # Errors
    /// Something of it cannot be removed.
    pub fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        for file in RunFile::ALL {
            owned_files::remove(&self.state.run_file(run, file))?;
        }
        Ok(())
    }

    /// The journals of the runs that live and have `keychain` open.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn holders(&self, keychain: &KeychainPath) -> Result<Vec<JournalEntry>, JournalError> {
        // A journal that nobody can read is no reason to leave a keychain open.
        let found = self.all()?.into_iter().flatten();
        Ok(found
            .filter(|found| found.stage == Stage::Open && found.life == Life::Alive)
            .map(|found| found.entry)
            .filter(|entry| entry.keychain == *keychain)
            .collect())
    }

    /// The same without `run`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn others(
        &self,
        keychain: &KeychainPath,
        run: &RunId,
    ) -> Result<Vec<JournalEntry>, JournalError> {
        let mut holders = self.holders(keychain)?;
        holders.retain(|holder| holder.run != *run);
        Ok(holders)
    }

    /// Every journal, in the order of their runs' beginnings; those that cannot be used are errors. The directory is listed
    /// once, and only the files in it are looked into.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn all(&self) -> Result<Vec<Result<FoundJournal, JournalError>>, JournalError> {
        let names = list(&self.state.runs())?;
        let mut found = Vec::new();
        for (file, stage) in STAGES {
            let runs = names
                .iter()
                .filter_map(|entry| StateDir::run_of(&entry.file_name(), file));
            for run in runs {
                match self.read(&run, file) {
                    Ok(entry) => {
                        let life = entry.life(self.is_leased(&run), self.clock);
                        found.push((run, Ok(FoundJournal { entry, stage, life })));
                    }
                    // It went on in this moment.
                    Err(JournalError::File(error)) if error.is_not_found() => {}
                    Err(error) => found.push((run, Err(error))),
                }
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// Whether a window should have been closed long ago.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn has_overdue(&self) -> Result<bool, JournalError> {
        let mut found = self.all()?.into_iter().flatten();
        Ok(found.any(|found| found.life == Life::Overdue))
    }

    fn has_journal(&self, run: &RunId) -> bool {
        let mut files = STAGES.iter();
        files.any(|(file, _)| self.state.run_file(run, *file).symlink_metadata().is_ok())
    }

    /// Whether somebody holds the lease of the run; one that is not this user's alone is nobody's.
    fn is_leased(&self, run: &RunId) -> bool {
        owned_files::open(&self.state.run_file(run, RunFile::Lease))
            .is_ok_and(|lease| matches!(lease.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn read(&self, run: &RunId, file: RunFile) -> Result<JournalEntry, JournalError> {
        let path = self.state.run_file(run, file);
        let bytes = match owned_files::read(&path, MAX_JOURNAL) {
            Err(error) if error.is_not_found() => return Err(error.into()),
            read => read.map_err(damaged(&path))?,
        };
        let entry: JournalEntry = serde_json::from_slice(&bytes).map_err(damaged(&path))?;
        match entry.run == *run {
            true => Ok(entry),
            false => Err(damaged(&path)(format!("it is about run {}", entry.run))),
        }
    }
}

/// The files that a journal is called by, and what each says.
const STAGES: [(RunFile, Stage); 3] = [
    (RunFile::Journal, Stage::Open),
    (RunFile::Closing, Stage::Closing),
    (RunFile::Closed, Stage::Closed),
];

fn to_json(path: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(damaged(path))
}

fn damaged<E: ToString>(path: &Path) -> impl FnOnce(E) -> JournalError {
    move |error| JournalError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

fn list(directory: &Path) -> Result<Vec<fs::DirEntry>, JournalError> {
    match owned_files::list(directory) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        entries => Ok(entries?),
    }
}

/// How long a tool of a dead run may take to come to its end by itself, and a run to close what another wants to open.
const SOON: Duration = Duration::from_secs(5);
/// How long somebody holds a lease who only asks whether its run lives.
const MOMENT: Duration = Duration::from_millis(100);
/// Opening takes a second on an old Mac, and sixteen runs may wait for one another.
const PATIENCE: Duration = Duration::from_secs(120);
/// A journal is some hundred bytes, paths included.
const MAX_JOURNAL: usize = 64 << 10;
