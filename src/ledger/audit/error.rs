//! Why the log could not be read or written.

use std::path::PathBuf;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::host::owned_files::OwnedFileError;

/// The log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file, or the one beside it.
    #[error("the audit log cannot be used: {0}")]
    File(#[from] OwnedFileError),
    /// The last line is not a record.
    #[error("the last line of the audit log {path} is not a record: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The event cannot be written as a record.
    #[error("a record cannot be written: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// The event is too large for a record.
    #[error("a record has {bytes} bytes, but a line of the audit log has at most {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}

impl Explain for AuditError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::File(error) => error.code(),
            Self::Damaged { .. } => ErrorCode::FileMalformed,
            Self::Unwritable(_) | Self::TooLong { .. } => ErrorCode::NotRecorded,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Damaged { .. } => {
                Some("verify the audit log, then move it away and keep it as evidence".into())
            }
            Self::Unwritable(_) | Self::TooLong { .. } => None,
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::File(OwnedFileError::NotOurs { .. }) => Some(Remedy::NameStateDirectory),
            Self::Damaged { .. } => Some(Remedy::VerifyAuditLog),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File(error) => error.place(),
            Self::Damaged { path, .. } => Place::file(path),
            Self::Unwritable(_) | Self::TooLong { .. } => Place::default(),
        }
    }
}
