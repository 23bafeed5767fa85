//! Why the log could not be read or written.

use std::path::PathBuf;

use super::known::{EvidenceError, KnownCheckpoint};
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
    /// The log has no records, and something that may tell of one cannot be used.
    #[error("the audit log has no records, and whether it had any is not known: {0}")]
    Evidence(#[from] EvidenceError),
    /// The last line is not a record.
    #[error("the last line of the audit log {path} is not a record: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There are no records, but something tells of one.
    #[error("the audit log {path} is gone or empty, but {holder} tells of its record {seq}", path = path.display(), holder = known.holder, seq = known.checkpoint.seq)]
    Lost {
        /// The file.
        path: PathBuf,
        /// What tells of a record.
        known: KnownCheckpoint,
    },
    /// There are records, where the log was thought to be lost.
    #[error("the audit log {path} has records, so it is not lost", path = path.display())]
    NotLost {
        /// The file.
        path: PathBuf,
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
            Self::Evidence(error) => error.code(),
            Self::Damaged { .. } => ErrorCode::FileMalformed,
            Self::Lost { .. } => ErrorCode::AuditLogLost,
            Self::NotLost { .. } => ErrorCode::Usage,
            Self::Unwritable(_) | Self::TooLong { .. } => ErrorCode::NotRecorded,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Evidence(error) => error.hint(),
            Self::Damaged { .. } => {
                Some("verify the audit log, move it away, keep it as evidence, and resume the log".into())
            }
            Self::Lost { .. } => Some(
                "restore it from a backup; if it is lost, resume it, so that its first record says so".into(),
            ),
            Self::NotLost { .. } => Some("verify the audit log".into()),
            Self::Unwritable(_) | Self::TooLong { .. } => None,
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::File(OwnedFileError::NotOurs { .. }) => Some(Remedy::NameStateDirectory),
            Self::Damaged { .. } | Self::NotLost { .. } => Some(Remedy::VerifyAuditLog),
            Self::Lost { .. } => Some(Remedy::ResumeAuditLog),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File(error) => error.place(),
            Self::Evidence(error) => error.place(),
            Self::Damaged { path, .. } | Self::Lost { path, .. } | Self::NotLost { path } => {
                Place::file(path)
            }
            Self::Unwritable(_) | Self::TooLong { .. } => Place::default(),
        }
    }
}
