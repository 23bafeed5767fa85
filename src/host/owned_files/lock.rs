//! A lock that one process at a time holds.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::FdFlags;

use super::error::{OwnedFileError, io_error};
use super::ownership::{check_ours, no_follow};

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
        let locked = || OwnedFileError::Locked {
            path: path.to_owned(),
            seconds: patience.as_secs(),
        };
        Self::acquire_unless(path, patience, &mut || false)?.ok_or_else(locked)
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
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Some(Self {
                        file,
                        path: path.to_owned(),
                    }));
                }
                Err(fs::TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
                Err(fs::TryLockError::WouldBlock) if stop() => return Ok(None),
                Err(fs::TryLockError::WouldBlock) if start.elapsed() >= patience => {
                    return Err(OwnedFileError::Locked {
                        path: path.to_owned(),
                        seconds: patience.as_secs(),
                    });
                }
                Err(fs::TryLockError::WouldBlock) => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(10));
                }
            }
        }
    }

    /// From now on every process that this one starts holds the lock too, for as long as it lives: when we are killed
    /// while a tool of ours still works, whoever takes the lock next knows that the tool has come to its end.
    ///
    /// # Errors
    /// The system refuses.
    pub fn share_with_children(&self) -> Result<(), OwnedFileError> {
        rustix::io::fcntl_setfd(&self.file, FdFlags::empty())
            .map_err(|error| io_error("share the lock on", &self.path)(error.into()))
    }
}

/// Opens (or makes) a file that is only there to be locked.
///
/// # Errors
/// It cannot be opened or is not ours.
pub fn open_lock_file(path: &Path) -> Result<File, OwnedFileError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .map_err(io_error("open", path))?;
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    check_ours(path, &metadata, 0o077, "600")?;
    Ok(file)
}
