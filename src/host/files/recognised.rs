//! A file that is known by its content: what stands at its path is replaced or removed only if it is such a file too.
//!
//! People name the path, and they make mistakes: they name the policy, the manifest, or a file of somebody else. So the file
//! that is there must be a regular one of this user, no link leads to it, and it is read before it is touched. It is read
//! again at the moment of the change, because minutes may lie between the question and the answer.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::durable::directory_of;
use super::read::read_at_most;
use super::write::{
    FileMode, WriteError, WriteErrorKind, create_atomically, mode_of_existing, replace_atomically,
};

/// The place of a file that is known by its content.
#[derive(Debug, Clone)]
pub struct RecognisedFile {
    path: PathBuf,
    kind: FileKind,
}

/// A kind of file.
#[derive(Debug, Clone, Copy)]
pub struct FileKind {
    /// Its name with an article, for messages: `an envelope`.
    pub name: &'static str,
    /// Whether bytes are such a file.
    pub recognises: fn(&[u8]) -> bool,
    /// The most bytes that such a file has.
    pub limit: usize,
}

impl RecognisedFile {
    /// The place at `path`, where a file of this kind or nothing is.
    ///
    /// # Errors
    /// Something else is there, or its directory is not.
    pub fn new(path: &Path, kind: FileKind) -> Result<Self, WriteError> {
        let place = Self {
            path: path.to_owned(),
            kind,
        };
        place.is_there()?;
        Ok(place)
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, whole or not at all, in the place of an earlier one or of nothing.
    ///
    /// # Errors
    /// Something else is there by now, or the system refuses; what was there still is.
    pub fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match self.is_there()? {
            true => replace_atomically(&self.path, bytes, FileMode::Keep),
            false => create_atomically(&self.path, bytes, FileMode::Keep),
        }
    }

    /// Removes an earlier file. Says whether there was one.
    ///
    /// # Errors
    /// Something else is there by now, or the system refuses; what was there still is.
    pub fn remove(&self) -> Result<bool, WriteError> {
        let is_there = self.is_there()?;
        if is_there {
            let removing = |source| self.error(WriteErrorKind::of("removing it", source));
            fs::remove_file(&self.path).map_err(removing)?;
        }
        Ok(is_there)
    }

    /// Whether an earlier file is there.
    fn is_there(&self) -> Result<bool, WriteError> {
        self.look().map_err(|kind| self.error(kind))
    }

    fn error(&self, kind: WriteErrorKind) -> WriteError {
        WriteError {
            path: self.path.clone(),
            kind,
        }
    }

    fn look(&self) -> Result<bool, WriteErrorKind> {
        if mode_of_existing(&self.path)?.is_none() {
            // Said now and not after minutes: the file could not be made either.
            return match fs::metadata(directory_of(&self.path)) {
                Ok(metadata) if metadata.is_dir() => Ok(false),
                Ok(_) => Err(WriteErrorKind::NotBelowDirectory),
                Err(error) => Err(WriteErrorKind::of("looking at its directory", error)),
            };
        }
        let looking = |source: io::Error| WriteErrorKind::of("looking at it", source);
        // The name may mean something else by now: a link is not followed, nobody is waited for, and the open file is asked.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&self.path)
            .map_err(looking)?;
        let metadata = file.metadata().map_err(looking)?;
        if !metadata.is_file() {
            return Err(WriteErrorKind::NotRegular);
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(WriteErrorKind::OfAnother(metadata.uid()));
        }
        let bytes = read_at_most(file, self.kind.limit, 0).map_err(looking)?;
        match bytes.is_some_and(|bytes| (self.kind.recognises)(&bytes)) {
            true => Ok(true),
            false => Err(WriteErrorKind::NotRecognised(self.kind.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const NOTE: FileKind = FileKind {
        name: "a note",
        recognises: |bytes| bytes.starts_with(b"note"),
        limit: 16,
    };

    #[test]
    fn a_file_of_the_kind_is_made_replaced_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let place = RecognisedFile::new(&path, NOTE).unwrap();
        assert!(!place.remove().unwrap());
        place.write(b"note one").unwrap();
        RecognisedFile::new(&path, NOTE)
            .unwrap()
            .write(b"note two")
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"note two");
        assert!(place.remove().unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn another_file_stays_whenever_it_comes() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("letter"), "letter").unwrap();
        fs::write(at("long"), "note that is far too long").unwrap();
        fs::write(at("note"), "note").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink("note", at("link")).unwrap();
        let refused = |name: &str| RecognisedFile::new(&at(name), NOTE).unwrap_err().kind;
        assert!(matches!(
            refused("letter"),
            WriteErrorKind::NotRecognised("a note")
        ));
        assert!(matches!(refused("long"), WriteErrorKind::NotRecognised(_)));
        assert!(matches!(refused("folder"), WriteErrorKind::Directory));
        assert!(matches!(refused("link"), WriteErrorKind::SymbolicLink(_)));
        assert!(matches!(
            refused("no/note"),
            WriteErrorKind::DirectoryMissing
        ));
        assert!(matches!(
            refused("note/note"),
            WriteErrorKind::NotBelowDirectory
        ));
        // It came after the question.
        let place = RecognisedFile::new(&at("later"), NOTE).unwrap();
        fs::write(at("later"), "letter").unwrap();
        place.write(b"note").unwrap_err();
        place.remove().unwrap_err();
        assert_eq!(fs::read(at("later")).unwrap(), b"letter");
        assert_eq!(fs::read(at("letter")).unwrap(), b"letter");
    }

    #[test]
    fn a_name_that_is_taken_in_the_last_moment_is_not_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "letter").unwrap();
        let error = create_atomically(&path, b"note", FileMode::Keep).unwrap_err();
        assert!(matches!(error.kind, WriteErrorKind::Occupied), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"letter");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
