//! Locks between processes: one writer at a time.
//!
//! A lock is an advisory lock (`flock`) on a file that exists for nothing else. It ends with the process, however that
//! ends, so there is no stale lock to clean up, and the file is never removed: removing it would let two processes hold
//! locks on two files of one name. The descriptor is not inherited by children.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Holds the lock until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    _file: File,
}

/// A lock could not be taken, for another reason than that somebody holds it.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock {}: {reason}; {}", path.display(), reason.remedy())]
pub struct LockError {
    /// The lock file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub reason: LockErrorReason,
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockErrorReason {
    /// The directory that it should lie in does not exist.
    #[error("its directory does not exist")]
    DirectoryMissing,
    /// It is a symlink, a directory, a pipe …
    #[error("it is not a regular file")]
    NotRegular,
    /// This user may not write there.
    #[error("this user has no permission to write it")]
    Denied,
    /// Anything else the system says.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl LockErrorReason {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::DirectoryMissing => "create it, or name another state directory",
            Self::NotRegular => "remove it: lock files are created as needed",
            Self::Denied => "grant it (chmod, chown), or name another state directory",
            Self::Io(_) => {
                "locks need a local file system: is the state directory on a network share?"
            }
        }
    }
}

impl Lock {
    /// Takes the lock, waiting for whoever holds it.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let file = open(path)?;
        loop {
            match file.lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // A signal that we handle came in while waiting.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(path, LockErrorReason::Io(error))),
            }
        }
    }

    /// Takes the lock if nobody holds it; `None` if somebody does.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, LockError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(path, LockErrorReason::Io(error))),
        }
    }
}

/// Opens the lock file, creating it for this user alone. A symlink is not followed: in a directory that others can
/// write to it would make us create files of their choosing.
fn open(path: &Path) -> Result<File, LockError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| {
        let reason = match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => LockErrorReason::DirectoryMissing,
            Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => LockErrorReason::NotRegular,
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => LockErrorReason::Denied,
            _ => LockErrorReason::Io(error),
        };
        failed(path, reason)
    })?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(failed(path, LockErrorReason::NotRegular)),
        Err(error) => Err(failed(path, LockErrorReason::Io(error))),
    }
}

fn failed(path: &Path, reason: LockErrorReason) -> LockError {
    LockError {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_holds_it_and_the_next_gets_it_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::acquire(&path).unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop(held);
        let again = Lock::try_acquire(&path).unwrap();
        assert!(again.is_some());
        assert!(path.exists(), "the file stays");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn waiting_ends_when_the_holder_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::acquire(&path).unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let path = &path;
            scope.spawn(move || {
                let _lock = Lock::acquire(path).unwrap();
                sender.send("waiter").unwrap();
            });
            assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty));
            drop(held);
            assert_eq!(receiver.recv(), Ok("waiter"));
        });
    }

    #[test]
    fn a_lock_that_cannot_be_is_an_error_not_a_wait() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let reason = |path: &Path| {
            let error = Lock::try_acquire(path).unwrap_err();
            assert!(
                error.to_string().ends_with(error.reason.remedy()),
                "{error}"
            );
            error.reason
        };
        assert!(matches!(
            reason(&at("missing/lock")),
            LockErrorReason::DirectoryMissing
        ));
        assert!(matches!(reason(dir.path()), LockErrorReason::NotRegular));
        symlink("elsewhere", at("link")).unwrap();
        assert!(matches!(reason(&at("link")), LockErrorReason::NotRegular));
        assert!(!at("elsewhere").exists());
        assert!(matches!(
            reason(Path::new("/dev/null")),
            LockErrorReason::NotRegular
        ));
    }
}
