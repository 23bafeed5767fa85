//! Why the password is not served, or not had.

use std::io;
use std::path::PathBuf;

use crate::base::error::{ErrorCode, Explain};
use crate::base::event::WitnessError;
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::host::owned_files::OwnedFileError;

/// Why the password is not served, or not had. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordServiceError {
    /// Nobody listens, or this process may not connect.
    #[error("cannot connect to the helper that holds the keychain's password at {}: {source}", socket.display())]
    NotConnected {
        /// Where it should listen.
        socket: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It ended the conversation, or says something else.
    #[error("the helper that holds the keychain's password at {} does not answer: {source}", socket.display())]
    Lost {
        /// Where it listens.
        socket: PathBuf,
        /// What came instead.
        source: io::Error,
    },
    /// It says no.
    #[error("the helper that holds the keychain's password at {} refuses: {why}", socket.display())]
    Refused {
        /// Where it listens.
        socket: PathBuf,
        /// Why.
        why: String,
    },
    /// The server could not protect the password like this.
    #[error("the password is not served: {why}")]
    Unsafe {
        /// What is wrong.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A file that jobs could steer, or cannot be used.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// The server cannot listen.
    #[error("cannot listen at {}: {source}", socket.display())]
    NotListening {
        /// Where.
        socket: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something could not be recorded, and so was not begun.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

impl Explain for PasswordServiceError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NotConnected { .. } | Self::Lost { .. } | Self::Refused { .. } => {
                ErrorCode::PasswordUnavailable
            }
            Self::Unsafe { .. } | Self::NotListening { .. } => ErrorCode::PasswordNotServed,
            Self::File(error) => error.code(),
            Self::Witness(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotConnected { source, .. } => Some(
                match source.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "start the program that is installed set-group-ID, not traced, and not with rights taken away \
                         (NoNewPrivileges)"
                    }
                    _ => "start the helper",
                }
                .into(),
            ),
            Self::Lost { .. } => Some("look into the helper's audit log and its messages".into()),
            Self::Refused { .. } => Some("look into the helper's audit log".into()),
            Self::Unsafe { hint, .. } => Some(hint.clone()),
            Self::File(error) => error.hint(),
            Self::NotListening { .. } => {
                Some("check that the directory exists and belongs to the helper's user".into())
            }
            Self::Witness(error) => error.hint(),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::NotConnected { .. } => Some(Remedy::ServePassword),
            Self::File(error) => error.remedy(),
            Self::Witness(error) => error.remedy(),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::NotConnected { socket, .. }
            | Self::Lost { socket, .. }
            | Self::Refused { socket, .. }
            | Self::NotListening { socket, .. } => Place::file(socket),
            Self::Unsafe { .. } => Place::default(),
            Self::File(error) => error.place(),
            Self::Witness(error) => error.place(),
        }
    }
}
