//! Files that change together: a step of a rotation on this machine.
//!
//! ```text
//! STATE/rotations/DIGEST/           of one manifest, called after the digest of its path
//! STATE/rotations/DIGEST/lock       held by the command that works on it
//! STATE/rotations/DIGEST/log.json   every step: what it changes, and whether it is done
//! STATE/rotations/DIGEST/bytes/     what the files held and will hold, called after their SHA-256
//! ```
//!
//! *All that a step needs is on the disk before it begins.* First the bytes of every file are kept, as they were and as they will be.
//! Then the log says what is going to change: from here on the step is going to happen. Then the files are replaced one by one, each of
//! them whole or not at all. In the end the log says that it is done. Whatever kills the process, the next one finds either no step, or
//! a step that can be finished: a file is then as it was before, or as it is after. A file that is neither was changed by somebody
//! else, and nothing touches it. A step that cannot be carried out, because of such a file or because the system refuses, is taken back:
//! its other files are as they were before, and the log forgets it.
//!
//! Undoing is a step like the others: it changes the files back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::{self, FileMode, ReadError, ReadErrorKind, RemoveError, WriteError};
use super::owned_files::{self, Lock, OwnedFileError};
use super::project_root;
use super::state_dir::StateDir;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::FileSha256;
use crate::base::remedy::Remedy;
use crate::context::manifest;

/// How long another command may hold the lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest log that is read, in bytes.
const MAX_LOG: usize = 16 * 1024 * 1024;

/// So many steps are remembered; what is older cannot be rolled back.
pub const MAX_STEPS: usize = 256;

/// What a step does.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Successors come in beside the active profiles.
    Stage,
    /// The successors of one product become active.
    Promote,
    /// Old profiles go.
    Retire,
    /// Files are put back.
    Rollback,
}

impl StepKind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Promote => "promote",
            Self::Retire => "retire",
            Self::Rollback => "rollback",
        }
    }
}

/// A file, and what a step makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// Where, absolute.
    pub path: PathBuf,
    /// SHA-256 of what it held before; none: it was not there.
    pub before: Option<FileSha256>,
    /// SHA-256 of what it holds afterwards; none: it is not there.
    pub after: Option<FileSha256>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// When it began (RFC 3339, UTC).
    pub begun: Timestamp,
    /// The revision of the manifest before.
    pub from: u64,
    /// The revision afterwards.
    pub to: u64,
    /// Of a rollback: the revision whose state it brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
    /// Its files, in the order in which they change.
    pub changes: Vec<FileChange>,
    /// Whether all of them have changed.
    pub is_done: bool,
}

impl FileChange {
    /// The same change backwards.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            path: self.path.clone(),
            before: self.after,
            after: self.before,
        }
    }
}

/// How a file stands to what a step makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As it was before.
    Before,
    /// As it is afterwards.
    After,
    /// Neither: this is what it holds, if it is there.
    Other(Option<FileSha256>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFile {
    version: u32,
    steps: Vec<Step>,
}

/// How the log is written. Nobody else reads it.
const VERSION: u32 = 1;

/// The steps of one manifest on this machine, to be added to: nobody else does so meanwhile.
#[derive(Debug)]
pub struct StepLog {
    manifest: PathBuf,
    folder: PathBuf,
    steps: Vec<Step>,
    _lock: Lock,
}

/// Why a step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A file of the state directory cannot be used.
    #[error(transparent)]
    Owned(#[from] OwnedFileError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file cannot be removed.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// The log cannot be understood.
    #[error("{}: the log of the rotation cannot be read: {reason}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The bytes that a file is to hold are gone, or are others.
    #[error("{}: these kept bytes are missing or were changed", .0.display())]
    Bytes(PathBuf),
    /// A file is neither as it was before a step nor as it is afterwards.
    #[error("{}: a step of a rotation cannot go on: the file holds {}, and the step expects {}", change.path.display(), shown(found.as_ref()), shown(change.before.as_ref()))]
    Foreign {
        /// The file, and what was going to become of it.
        change: Box<FileChange>,
        /// What it holds.
        found: Option<FileSha256>,
    },
}

fn shown(sha256: Option<&FileSha256>) -> String {
    sha256.map_or("nothing".to_owned(), |it| format!("sha256:{it}"))
}

impl Explain for StepError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Owned(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::Write(error) => error.code(),
            Self::Remove(error) => error.code(),
            Self::Log { .. } | Self::Bytes(_) => ErrorCode::JournalUnusable,
            Self::Foreign { .. } => ErrorCode::FileChanged,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Owned(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Remove(error) => error.hint(),
            Self::Log { .. } => {
                Some("move the log away: what it knows of can no longer be rolled back".into())
            }
            Self::Bytes(_) => {
                Some("put the files in order by hand, with what the repository holds".into())
            }
            Self::Foreign { .. } => Some("see who else changes this file".into()),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Owned(error) => error.remedy(),
            Self::Read(error) => error.remedy(),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Owned(error) => error.place(),
            Self::Read(error) => error.place(),
            Self::Write(error) => error.place(),
            Self::Remove(error) => error.place(),
            Self::Log { path, .. } | Self::Bytes(path) => Place::file(path),
            Self::Foreign { change, .. } => Place::file(&change.path),
        }
    }
}

