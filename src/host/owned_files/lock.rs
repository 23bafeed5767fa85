//! A lock that one process at a time holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::FdFlags;

use super::error::{FileStep, OwnedFileError};
use super::ownership::{Others, check_owned, open_unfollowed};

/// A lock that one process at a time holds; it ends with the value, or with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock at `path`, making its file if need be, and waits for it at most for `patience`.
    ///
    /// # Errors
    /// The file cannot be opened, or somebody else holds the lock for all that time.
    pub fn acquire(path: &Path, patience: Duration) -> Result<Self, OwnedFileError> {
        let file = open_lock_file(path)?;
        wait_for_lock(path, patience, || file.try_lock())?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// The same, but gives up as soon as `stop` says so: then there is no lock and no error.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn acquire_unless(
        path: &Path,
        patience: Duration,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Self>, OwnedFileError> {
        let file = open_lock_file(path)?;
        let mut is_stopped = false;
        wait_for_lock(path, patience, || match file.try_lock() {
            Err(TryLockError::WouldBlock) if stop() => {
                is_stopped = true;
                Ok(())
            }
            tried => tried,
        })?;
        Ok((!is_stopped).then(|| Self {
            file,
            path: path.to_owned(),
        }))
    }

    /// From now on every process that this one starts holds the lock too, for as long as it lives. When this process is
    /// killed while a tool still works, the next holder of the lock knows that the tool has ended.
    ///
    /// # Errors
    /// The system refuses.
    pub fn share_with_children(&self) -> Result<(), OwnedFileError> {
        rustix::io::fcntl_setfd(&self.file, FdFlags::empty())
            .map_err(|error| OwnedFileError::of(FileStep::ShareLock, &self.path)(error.into()))
    }
}

/// Opens (or makes) a file that is only there to be locked.
///
/// # Errors
/// It cannot be opened or is not ours.
pub fn open_lock_file(path: &Path) -> Result<File, OwnedFileError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let file =
        open_unfollowed(&mut options, path).map_err(OwnedFileError::of(FileStep::Open, path))?;
    check_owned(&file, path, Others::MayNothing)?;
    Ok(file)
}

/// Tries `attempt`, which locks the file at `path`, until it succeeds, but not for ever: a stopped process may hold the
/// lock, and a build that hangs in silence is worse than one that says why it stops.
///
/// # Errors
/// Somebody else holds the lock for longer than `patience`; the system refuses.
pub fn wait_for_lock(
    path: &Path,
    patience: Duration,
    mut attempt: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), OwnedFileError> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => {
                return Err(OwnedFileError::of(FileStep::Lock, path)(source));
            }
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(OwnedFileError::Locked {
                    path: path.to_owned(),
                    seconds: patience.as_secs(),
                });
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_ends_with_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::acquire(&path, Duration::ZERO).unwrap();
        assert!(matches!(
            Lock::acquire(&path, Duration::ZERO),
            Err(OwnedFileError::Locked { .. })
        ));
        let stopped = Lock::acquire_unless(&path, Duration::from_secs(60), &mut || true);
        assert!(stopped.unwrap().is_none());
        drop(lock);
        Lock::acquire(&path, Duration::ZERO).unwrap();
    }
}
