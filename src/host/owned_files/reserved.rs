//! A file that is created empty, before its content exists.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::{FileStep, OwnedFileError};
use super::{create_empty, make_directory};
use crate::host::files::write_through;

/// A new, empty file that is written once. One that stays empty says that whoever reserved it did not come to its end.
#[derive(Debug)]
pub struct ReservedFile {
    file: File,
    path: PathBuf,
}

impl ReservedFile {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file; its directory must be there.
    ///
    /// # Errors
    /// The file is there already, or cannot be made.
    pub fn new(path: &Path) -> Result<Self, OwnedFileError> {
        Ok(Self {
            file: create_empty(path)?,
            path: path.to_owned(),
        })
    }

    /// The same, with a directory that is made if it is not there.
    ///
    /// # Errors
    /// As [`new`](Self::new); or the directory cannot be made, or is not this user's alone.
    pub fn in_own_directory(path: &Path) -> Result<Self, OwnedFileError> {
        if let Some(directory) = path.parent() {
            make_directory(directory)?;
        }
        Self::new(path)
    }

    /// Writes it whole, through to the disk.
    ///
    /// # Errors
    /// It cannot be written; then it is empty, if the system lets us do that.
    pub fn write(self, bytes: &[u8]) -> Result<(), OwnedFileError> {
        write_through(&self.file, bytes).map_err(|source| {
            // Nothing rather than a part.
            let _ = self.file.set_len(0);
            OwnedFileError::of(FileStep::Write, &self.path)(source)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_reserved_file_is_empty_until_it_is_written_and_never_replaces_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("receipts/one");
        let file = ReservedFile::in_own_directory(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(ReservedFile::new(&path).unwrap_err().is_already_there());
        file.write(b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let nowhere = directory.path().join("nowhere/one");
        assert!(ReservedFile::new(&nowhere).unwrap_err().is_not_found());
    }
}
