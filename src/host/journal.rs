//! Journals: what a run was about to do, so that somebody else can finish it.
//!
//! ```text
//! STATE/windows.lock      taken for every opening and closing
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

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keychain::{BackendChoice, KeychainPath};
use super::owned_files::{self, Lock, OwnedFileError};
use super::process::{ProcessGroup, end_orphans};
use super::run_id::RunId;

/// What a run is about to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The run.
    pub run: RunId,
    /// The keychain that it opens.
    pub keychain: KeychainPath,
    /// By which backend.
    pub backend: BackendChoice,
    /// When the window ends.
    pub until: Timestamp,
}

/// A journal that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundJournal {
    /// What it says.
    pub entry: JournalEntry,
    /// The keychain has been closed; only the record is missing.
    pub is_closed: bool,
    /// The run or its watchdog lives.
    pub is_alive: bool,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or directory.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// Not what was written.
    #[error(
        "the journal {path} of a dead run is damaged ({why}): close the keychain with `countersign keychain lock`, then remove the file", path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The journals of one state directory.
#[derive(Debug, Clone)]
pub struct Journals {
    state: PathBuf,
    runs: PathBuf,
}

impl Journals {
    /// Those below `state`.
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            runs: state.join("runs"),
        }
    }

    /// Waits for the right to open or close keychains; it ends with the value.
    ///
    /// # Errors
    /// The state directory cannot be written, or somebody else has had the lock for all that time.
    pub fn lock(&self) -> Result<Lock, JournalError> {
        self.lock_unless(&mut || false)?.ok_or_else(|| {
            JournalError::File(OwnedFileError::Locked {
                path: self.lock_path(),
                seconds: PATIENCE.as_secs(),
            })
        })
    }

    /// The same, but gives up as soon as `stop` says so: `None`. A tool that keeps us waiting although who started it is
    /// dead is ended.
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    pub fn lock_unless(
        &self,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Lock>, JournalError> {
        owned_files::make_directory(&self.state)?;
        let path = self.lock_path();
        let start = Instant::now();
        loop {
            match Lock::acquire_unless(&path, SOON, stop) {
                Err(OwnedFileError::Locked { .. }) if start.elapsed() < PATIENCE => {
                    end_orphans(&self.state.join(owned_files::TOOLS), SOON);
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
        owned_files::make_directory(&self.runs)?;
        let path = self.path(&entry.run, "lease");
        let lease = owned_files::open_lock_file(&path)?;
        lease.try_lock().map_err(|error| OwnedFileError::Io {
            doing: "lock",
            path: path.clone(),
            source: match error {
                TryLockError::Error(source) => source,
                TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            },
        })?;
        let journal = self.path(&entry.run, "json");
        let written = serde_json::to_vec(entry)
            .map_err(|error| JournalError::Damaged {
                path: journal.clone(),
                why: error.to_string(),
            })
            .and_then(|bytes| Ok(owned_files::replace(&journal, &bytes)?));
        if written.is_err() {
            let _ = owned_files::remove(&path);
        }
        written.map(|()| lease)
    }

    /// Notes the process group of the command.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note_job(&self, run: &RunId, job: &ProcessGroup) -> Result<(), JournalError> {
        let path = self.path(run, "job");
        let text = serde_json::to_vec(job).map_err(|error| JournalError::Damaged {
            path: path.clone(),
            why: error.to_string(),
        })?;
        fs::write(&path, text).map_err(|source| OwnedFileError::Io {
            doing: "write",
            path,
            source,
        })?;
        Ok(())
    }

    /// The process group of the command, if it was noted whole.
    pub fn job(&self, run: &RunId) -> Option<ProcessGroup> {
        let bytes = fs::read(self.path(run, "job")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Says that the keychain is closed as far as this run goes. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn closed(&self, run: &RunId) -> Result<(), JournalError> {
        let path = self.path(run, "json");
        match fs::rename(&path, self.path(run, "closed")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => Ok(renamed.map_err(|source| OwnedFileError::Io {
                doing: "rename",
                path,
                source,
            })?),
        }
    }

    /// Forgets a run that is finished and recorded.
    ///
    /// # Errors
    /// Something of it cannot be removed.
    pub fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        for suffix in ["job", "json", "closed", "lease"] {
            owned_files::remove(&self.path(run, suffix))?;
        }
        Ok(())
    }

    /// The journals of the runs that live and have `keychain` open; certain only under the [lock](Self::lock).
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn holders(&self, keychain: &KeychainPath) -> Result<Vec<JournalEntry>, JournalError> {
        let mut runs = self.names("json")?;
        runs.retain(|run| self.is_alive(run));
        // A journal that nobody can read is nobody's reason to leave a keychain open.
        Ok(runs
            .iter()
            .filter_map(|run| self.read(run, "json").ok())
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
        for (suffix, is_closed) in [("json", false), ("closed", true)] {
            for run in self.names(suffix)? {
                let is_alive = self.is_alive(&run);
                match self.read(&run, suffix) {
                    Ok(entry) => found.push(Ok(FoundJournal {
                        entry,
                        is_closed,
                        is_alive,
                    })),
                    // It was finished in this moment, or is none of ours to judge.
                    Err(_) if is_alive => {}
                    Err(JournalError::File(error)) if error.is_not_found() => {}
                    Err(error) => found.push(Err(error)),
                }
            }
        }
        Ok(found)
    }

    /// Takes over the lease of a dead run whose journal is still there; `None` if somebody else has. To be called under
    /// the [lock](Self::lock).
    pub fn adopt(&self, _lock: &Lock, run: &RunId) -> Option<File> {
        if !self.has_journal(run) {
            return None;
        }
        let lease = owned_files::open_lock_file(&self.path(run, "lease")).ok()?;
        // Somebody who only asks whether the run lives holds it for a moment.
        for _ in 0..100 {
            match lease.try_lock() {
                Ok(()) => return Some(lease),
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
        None
    }

    /// Does what [`sweep`](Self::sweep) does if nobody holds the lock now; whoever holds it sweeps, or the next one does.
    ///
    /// # Errors
    /// As there.
    pub fn sweep_if_free(&self) -> Result<(), JournalError> {
        match Lock::acquire(&self.lock_path(), Duration::ZERO) {
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
        end_orphans(&self.state.join(owned_files::TOOLS), SOON);
        for suffix in ["lease", "job"] {
            for run in self.names(suffix)? {
                if !self.has_journal(&run) && !self.is_alive(&run) {
                    owned_files::remove(&self.path(&run, suffix))?;
                }
            }
        }
        let open = self.state.join("open");
        for entry in list(&open)? {
            // What a portable keychain shows a run, when even the list of it is gone.
            let name = entry.file_name();
            let run: Option<RunId> = name.to_str().and_then(|name| name.parse().ok());
            if run.is_some_and(|run| !self.has_journal(&run)) {
                owned_files::remove_directory(&entry.path())?;
            }
        }
        for directory in [&self.runs, &self.state, &self.state.join("passwords")] {
            for entry in list(directory)? {
                let name = entry.file_name();
                if !name.to_string_lossy().starts_with(owned_files::TEMPORARY) {
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
        ["json", "closed"]
            .iter()
            .any(|suffix| self.path(run, suffix).exists())
    }

    fn is_alive(&self, run: &RunId) -> bool {
        File::open(self.path(run, "lease"))
            .is_ok_and(|lease| matches!(lease.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn read(&self, run: &RunId, suffix: &str) -> Result<JournalEntry, JournalError> {
        let path = self.path(run, suffix);
        serde_json::from_slice(&owned_files::read(&path, MAX_JOURNAL)?).map_err(|error| {
            JournalError::Damaged {
                path,
                why: error.to_string(),
            }
        })
    }

    fn names(&self, suffix: &str) -> Result<Vec<RunId>, JournalError> {
        let mut names: Vec<RunId> = list(&self.runs)?
            .iter()
            .filter_map(|entry| {
                let name = entry.file_name();
                let (run, found) = name.to_str()?.split_once('.')?;
                (found == suffix).then(|| run.parse().ok())?
            })
            .collect();
        names.sort();
        Ok(names)
    }

    fn lock_path(&self) -> PathBuf {
        self.state.join("windows.lock")
    }

    fn path(&self, run: &RunId, suffix: &str) -> PathBuf {
        self.runs.join(format!("{run}.{suffix}"))
    }
}

fn list(directory: &Path) -> Result<Vec<fs::DirEntry>, JournalError> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match entries {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries.map_err(|source| OwnedFileError::Io {
            doing: "list",
            path: directory.to_owned(),
            source,
        })?),
    }
}

/// How long a tool of a dead run may take to come to its end by itself.
const SOON: Duration = Duration::from_secs(5);
/// Opening or closing takes a second on an old Mac, and sixteen runs may wait for one another.
const PATIENCE: Duration = Duration::from_secs(120);
/// A journal is some hundred bytes, paths included.
const MAX_JOURNAL: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::keychain::BackendKind;

    fn entry() -> JournalEntry {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        JournalEntry {
            run: RunId::new(now).unwrap(),
            keychain: KeychainPath::new(Path::new("/k/ci.p12")).unwrap(),
            backend: BackendChoice {
                kind: BackendKind::Portable,
                tools: None,
                home: "/h".into(),
                user: "ci".into(),
            },
            until: now,
        }
    }

    #[test]
    fn a_run_lives_as_long_as_its_lease_and_only_others_share() {
        let directory = tempfile::tempdir().unwrap();
        let journals = Journals::new(&directory.path().join("state"));
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
    fn a_closed_run_keeps_nobody_elses_keychain_open() {
        let directory = tempfile::tempdir().unwrap();
        let journals = Journals::new(&directory.path().join("state"));
        let lock = journals.lock().unwrap();
        let (one, two) = (entry(), entry());
        let _lease = journals.begin(&lock, &one).unwrap();
        journals.closed(&one.run).unwrap();
        journals.closed(&one.run).unwrap();
        assert!(journals.others(&one.keychain, &two.run).unwrap().is_empty());
        assert!(journals.all().unwrap()[0].as_ref().unwrap().is_closed);
    }

    #[test]
    fn a_damaged_journal_of_a_dead_run_is_told_and_left_as_evidence() {
        let directory = tempfile::tempdir().unwrap();
        let journals = Journals::new(&directory.path().join("state"));
        let lock = journals.lock().unwrap();
        let one = entry();
        drop(journals.begin(&lock, &one).unwrap());
        owned_files::replace(&journals.path(&one.run, "json"), b"{").unwrap();
        let all = journals.all().unwrap();
        let error = all[0].as_ref().unwrap_err().to_string();
        assert!(error.contains("keychain lock"), "{error}");
        journals.sweep(&lock).unwrap();
        assert!(journals.path(&one.run, "json").exists());
    }

    #[test]
    fn what_no_journal_goes_with_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        let journals = Journals::new(&directory.path().join("state"));
        let lock = journals.lock().unwrap();
        let one = entry();
        drop(journals.begin(&lock, &one).unwrap());
        owned_files::remove(&journals.path(&one.run, "json")).unwrap();
        fs::write(journals.runs.join(".countersign-x"), b"half").unwrap();
        let half_imported = journals.state.join(".countersign-y");
        owned_files::make_directory(&half_imported).unwrap();
        fs::write(half_imported.join("identities.p12"), b"half").unwrap();
        journals.sweep(&lock).unwrap();
        assert_eq!(fs::read_dir(&journals.runs).unwrap().count(), 0);
        assert!(!half_imported.exists());
    }
}
