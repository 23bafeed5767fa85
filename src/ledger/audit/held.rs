//! The log, opened before it is needed: when a process may open nothing more, its last records can still be written.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

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
    /// `error`, if nothing is held, or the log is another file by now.
    pub(super) fn instead_of(&self, path: &Path, error: io::Error) -> io::Result<File> {
        let is_limit = [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
            .iter()
            .any(|limit| Errno::from_io_error(&error) == Some(*limit));
        if !is_limit {
            return Err(error);
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.pop().filter(|file| is_at(file, path)).ok_or(error)
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let file = file.metadata().ok().map(place);
    file.is_some() && file == fs::symlink_metadata(path).ok().map(place)
}

/// How many files are held.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

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
        for _ in 0..MOST - 1 {
            assert!(held.instead_of(&path, limit()).is_ok());
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"").unwrap();
        assert!(held.instead_of(&path, limit()).is_err(), "another log");
        assert!(held.instead_of(&path, limit()).is_err(), "no more");
    }
}
