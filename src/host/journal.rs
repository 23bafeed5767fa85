//! Journals: what a run was about to do, so that another process can finish it.
//!
//! ```text
//! STATE/windows.lock      held for every opening and closing
//! STATE/runs/RUN.json     written through to the disk before a keychain is opened; never changed
//! STATE/runs/RUN.job      the process group of the command, once it runs
//! STATE/runs/RUN.closed   what RUN.json is renamed to when the keychain is closed and the record is not yet written
//! STATE/runs/RUN.lease    empty, and locked for as long as the run or its watchdog lives
//! ```
//!
//! *A free lease means a dead run.* The lock belongs to one open file description that the run shares with its watchdog,
//! so it ends with the later of the two however they end, and no number of a process is ever compared with another's.
//!
//! Only the journal itself is written through to the disk. Process groups mean nothing after the machine went down, and a
//! rename that is lost leads to closing what is closed already.

mod entry;
mod error;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

pub use self::entry::{FoundJournal, JournalEntry};
pub use self::error::JournalError;
use super::keychain::KeychainPath;
use super::owned_files::{self, FileStep, Lock, OwnedFileError, wait_for_lock};
use super::process::{ProcessGroup, end_orphans};
use super::run_id::RunId;
use super::state_dir::{RunFile, StateDir};

/// The journals of one state directory.
#[derive(Debug, Clone)]
pub struct Journals {
    state: StateDir,
}

impl Journals {
    /// Those below `state`.
    pub fn new(state: &StateDir) -> Self {
        Self {
            state: state.clone(),
        }
    }

    /// Waits for the right to open or close keychains; it ends with the value.
    ///
    /// # Errors
    /// The state directory cannot be written, or somebody else has had the lock for all that time.
    pub fn lock(&self) -> Result<Lock, JournalError> {
        self.lock_unless(&mut || false)?.ok_or_else(|| {
            JournalError::File(OwnedFileError::Locked {
                path: self.state.windows_lock(),
                seconds: PATIENCE.as_secs(),
            })
        })
    }

    /// The same, but gives up as soon as `stop` says so: `None`. A tool that keeps us waiting although the process that
    /// started it is dead is ended.
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    pub fn lock_unless(
        &self,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Lock>, JournalError> {
        owned_files::make_directory(self.state.path())?;
        let start = Instant::now();
        loop {
            match Lock::acquire_unless(&self.state.windows_lock(), SOON, stop) {
                Err(OwnedFileError::Locked { .. }) if start.elapsed() < PATIENCE => {
                    end_orphans(&self.state.tools(), SOON);
                }
                locked => return Ok(locked?),
            }
        }
    }

    /// Writes a journal through to the disk and returns the lease of its run. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// It cannot be written: then nothing may be opened.
    pub fn begin(&self, _lock: &Lock, entry: &JournalEntry) -> Result<File, JournalError> {
        owned_files::make_directory(&self.state.runs())?;
        let path = self.state.run_file(&entry.run, RunFile::Lease);
        let lease = owned_files::open_lock_file(&path)?;
        wait_for_lock(&path, MOMENT, || lease.try_lock())?;
        let journal = self.state.run_file(&entry.run, RunFile::Journal);
        let written =
            to_json(&journal, entry).and_then(|bytes| Ok(owned_files::replace(&journal, &bytes)?));
        if written.is_err() {
            let _ = owned_files::remove(&path);
        }
        written.map(|()| lease)
    }

    /// Remembers the process group of the command.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember_job(&self, run: &RunId, job: &ProcessGroup) -> Result<(), JournalError> {
        let path = self.state.run_file(run, RunFile::Job);
        Ok(owned_files::create_unsynced(&path, &to_json(&path, job)?)?)
    }

