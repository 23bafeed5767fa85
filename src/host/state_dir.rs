//! The state directory: everything that countersign keeps on a machine, and the only place that spells the names.
//!
//! ```text
//! audit.jsonl             the audit log
//! audit-FIRST-LAST.jsonl  its sealed segments, called after their records
//! windows.lock            held for every opening and closing of a keychain
//! runs/RUN.json           the journal of a run; see `journal`
//! runs/RUN.job            the process group of its command
//! runs/RUN.closing        the journal when the keychain is being closed, and is left to no other run
//! runs/RUN.closed         the journal when the keychain is closed and only the record is missing
//! runs/RUN.lease          locked for as long as the run or its watchdog lives
//! receipts/RUN.json       what a run did; old ones are removed
//! proofs/known            the digests of profiles that gates have proven
//! proofs/lock             held by the gate that writes them
//! passwords/DIGEST        the password of a keychain that countersign made
//! open/DIGEST/RUN/        what a portable keychain shows a run
//! portal/ISSUER.json      the journal of successors that are being made at App Store Connect, or were last
//! portal/ISSUER.lock      held by the command that makes them
//! tools/                  the tools that run now
//! rotations/DIGEST/       the steps of a manifest's rotations; see `transaction`
//! search-list/            the lock of the user's keychain search list, and what we put into it
//! .countersign-…          files and directories that live for a moment
//! ```
//!
//! The first writer makes the directory, with mode 0700.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::TEMPORARY_PREFIX;
use super::keychain::path::KeychainPath;
use super::owned_files::{self, OwnedFileError};
use super::run_id::RunId;
use crate::base::digest::sha256;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::IssuerId;
use crate::base::remedy::Remedy;

/// The state directory, by its absolute path. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct StateDir(PathBuf);

/// The files of a run below `runs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFile {
    /// The journal of a run whose keychain may be open.
    Journal,
    /// The process group of its command.
    Job,
    /// The journal of a run whose keychain is being closed.
    Closing,
    /// The journal of a run whose keychain is closed.
    Closed,
    /// What is locked while the run or its watchdog lives.
    Lease,
}

impl RunFile {
    /// Every file of a run, in the order in which they are removed: the lease last, because it decides who may remove them.
    pub const ALL: [Self; 5] = [
        Self::Job,
        Self::Journal,
        Self::Closing,
        Self::Closed,
        Self::Lease,
    ];

    fn extension(self) -> &'static str {
        match self {
            Self::Journal => "json",
            Self::Job => "job",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Lease => "lease",
        }
    }
}

impl StateDir {
    /// The state directory at `path`.
    ///
    /// # Errors
    /// The path is not absolute: processes with other working directories must find the same one.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, StateDirError> {
        let path = path.into();
        if path.is_absolute() {
            Ok(Self(path))
        } else {
            Err(StateDirError { path })
        }
    }

    /// Makes the directory, and those above it, if it is missing.
    ///
    /// # Errors
    /// It cannot be made, is not this user's alone, is a link, or another user can put something else in its place.
    pub fn make(&self) -> Result<(), OwnedFileError> {
        let above = self.0.parent().unwrap_or(&self.0);
        owned_files::check_way(above)?;
        owned_files::make_directory(&self.0)?;
        // Somebody may have been faster where everybody may make directories.
        owned_files::check_way(above)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }

    /// Where the cache of proofs lies.
    pub fn proofs(&self) -> PathBuf {
        self.0.join("proofs")
    }

    /// The cache of proofs.
    pub fn known_proofs(&self) -> PathBuf {
        self.proofs().join("known")
    }

    /// The lock that is held while the cache of proofs is written.
    pub fn proofs_lock(&self) -> PathBuf {
        self.proofs().join("lock")
    }

    /// The lock that is held for every opening and closing of a keychain.
    pub fn windows_lock(&self) -> PathBuf {
        self.0.join("windows.lock")
    }

    /// Where the journals lie.
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// A file of a run.
    pub fn run_file(&self, run: &RunId, file: RunFile) -> PathBuf {
        self.runs().join(format!("{run}.{}", file.extension()))
    }

    /// The run whose `file` is called `name` in the directory of journals.
    pub fn run_of(name: &OsStr, file: RunFile) -> Option<RunId> {
        let (run, extension) = name.to_str()?.split_once('.')?;
        (extension == file.extension()).then(|| run.parse().ok())?
    }

    /// Where the receipts lie.
    pub fn receipts(&self) -> PathBuf {
        self.0.join("receipts")
    }

    /// The receipt of a run.
    pub fn receipt(&self, run: &RunId) -> PathBuf {
        self.receipts().join(format!("{run}.json"))
    }

    /// Where the passwords lie of keychains that countersign made.
    pub fn passwords(&self) -> PathBuf {
        self.0.join("passwords")
    }

    /// The password of a keychain.
    pub fn password(&self, keychain: &KeychainPath) -> PathBuf {
        self.passwords().join(short_digest(keychain))
    }

    /// Where portable keychains show runs their identities, a directory for each keychain.
    pub fn open_runs(&self) -> PathBuf {
        self.0.join("open")
    }

    /// Where a portable keychain shows runs its identities, a directory each.
    pub fn open_keychain(&self, keychain: &KeychainPath) -> PathBuf {
        self.open_runs().join(short_digest(keychain))
    }

    /// Where the journals of App Store Connect lie.
    pub fn portal(&self) -> PathBuf {
        self.0.join("portal")
    }

    /// The journal of the successors that are made in a team.
    pub fn renewal(&self, issuer: &IssuerId) -> PathBuf {
        self.portal().join(format!("{issuer}.json"))
    }

    /// The lock that is held while they are made.
    pub fn renewal_lock(&self, issuer: &IssuerId) -> PathBuf {
        self.portal().join(format!("{issuer}.lock"))
    }

    /// Where tools are recorded while they run.
    pub fn tools(&self) -> PathBuf {
        self.0.join("tools")
    }

    /// Where the steps of rotations are remembered.
    pub fn rotations(&self) -> PathBuf {
        self.0.join("rotations")
    }

    /// Where those of the manifest at this absolute path are.
    pub fn rotation(&self, manifest: &Path) -> PathBuf {
        let name = short_digest_of(manifest.as_os_str().as_encoded_bytes());
        self.rotations().join(name)
    }

    /// Where the changes of the user's keychain search list are remembered.
    pub fn search_list(&self) -> PathBuf {
        self.0.join("search-list")
    }

    /// The lock that is held while the search list is changed.
    pub fn search_list_lock(&self) -> PathBuf {
        self.search_list().join("lock")
    }

    /// What says that a keychain is in the search list because we put it there.
    pub fn search_list_marker(&self, keychain: &KeychainPath) -> PathBuf {
        let name = format!("{}.attached", short_digest(keychain));
        self.search_list().join(name)
    }

    /// A directory that lives for a moment; `name` makes it unlike others.
    pub fn temporary(&self, name: &str) -> PathBuf {
        self.0.join(format!("{TEMPORARY_PREFIX}{name}"))
    }

    /// Whether a file or directory is called as those that live for a moment.
    pub fn is_temporary(name: &OsStr) -> bool {
        name.to_string_lossy().starts_with(TEMPORARY_PREFIX)
    }

    /// The directories in which those lie.
    pub fn with_temporaries(&self) -> [PathBuf; 3] {
        [self.0.clone(), self.runs(), self.passwords()]
    }
}

