//! What is known of a log from outside: the checkpoints in receipts and envelopes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::error::{ErrorCode, Explain};
use crate::base::event::Checkpoint;
use crate::base::finding::Place;
use crate::context::envelope::dsse;
use crate::host::files::{ReadError, ReadErrorKind, read_bounded};
use crate::host::owned_files::{self, FileStep, OwnedFileError};
use crate::host::run_id::RunId;

/// A checkpoint of the log that somebody keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Who keeps it: the path of a receipt or an envelope.
    pub holder: String,
}

/// What is known of a log from outside.
#[derive(Debug, Default)]
pub struct Known {
    /// The checkpoints.
    pub checkpoints: Vec<KnownCheckpoint>,
    /// Why other files that may hold one could not be used.
    pub unused: Vec<EvidenceError>,
}

impl Known {
    /// The checkpoints, if every file could be used.
    ///
    /// # Errors
    /// The first file that could not.
    pub fn complete(self) -> Result<Vec<KnownCheckpoint>, EvidenceError> {
        match self.unused.into_iter().next() {
            None => Ok(self.checkpoints),
            Some(error) => Err(error),
        }
    }
}

/// The checkpoint in a receipt or an envelope; `None` if the bytes are another document, or one without a checkpoint.
pub(super) fn checkpoint_in(bytes: &[u8]) -> Option<Checkpoint> {
    #[derive(Deserialize)]
    struct Receipt {
        audit: Option<String>,
    }
    let receipt = serde_json::from_slice::<Receipt>(bytes).ok();
    let of_receipt = receipt.and_then(|receipt| receipt.audit?.parse().ok());
    let checkpoint: Checkpoint = of_receipt.or_else(|| dsse::checkpoint(bytes))?;
    (checkpoint.seq > 0).then_some(checkpoint)
}

/// The checkpoints of every receipt in `directory`; none if it does not exist. A receipt without a checkpoint is one of a
/// run that was killed or recorded nothing. One that is not ours alone or cannot be read is not used.
///
/// # Errors
/// The directory cannot be listed.
pub fn known_from_receipts(directory: &Path) -> Result<Known, OwnedFileError> {
    let mut known = Known::default();
    for (_, path) in receipts_in(directory)? {
        match owned_files::read(&path, MAX_RECEIPT) {
            Ok(bytes) => known.checkpoints.extend(known_of(&path, &bytes)),
            // It was removed in this moment.
            Err(error) if error.is_not_found() => {}
            Err(error) => known.unused.push(error.into()),
        }
    }
    Ok(known)
}

/// Every file in `directory` that is called as a receipt, and the run; none if the directory does not exist.
///
/// # Errors
/// The directory cannot be listed.
pub(super) fn receipts_in(directory: &Path) -> Result<Vec<(RunId, PathBuf)>, OwnedFileError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(OwnedFileError::of(FileStep::List, directory)(error)),
    };
    let mut receipts = Vec::new();
    for entry in entries {
        let entry = entry.map_err(OwnedFileError::of(FileStep::List, directory))?;
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.strip_suffix(".json"));
        if let Some(Ok(run)) = run.map(str::parse) {
            receipts.push((run, entry.path()));
        }
    }
    Ok(receipts)
}

/// The checkpoints in `path`: a receipt or an envelope, or a directory of them. In a directory, other files are passed over,
/// and those that cannot be read are not used.
///
/// # Errors
/// It cannot be read, or is a file without a checkpoint.
pub fn known_from_file(path: &Path) -> Result<Known, EvidenceError> {
    let mut known = Known::default();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(_) => {
            let bytes = read_bounded(path, dsse::MAX_BYTES)?;
            let found = known_of(path, &bytes);
            known
                .checkpoints
                .push(found.ok_or_else(|| EvidenceError::NoCheckpoint {
                    path: path.to_owned(),
                })?);
            return Ok(known);
        }
    };
    for entry in entries.map_err(|error| ReadError::new(path, ReadErrorKind::Io(error)))? {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
            && path.is_file()
        {
            match read_bounded(&path, dsse::MAX_BYTES) {
                Ok(bytes) => known.checkpoints.extend(known_of(&path, &bytes)),
                Err(error) => known.unused.push(error.into()),
            }
        }
    }
    Ok(known)
}

fn known_of(path: &Path, bytes: &[u8]) -> Option<KnownCheckpoint> {
    Some(KnownCheckpoint {
        checkpoint: checkpoint_in(bytes)?,
        holder: path.display().to_string(),
    })
}