/// `path` from the root directory on, with every link resolved. By it the log of a manifest is found: so a file has one log however it is
/// reached, and a linked manifest is replaced where it lies.
pub fn resolved(path: &Path) -> PathBuf {
    if let Ok(file) = path.canonicalize() {
        return file;
    }
    let directory = files::directory_of(path).canonicalize();
    match (directory, path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => project_root::absolute(path),
    }
}

/// The steps that were taken with the manifest at `manifest`, the oldest first; none if nobody took any. It waits for nobody.
///
/// # Errors
/// The log is there and cannot be read.
pub fn steps(state: &StateDir, manifest: &Path) -> Result<Vec<Step>, StepError> {
    read(&log_in(&state.rotation(manifest)))
}

/// The manifests with which steps were taken on this machine, each as far as its log tells; some may be gone by now.
///
/// # Errors
/// The logs cannot be listed.
pub fn manifests(state: &StateDir) -> Result<Vec<Result<PathBuf, StepError>>, StepError> {
    let folders = match owned_files::list(&state.rotations()) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        folders => folders?,
    };
    let mut folders: Vec<PathBuf> = folders.iter().map(fs::DirEntry::path).collect();
    folders.sort();
    let manifests = folders.into_iter().filter_map(|folder| {
        let steps = match read(&log_in(&folder)) {
            Ok(steps) => steps,
            Err(error) => return Some(Err(error)),
        };
        let changes = steps.into_iter().flat_map(|step| step.changes);
        // The folder is called after the manifest, which every step changes.
        let mut paths = changes.map(|it| it.path);
        paths.find(|path| state.rotation(path) == folder).map(Ok)
    });
    Ok(manifests.collect())
}

/// The bytes that a step of this manifest kept under their digest, if they are still there.
pub fn kept(state: &StateDir, manifest: &Path, sha256: &FileSha256) -> Option<Vec<u8>> {
    kept_in(&state.rotation(manifest), sha256).ok()
}

fn kept_in(folder: &Path, sha256: &FileSha256) -> Result<Vec<u8>, StepError> {
    let path = bytes_in(folder, sha256);
    let bytes = owned_files::read(&path, manifest::MAX_BYTES);
    let bytes = bytes.map_err(|_| StepError::Bytes(path.clone()))?;
    match FileSha256::of(&bytes) == *sha256 {
        true => Ok(bytes),
        false => Err(StepError::Bytes(path)),
    }
}

fn bytes_in(folder: &Path, sha256: &FileSha256) -> PathBuf {
    folder.join("bytes").join(sha256.to_string())
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("log.json")
}

fn read(path: &Path) -> Result<Vec<Step>, StepError> {
    let bytes = match owned_files::read(path, MAX_LOG) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let log = |reason: String| StepError::Log {
        path: path.to_owned(),
        reason,
    };
    let read: LogFile = serde_json::from_slice(&bytes).map_err(|error| log(error.to_string()))?;
    match read.version == VERSION {
        true => Ok(read.steps),
        false => Err(log(format!("it is of version {}", read.version))),
    }
}