/// A name for a keychain's files: paths are long and hold anything.
fn short_digest(keychain: &KeychainPath) -> String {
    short_digest_of(keychain.as_str().as_bytes())
}

fn short_digest_of(path: &[u8]) -> String {
    sha256(path)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl TryFrom<PathBuf> for StateDir {
    type Error = StateDirError;

    fn try_from(path: PathBuf) -> Result<Self, StateDirError> {
        Self::new(path)
    }
}

impl From<StateDir> for PathBuf {
    fn from(state: StateDir) -> Self {
        state.0
    }
}

/// The path is not one of a state directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path of the state directory is not absolute: {path}", path = path.display())]
pub struct StateDirError {
    /// The path.
    pub path: PathBuf,
}

impl Explain for StateDirError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("name the state directory by an absolute path".into())
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(Remedy::NameStateDirectory)
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_the_names_of_its_files() {
        let state = StateDir::new("/s").unwrap();
        let run: RunId = "20260301T120000Z-9f86d081884c7d65".parse().unwrap();
        for file in RunFile::ALL {
            let path = state.run_file(&run, file);
            let name = path.file_name().unwrap();
            assert_eq!(StateDir::run_of(name, file), Some(run.clone()));
            let others = RunFile::ALL.iter().filter(|other| **other != file);
            assert!(others.clone().count() == 4);
            for other in others {
                assert_eq!(StateDir::run_of(name, *other), None);
            }
        }
        assert_eq!(StateDir::run_of("x.json".as_ref(), RunFile::Journal), None);
    }

    #[test]
    fn a_relative_path_is_refused() {
        assert!(StateDir::new("state").is_err());
        assert!(serde_json::from_str::<StateDir>("\"state\"").is_err());
        let state: StateDir = serde_json::from_str("\"/s\"").unwrap();
        assert_eq!(state.audit_log(), Path::new("/s/audit.jsonl"));
        let error = StateDir::new("state").unwrap_err();
        assert!(error.hint().unwrap().contains("absolute path"));
        assert_eq!(error.remedy(), Some(Remedy::NameStateDirectory));
        assert_eq!(error.place().file.as_deref(), Some("state"));
    }

    /// Another version of the program must find what this one left.
    #[test]
    fn everything_has_the_name_that_the_first_lines_of_this_file_give_it() {
        let state = StateDir::new("/s").unwrap();
        let run: RunId = "20260301T120000Z-9f86d081884c7d65".parse().unwrap();
        let keychain = |path: &str| KeychainPath::new(Path::new(path)).unwrap();
        let one = keychain("/k/ci.p12");
        // By another means: `printf /k/ci.p12 | sha256sum`.
        let digest = "6379e3d04de25d44";
        for (path, name) in [
            (state.runs(), "runs".to_owned()),
            (state.windows_lock(), "windows.lock".to_owned()),
            (state.receipts(), "receipts".to_owned()),
            (state.receipt(&run), format!("receipts/{run}.json")),
            (state.proofs(), "proofs".to_owned()),
            (state.known_proofs(), "proofs/known".to_owned()),
            (state.proofs_lock(), "proofs/lock".to_owned()),
            (state.passwords(), "passwords".to_owned()),
            (state.password(&one), format!("passwords/{digest}")),
            (state.open_runs(), "open".to_owned()),
            (state.open_keychain(&one), format!("open/{digest}")),
            (state.tools(), "tools".to_owned()),
            (state.rotations(), "rotations".to_owned()),
            (
                state.rotation(Path::new("/k/ci.p12")),
                format!("rotations/{digest}"),
            ),
            (state.search_list(), "search-list".to_owned()),
            (state.search_list_lock(), "search-list/lock".to_owned()),
            (
                state.search_list_marker(&one),
                format!("search-list/{digest}.attached"),
            ),
            (state.temporary("x"), ".countersign-x".to_owned()),
        ] {
            assert_eq!(path, Path::new("/s").join(name));
        }
        assert_ne!(
            state.password(&one),
            state.password(&keychain("/k/ci2.p12"))
        );
    }
}