    /// The process group of the command, if it was written whole.
    pub fn job(&self, run: &RunId) -> Option<ProcessGroup> {
        let path = self.state.run_file(run, RunFile::Job);
        let bytes = owned_files::read(&path, MAX_JOURNAL).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Says that the keychain is closed as far as this run goes. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn mark_closed(&self, run: &RunId) -> Result<(), JournalError> {
        let path = self.state.run_file(run, RunFile::Journal);
        match fs::rename(&path, self.state.run_file(run, RunFile::Closed)) {
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

    /// The journals of the runs that live and have `keychain` open; certain only under the [lock](Self::lock).
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn holders(&self, keychain: &KeychainPath) -> Result<Vec<JournalEntry>, JournalError> {
        let mut runs = self.runs_with(RunFile::Journal)?;
        runs.retain(|run| self.is_alive(run));
        // A journal that nobody can read is no reason to leave a keychain open.
        Ok(runs
            .iter()
            .filter_map(|run| self.read(run, RunFile::Journal).ok())
            .filter(|entry| entry.keychain == *keychain)
            .collect())
    }

    /// The same without `run`. To be called under the [lock](Self::lock).
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

    /// Every journal, in the order of their runs' beginnings. Those of runs that live are not looked into further.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn all(&self) -> Result<Vec<Result<FoundJournal, JournalError>>, JournalError> {
        let mut found = Vec::new();
        for (file, is_closed) in [(RunFile::Journal, false), (RunFile::Closed, true)] {
            for run in self.runs_with(file)? {
                let is_alive = self.is_alive(&run);
                match self.read(&run, file) {
                    Ok(entry) => found.push(Ok(FoundJournal {
                        entry,
                        is_closed,
                        is_alive,
                    })),
                    // It was finished in this moment, or its run will see to it.
                    Err(_) if is_alive => {}
                    Err(JournalError::File(error)) if error.is_not_found() => {}
                    Err(error) => found.push(Err(error)),
                }
            }
        }
        Ok(found)
    }

    /// Takes over the lease of a dead run whose journal is still there; `None` if the run has been finished, or somebody
    /// finishes it now. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// The lease cannot be opened, or others keep asking whether the run lives.
    pub fn adopt(&self, _lock: &Lock, run: &RunId) -> Result<Option<File>, JournalError> {
        self.adopt_within(run, SOON)
    }

    fn adopt_within(&self, run: &RunId, patience: Duration) -> Result<Option<File>, JournalError> {
        if !self.has_journal(run) {
            return Ok(None);
        }
        let path = self.state.run_file(run, RunFile::Lease);
        let lease = owned_files::open_lock_file(&path)?;
        let mut is_taken = false;
        // Whoever only asks whether the run lives shares the lease for a moment, which may be a long one on a busy machine.
        // Only a lease that cannot even be shared has an owner.
        wait_for_lock(&path, patience, || match lease.try_lock() {
            Err(TryLockError::WouldBlock) if self.is_alive(run) => {
                is_taken = true;
                Ok(())
            }
            tried => tried,
        })?;
        Ok((!is_taken).then_some(lease))
    }

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
    /// directories are made under the [lock](Self::lock) only, so whoever holds it may remove them.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn sweep(&self, _lock: &Lock) -> Result<(), JournalError> {
        end_orphans(&self.state.tools(), SOON);
        for file in [RunFile::Lease, RunFile::Job] {
            for run in self.runs_with(file)? {
                if !self.has_journal(&run) && !self.is_alive(&run) {
                    owned_files::remove(&self.state.run_file(&run, file))?;
                }
            }
        }
        for entry in list(&self.state.open_runs())? {
            // What a portable keychain shows a run, when even the list of it is gone.
            let name = entry.file_name();
            let run: Option<RunId> = name.to_str().and_then(|name| name.parse().ok());
            if run.is_some_and(|run| !self.has_journal(&run)) {
                owned_files::remove_directory(&entry.path())?;
            }
        }
        for directory in self.state.with_temporaries() {
            for entry in list(&directory)? {
                if !StateDir::is_temporary(&entry.file_name()) {
                    continue;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => owned_files::remove_directory(&entry.path())?,
                    _ => owned_files::remove(&entry.path())?,
                }
            }
        }
        Ok(())
    }

    fn has_journal(&self, run: &RunId) -> bool {
        [RunFile::Journal, RunFile::Closed]
            .iter()
            .any(|file| self.state.run_file(run, *file).exists())
    }

    fn is_alive(&self, run: &RunId) -> bool {
        File::open(self.state.run_file(run, RunFile::Lease))
            .is_ok_and(|lease| matches!(lease.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn read(&self, run: &RunId, file: RunFile) -> Result<JournalEntry, JournalError> {
        let path = self.state.run_file(run, file);
        let bytes = owned_files::read(&path, MAX_JOURNAL)?;
        serde_json::from_slice(&bytes).map_err(damaged(&path))
    }

    /// The runs that have such a file, in the order of their beginnings.
    fn runs_with(&self, file: RunFile) -> Result<Vec<RunId>, JournalError> {
        let mut runs: Vec<RunId> = list(&self.state.runs())?
            .iter()
            .filter_map(|entry| StateDir::run_of(&entry.file_name(), file))
            .collect();
        runs.sort();
        Ok(runs)
    }
}

fn to_json(path: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(damaged(path))
}

fn damaged(path: &Path) -> impl FnOnce(serde_json::Error) -> JournalError {
    move |error| JournalError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

fn list(directory: &Path) -> Result<Vec<fs::DirEntry>, JournalError> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match entries {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries.map_err(OwnedFileError::of(FileStep::List, directory))?),
    }
}

/// How long a tool of a dead run may take to come to its end by itself.
const SOON: Duration = Duration::from_secs(5);
/// How long somebody holds a lease who only asks whether its run lives.
const MOMENT: Duration = Duration::from_millis(100);
/// Opening or closing takes a second on an old Mac, and sixteen runs may wait for one another.
const PATIENCE: Duration = Duration::from_secs(120);
/// A journal is some hundred bytes, paths included.
const MAX_JOURNAL: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::error::Explain as _;
    use crate::base::remedy::Remedy;
    use crate::host::keychain::BackendKind;
    use crate::host::run_id::RunId;

    fn journals(directory: &tempfile::TempDir) -> Journals {
        Journals::new(&StateDir::new(directory.path().join("state")).unwrap())
    }

    fn entry() -> JournalEntry {
        let now: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        JournalEntry {
            run: RunId::new(now).unwrap(),
            keychain: KeychainPath::new(Path::new("/k/ci.p12")).unwrap(),
            backend: BackendKind::Portable,
            until: now,
        }
    }

    #[test]
    fn a_run_lives_as_long_as_its_lease_and_only_others_share() {
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory);
        let lock = journals.lock().unwrap();
        let (one, two) = (entry(), entry());
        let lease = journals.begin(&lock, &one).unwrap();
        let second = journals.begin(&lock, &two).unwrap();
        let watchdogs = lease.try_clone().unwrap();
        let others = |run: &RunId| journals.others(&one.keychain, run).unwrap();
        assert_eq!(others(&one.run), std::slice::from_ref(&two));
        drop(second);
        assert!(others(&one.run).is_empty());
        drop(lease);
        let alive = |run: &RunId| {
            let all = journals.all().unwrap();
            let found = all.into_iter().map(Result::unwrap);
            found
                .filter(|found| found.entry.run == *run)
                .any(|found| found.is_alive)
        };
        assert!(alive(&one.run), "the watchdog still holds it");
        drop(watchdogs);
        assert!(!alive(&one.run));
        journals.forget(&one.run).unwrap();
        journals.forget(&two.run).unwrap();
        assert!(journals.all().unwrap().is_empty());
    }

    #[test]
    fn only_an_owner_of_its_lease_keeps_a_dead_run_from_being_finished() {
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory);
        let lock = journals.lock().unwrap();
        let one = entry();
        let lease = journals.begin(&lock, &one).unwrap();
        assert!(journals.adopt(&lock, &one.run).unwrap().is_none());
        drop(lease);
        // Somebody asks whether the run lives, and takes his time.
        let asker = File::open(journals.state.run_file(&one.run, RunFile::Lease)).unwrap();
        asker.lock_shared().unwrap();
        let kept_waiting = journals.adopt_within(&one.run, Duration::ZERO);
        assert!(matches!(
            kept_waiting,
            Err(JournalError::File(OwnedFileError::Locked { .. }))
        ));
        drop(asker);
        assert!(journals.adopt(&lock, &one.run).unwrap().is_some());
        journals.forget(&one.run).unwrap();
        assert!(journals.adopt(&lock, &one.run).unwrap().is_none());
    }

