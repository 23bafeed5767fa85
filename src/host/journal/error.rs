//! Why a journal cannot be used.

use std::path::PathBuf;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::host::owned_files::{OwnedFileError, for_shell};

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or directory.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// Not what was written.
    #[error("the journal {path} of a killed run is damaged: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Explain for JournalError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::File(error) => error.code(),
            Self::Damaged { .. } => ErrorCode::JournalUnusable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Damaged { path, .. } => Some(format!(
                "lock the keychain that the run used, then remove {}",
                for_shell(path)
            )),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::File(error) => error.remedy(),
            Self::Damaged { .. } => Some(Remedy::LockKeychain),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File(error) => error.place(),
            Self::Damaged { path, .. } => Place::file(path),
        }
    }
}