/// What a file holds; none if it is not there.
///
/// # Errors
/// It is there and cannot be read.
pub fn held(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    match files::read_bounded(path, manifest::MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

impl StepLog {
    /// The log of the manifest at `manifest`, an absolute path; it waits for whoever works on it.
    ///
    /// # Errors
    /// The state directory cannot be used, somebody else holds the lock for all that time, or the log cannot be read.
    pub fn open(state: &StateDir, manifest: &Path) -> Result<Self, StepError> {
        state.make()?;
        let folder = state.rotation(manifest);
        owned_files::make_directory(&folder.join("bytes"))?;
        let lock = Lock::acquire(&folder.join("lock"), PATIENCE)?;
        Ok(Self {
            steps: read(&log_in(&folder))?,
            manifest: manifest.to_owned(),
            folder,
            _lock: lock,
        })
    }

    /// The manifest whose steps these are.
    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// The step that is not done, if there is one.
    pub fn pending(&self) -> Option<&Step> {
        self.steps.last().filter(|step| !step.is_done)
    }

    /// Keeps bytes that a file holds or will hold.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<FileSha256, StepError> {
        let sha256 = FileSha256::of(bytes);
        if kept_in(&self.folder, &sha256).is_err() {
            owned_files::replace(&bytes_in(&self.folder, &sha256), bytes)?;
        }
        Ok(sha256)
    }

    /// Says that a step is going to happen. The bytes of its files are kept, and no step is pending.
    ///
    /// # Errors
    /// It cannot be written: then it does not happen.
    pub fn begin(&mut self, step: Step) -> Result<(), StepError> {
        let mut steps = self.steps.clone();
        steps.push(Step {
            is_done: false,
            ..step
        });
        let forgotten = steps.len().saturating_sub(MAX_STEPS);
        steps.drain(..forgotten);
        self.write(steps)
    }

    /// How a file stands to what a step makes of it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn standing(change: &FileChange) -> Result<Standing, StepError> {
        let found = held(&change.path)?.map(|bytes| FileSha256::of(&bytes));
        Ok(match found {
            found if found == change.after => Standing::After,
            found if found == change.before => Standing::Before,
            found => Standing::Other(found),
        })
    }

    /// Makes of a file what a step makes of it: all of it or nothing.
    ///
    /// # Errors
    /// It cannot be written or removed.
    pub fn apply(&self, change: &FileChange) -> Result<(), StepError> {
        match &change.after {
            None => files::remove(&change.path)?,
            Some(sha256) => {
                let bytes = kept_in(&self.folder, sha256)?;
                files::create_directories(files::directory_of(&change.path))?;
                let mode = match change.before {
                    Some(_) => FileMode::Keep,
                    None => FileMode::Exactly(0o644),
                };
                files::replace_atomically(&change.path, &bytes, mode)?;
            }
        }
        files::sync_directory_of(&change.path).unwrap_or_default();
        Ok(())
    }

    /// Says that the pending step is done, and forgets bytes that no step knows of any more.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(&mut self) -> Result<(), StepError> {
        let mut steps = self.steps.clone();
        if let Some(step) = steps.last_mut() {
            step.is_done = true;
        }
        self.write(steps)?;
        self.forget();
        Ok(())
    }

    /// Forgets the pending step, whose files are all as they were before.
    ///
    /// # Errors
    /// It cannot be written: then the step is still pending.
    pub fn abandon(&mut self) -> Result<(), StepError> {
        let mut steps = self.steps.clone();
        if steps.pop_if(|step| !step.is_done).is_some() {
            self.write(steps)?;
            self.forget();
        }
        Ok(())
    }

    fn write(&mut self, steps: Vec<Step>) -> Result<(), StepError> {
        let path = log_in(&self.folder);
        let log = LogFile {
            version: VERSION,
            steps,
        };
        let bytes = serde_json::to_vec_pretty(&log).map_err(|error| StepError::Log {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        owned_files::replace(&path, &bytes)?;
        self.steps = log.steps;
        Ok(())
    }

    /// Removes kept bytes that no step names. What cannot be removed stays: it does no harm.
    fn forget(&self) {
        let changes = self.steps.iter().flat_map(|step| &step.changes);
        let known: BTreeSet<String> = changes
            .flat_map(|change| [change.before, change.after])
            .flatten()
            .map(|sha256| sha256.to_string())
            .collect();
        for entry in owned_files::list(&self.folder.join("bytes")).unwrap_or_default() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !known.contains(&name) {
                owned_files::remove(&entry.path()).unwrap_or_default();
            }
        }
    }
}
