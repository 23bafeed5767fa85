//! The log, opened before it is needed: when a process may open nothing more, its last records can still be written.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use super::segment::is_same_file;
use crate::host::owned_files::open_unfollowed;

/// Open files of the log. Each is good for one record, because a lock on a file ends when the file is closed.
#[derive(Debug, Default)]
pub(super) struct HeldFiles(Mutex<Vec<File>>);

impl HeldFiles {
    /// Opens as many as a run still writes records when its keychain is closed: the closing, the end of the command, and one
    /// each that fails before.
    ///
    /// # Errors
    /// It cannot be opened so often. A log that is not there is none.
    pub(super) fn open(&self, path: &Path) -> io::Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while held.len() < MOST {
            match open_unfollowed(OpenOptions::new().read(true).append(true), path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                opened => held.push(opened?),
            }
        }
        Ok(())
    }

    /// A file that is held, if the log could not be opened because of `error` and opening anything would fail so.
    ///
    /// # Errors
    /// `error`, if it is another, or nothing is held and nothing can be opened.
    pub(super) fn instead_of(&self, path: &Path, error: io::Error) -> io::Result<File> {
        if !is_descriptor_limit(&error) {
            return Err(error);
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = held.pop();
        if is_same_file(file.as_ref(), path)? {
            return file.ok_or(error);
        }
        // The log was sealed since. What is closed here may make the room that the new file needs.
        drop(file);
        open_unfollowed(OpenOptions::new().read(true).append(true), path)
    }
}

/// Whether something failed because this process, or the machine, may open nothing more.
pub(super) fn is_descriptor_limit(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let errno = cause.downcast_ref().and_then(Errno::from_io_error);
        errno.is_some_and(|errno| [Errno::MFILE, Errno::NFILE, Errno::NOMEM].contains(&errno))
    })
}

/// How many files are held.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::owned_files::{FileStep, OwnedFileError};

    #[test]
    fn a_file_that_is_held_stands_in_only_at_a_limit_and_only_for_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let held = HeldFiles::default();
        held.open(&path).unwrap();
        let limit = || io::Error::from(Errno::MFILE);
        assert!(held.instead_of(&path, limit()).is_err(), "none is there");
        fs::write(&path, b"").unwrap();
        held.open(&path).unwrap();
        let denied = io::Error::from(Errno::ACCESS);
        assert!(held.instead_of(&path, denied).is_err());
        assert_eq!(held.0.lock().unwrap().len(), MOST, "none is used up");
        for _ in 0..MOST - 1 {
            assert!(held.instead_of(&path, limit()).is_ok());
        }
        // The log is sealed: its name leads to another file.
        fs::rename(&path, directory.path().join("sealed")).unwrap();
        fs::write(&path, b"new").unwrap();
        let new = held.instead_of(&path, limit()).unwrap();
        assert!(is_same_file(Some(&new), &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(held.instead_of(&path, limit()).is_err(), "no log");
    }

    #[test]
    fn a_limit_is_seen_behind_an_error_of_ours() {
        let behind =
            |errno| OwnedFileError::of(FileStep::Open, Path::new("log"))(io::Error::from(errno));
        assert!(is_descriptor_limit(&behind(Errno::MFILE)));
        assert!(!is_descriptor_limit(&behind(Errno::ACCESS)));
    }
}
