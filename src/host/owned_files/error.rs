//! Why a file or directory of ours could not be used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::shell::for_shell;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;

/// What was being done with a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStep {
    /// Opening it.
    Open,
    /// Asking whose it is.
    Inspect,
    /// Reading it.
    Read,
    /// Listing it.
    List,
    /// Making the directory.
    MakeDirectory,
    /// Making the file.
    Create,
    /// Writing it.
    Write,
    /// Cutting it.
    Truncate,
    /// Giving it another name.
    Rename,
    /// Keeping it as it is under a name of its own.
    Seal,
    /// Setting its permissions.
    SetPermissions,
    /// Removing it.
    Remove,
    /// Locking it.
    Lock,
    /// Sharing the lock on it with children.
    ShareLock,
}

impl FileStep {
    fn is_reading(self) -> bool {
        matches!(self, Self::Open | Self::Inspect | Self::Read | Self::List)
    }
}

impl fmt::Display for FileStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Inspect => "look at",
            Self::Read => "read",
            Self::List => "list",
            Self::MakeDirectory => "make the directory",
            Self::Create => "create",
            Self::Write => "write",
            Self::Truncate => "cut",
            Self::Rename => "rename",
            Self::Seal => "seal",
            Self::SetPermissions => "set the permissions of",
            Self::Remove => "remove",
            Self::Lock => "lock",
            Self::ShareLock => "share the lock on",
        })
    }
}

/// A file or directory of ours could not be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnedFileError {
    /// The system refused.
    #[error("cannot {step} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        step: FileStep,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others own it, read it or write it.
    #[error("{path} {why}", path = path.display())]
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
    /// Another user can put something else in its place.
    #[error("{place} {why}, so another user can put something else in the place of {path}", place = place.display(), path = path.display())]
    Steerable {
        /// The file or directory.
        path: PathBuf,
        /// The step of its path that another user can change.
        place: PathBuf,
        /// Why that one can.
        why: String,
    },
    /// A link is in its place.
    #[error("{path} is a symbolic link", path = path.display())]
    Link {
        /// The place of the directory.
        path: PathBuf,
    },
    /// More than it may hold.
    #[error("{path} holds more than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: usize,
    },
    /// Someone else holds the lock.
    #[error("{path} has been locked by another process for {seconds} s", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl OwnedFileError {
    /// Makes the system's error one about `step` and `path`.
    pub fn of(step: FileStep, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            step,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the thing is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a thing that must not be there is there.
    pub fn is_already_there(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::NotOurs { path, .. }
            | Self::Link { path }
            | Self::TooLarge { path, .. }
            | Self::Locked { path, .. } => path,
            Self::Steerable { place, .. } => place,
        }
    }
}

impl Explain for OwnedFileError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Io { step, .. } if !step.is_reading() => ErrorCode::OutputNotWritten,
            Self::Io { .. } if self.is_not_found() => ErrorCode::FileMissing,
            Self::Io { .. } => ErrorCode::FileUnreadable,
            Self::NotOurs { .. } | Self::Steerable { .. } | Self::Link { .. } => {
                ErrorCode::StateNotPrivate
            }
            Self::TooLarge { .. } => ErrorCode::FileMalformed,
            Self::Locked { .. } => ErrorCode::LockHeld,
        }
    }

    fn hint(&self) -> Option<String> {
        let quoted = for_shell(self.path());
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space on the disk of the state directory".to_owned())
                }
                _ => None,
            },
            Self::NotOurs { user, mode, .. } => Some(format!(
                "change its owner and permissions: chown {user} {quoted}; chmod {mode} {quoted}"
            )),
            Self::Steerable { .. } => Some(format!(
                "let only root or this user change it (chmod go-w {quoted}), or name a directory elsewhere"
            )),
            Self::Link { .. } => Some(format!(
                "name the directory that it leads to, or remove the link: rm {quoted}"
            )),
            Self::TooLarge { .. } => Some("check that this is the right file".into()),
            Self::Locked { .. } => Some(format!(
                "find the process that holds it with `lsof {quoted}`, and end it"
            )),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        matches!(self, Self::Steerable { .. }).then_some(Remedy::NameStateDirectory)
    }

    fn place(&self) -> Place {
        Place::file(self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let hint = |kind: io::ErrorKind| {
            let error = OwnedFileError::of(FileStep::Write, Path::new("/s/log.json"));
            error(io::Error::from(kind)).hint()
        };
        for full in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert!(hint(full).unwrap().starts_with("free some space"));
        }
        assert_eq!(hint(io::ErrorKind::PermissionDenied), None);
    }
}