    #[test]
    fn a_closed_run_keeps_nobody_elses_keychain_open() {
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory);
        let lock = journals.lock().unwrap();
        let (one, two) = (entry(), entry());
        let _lease = journals.begin(&lock, &one).unwrap();
        journals.mark_closed(&one.run).unwrap();
        journals.mark_closed(&one.run).unwrap();
        assert!(journals.others(&one.keychain, &two.run).unwrap().is_empty());
        assert!(journals.all().unwrap()[0].as_ref().unwrap().is_closed);
    }

    #[test]
    fn a_damaged_journal_of_a_dead_run_is_reported_and_left_as_evidence() {
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory);
        let lock = journals.lock().unwrap();
        let one = entry();
        drop(journals.begin(&lock, &one).unwrap());
        owned_files::replace(&journals.state.run_file(&one.run, RunFile::Journal), b"{").unwrap();
        let all = journals.all().unwrap();
        let error = all[0].as_ref().unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::LockKeychain));
        journals.sweep(&lock).unwrap();
        assert!(journals.state.run_file(&one.run, RunFile::Journal).exists());
    }

    #[test]
    fn files_without_a_journal_are_swept() {
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory);
        let lock = journals.lock().unwrap();
        let one = entry();
        drop(journals.begin(&lock, &one).unwrap());
        owned_files::remove(&journals.state.run_file(&one.run, RunFile::Journal)).unwrap();
        fs::write(journals.state.runs().join(".countersign-x"), b"half").unwrap();
        let half_imported = journals.state.temporary("y");
        owned_files::make_directory(&half_imported).unwrap();
        fs::write(half_imported.join("identities.p12"), b"half").unwrap();
        journals.sweep(&lock).unwrap();
        assert_eq!(fs::read_dir(journals.state.runs()).unwrap().count(), 0);
        assert!(!half_imported.exists());
    }
}