/// A file that should hold a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is a receipt of ours that cannot be read, or that is not ours alone.
    #[error(transparent)]
    Receipt(#[from] OwnedFileError),
    /// It is something else.
    #[error("{path} holds no checkpoint of an audit log", path = path.display())]
    NoCheckpoint {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for EvidenceError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Read(error) => error.code(),
            Self::Receipt(error) => error.code(),
            Self::NoCheckpoint { .. } => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Receipt(error) => error.hint(),
            Self::NoCheckpoint { .. } => Some("name a receipt or an envelope".into()),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Read(error) => error.place(),
            Self::Receipt(error) => error.place(),
            Self::NoCheckpoint { path } => Place::file(path),
        }
    }
}

/// Largest receipt that is read, in bytes.
pub(super) const MAX_RECEIPT: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKPOINT: &str =
        "12:sha256:00000000000000000000000000000000000000000000000000000000000000ff";

    #[test]
    fn receipts_and_statements_hold_checkpoints_and_other_documents_none() {
        let known = CHECKPOINT.parse().ok();
        for text in [
            format!(r#"{{"schema":"countersign.receipt.v1","audit":"{CHECKPOINT}"}}"#),
            format!(r#"{{"_type":"x","predicate":{{"audit":"{CHECKPOINT}","host":"h"}}}}"#),
        ] {
            assert_eq!(checkpoint_in(text.as_bytes()), known, "{text}");
        }
        let empty = Checkpoint::EMPTY;
        for text in [
            String::new(),
            "[]".to_owned(),
            r#"{"audit":5}"#.to_owned(),
            r#"{"audit":"x"}"#.to_owned(),
            format!(r#"{{"audit":"{empty}"}}"#),
            format!(r#"{{"predicate":"{CHECKPOINT}"}}"#),
            format!(r#"{{"predicate":{{"audit":"{CHECKPOINT}"}}}}"#),
            format!(r#"{{"_type":"x","predicate":{{"audit":"{CHECKPOINT}","audit":""}}}}"#),
        ] {
            assert_eq!(checkpoint_in(text.as_bytes()), None, "{text}");
        }
    }

    fn write(path: &Path, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn receipts_are_found_by_their_names_and_what_cannot_be_used_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let receipt = format!(r#"{{"audit":"{CHECKPOINT}"}}"#);
        let [good, empty, public] =
            ["a", "b", "c"].map(|digit| at(&format!("20260301T120000Z-{}.json", digit.repeat(16))));
        write(&good, &receipt, 0o600);
        write(&empty, "", 0o600);
        write(&public, &receipt, 0o666);
        write(&at("notes.json"), &receipt, 0o600);
        let known = known_from_receipts(directory.path()).unwrap();
        let [found] = known.checkpoints.as_slice() else {
            panic!("{known:?}");
        };
        assert_eq!(found.checkpoint, CHECKPOINT.parse().unwrap());
        assert_eq!(found.holder, good.display().to_string());
        let [unused] = known.unused.as_slice() else {
            panic!("{known:?}");
        };
        assert_eq!(unused.place(), Place::file(&public));
        assert!(unused.hint().unwrap().contains("chmod"), "{unused}");
        assert!(known.complete().is_err());
        // A directory that is not there holds none; what is no directory is an error.
        let missing = known_from_receipts(&at("missing")).unwrap();
        assert!(missing.checkpoints.is_empty() && missing.unused.is_empty());
        assert!(known_from_receipts(&good).is_err());
        assert_eq!(receipts_in(directory.path()).unwrap().len(), 3);
    }

    #[test]
    fn a_file_that_somebody_names_holds_a_checkpoint_and_a_directory_may_hold_other_files() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let receipt = format!(r#"{{"audit":"{CHECKPOINT}"}}"#);
        write(&at("one.json"), &receipt, 0o644);
        write(&at("other.json"), "{}", 0o644);
        write(&at("one.txt"), &receipt, 0o644);
        write(&at("large.json"), &" ".repeat(dsse::MAX_BYTES + 1), 0o644);
        fs::create_dir(at("directory.json")).unwrap();
        let of_file = known_from_file(&at("one.txt")).unwrap();
        assert_eq!(of_file.checkpoints.len(), 1);
        let of_directory = known_from_file(directory.path()).unwrap();
        let [found] = of_directory.checkpoints.as_slice() else {
            panic!("{of_directory:?}");
        };
        assert_eq!(found.holder, at("one.json").display().to_string());
        let [unused] = of_directory.unused.as_slice() else {
            panic!("{of_directory:?}");
        };
        assert_eq!(unused.place(), Place::file(&at("large.json")));
        let error = known_from_file(&at("other.json")).unwrap_err();
        assert_eq!(
            error.hint().as_deref(),
            Some("name a receipt or an envelope")
        );
        assert_eq!(error.place(), Place::file(&at("other.json")));
        let missing = known_from_file(&at("missing")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::FileMissing);
    }
}
