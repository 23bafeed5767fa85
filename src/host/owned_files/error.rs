//! Why something on the disk could not be had or was refused.

use std::io;
use std::path::{Path, PathBuf};

use super::shell::for_shell;

/// Why something on the disk could not be had or was not believed.
#[derive(Debug, thiserror::Error)]
pub enum OwnedFileError {
    /// The system refused.
    #[error("cannot {doing} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others own it, read it or write it.
    #[error(
        "{path} {why}: make it yours alone with `chown {user} {quoted}; chmod {mode} {quoted}`",
        path = path.display(),
        quoted = for_shell(path)
    )]
    NotOurs {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The user id that should own it.
        user: u32,
        /// The mode it should have.
        mode: &'static str,
    },
    /// More than it may hold.
    #[error("{path} holds more than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// Someone else holds the lock.
    #[error(
        "{path} has been locked by another process for {seconds} s: find it (`lsof {quoted}`) and end it",
        path = path.display(),
        quoted = for_shell(path)
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl OwnedFileError {
    /// Whether the thing is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a thing that must not be there is there.
    pub fn is_already_there(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

pub(super) fn io_error(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> OwnedFileError {
    move |source| OwnedFileError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
