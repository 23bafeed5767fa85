//! Writing a file so that it is always complete.
//!
//! The bytes go to a temporary file in the same directory, are forced to the disk, and then take the name in one
//! step; the directory is forced to the disk after it. A reader sees the old file or the new one, even after a crash.
//! A crash can leave a stray `.countersign-…` file behind, which nothing reads.
//!
//! A name that is a symlink is refused, not followed and not replaced: following would write to a place that was not
//! named, replacing would silently part the link from what others see through it.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::durable::{TEMPORARY_PREFIX, directory_of, sync_directory_of};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

/// The permissions a written file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// Those of the file it replaces; for a new file what the umask leaves of 0666.
    Keep,
    /// Exactly these, whatever the umask, as in `0o600`.
    Exactly(u32),
}

/// A file could not be written. What stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {kind}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub kind: WriteErrorKind,
}

impl Explain for WriteError {
    fn code(&self) -> ErrorCode {
        ErrorCode::OutputNotWritten
    }

    fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            WriteErrorKind::DirectoryMissing => "create the directory, or correct the path",
            WriteErrorKind::NotBelowDirectory => "check the spelling of each part of the path",
            WriteErrorKind::Directory => "name a file inside it",
            WriteErrorKind::SymbolicLink(_) => {
                "name the file that it points to, or remove the link"
            }
            WriteErrorKind::NotRegular => "name a regular file",
            WriteErrorKind::Occupied | WriteErrorKind::NotRecognised(_) => {
                "name another file, or remove this one if nobody needs it"
            }
            WriteErrorKind::OfAnother(_) => "name a file of this user",
            WriteErrorKind::Denied => {
                "grant it (chmod, chown), or run as a user who has the permission"
            }
            WriteErrorKind::ReadOnly => "choose a place on a writable file system",
            WriteErrorKind::NoSpace => "free some space; nothing was changed",
            WriteErrorKind::Io { .. } => "check the disk and the mount; nothing was changed",
        };
        Some(hint.to_owned())
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteErrorKind {
    /// The directory that it should lie in does not exist.
    #[error("its directory does not exist")]
    DirectoryMissing,
    /// A part of the path is a file, so nothing can lie below it.
    #[error("a part of the path is not a directory")]
    NotBelowDirectory,
    /// A directory has that name.
    #[error("it is a directory")]
    Directory,
    /// A symlink has that name.
    #[error("it is a symlink to {}", .0.display())]
    SymbolicLink(PathBuf),
    /// A pipe, a socket or a device has that name.
    #[error("it is a pipe, a socket or a device")]
    NotRegular,
    /// A file has that name, and none may.
    #[error("a file of that name is there by now")]
    Occupied,
    /// A file of another kind has that name; this is the kind that may be replaced.
    #[error("the file that is there is not {0}, so it is not replaced")]
    NotRecognised(&'static str),
    /// A file of the user with this id has that name.
    #[error("the file that is there belongs to user {0}, so it is not replaced")]
    OfAnother(u32),
    /// This user may not write there.
    #[error("this user has no permission to write there")]
    Denied,
    /// The file system is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// There is no room.
    #[error("the disk or the user's quota is full")]
    NoSpace,
    /// Anything else the system says.
    #[error("{step} failed: {source}")]
    Io {
        /// What was being done.
        step: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl WriteErrorKind {
    pub(super) fn of(step: &'static str, source: io::Error) -> Self {
        // By kind and not by number: the library for temporary files wraps what the system said.
        match source.kind() {
            io::ErrorKind::NotFound => Self::DirectoryMissing,
            io::ErrorKind::NotADirectory => Self::NotBelowDirectory,
            io::ErrorKind::IsADirectory => Self::Directory,
            io::ErrorKind::AlreadyExists => Self::Occupied,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { step, source },
        }
    }
}

/// Writes `bytes` to `path`, replacing the file that is there or creating it.
///
/// # Errors
/// The name belongs to something that is no regular file, or the system refuses; what was there before still is.
pub fn replace_atomically(path: &Path, bytes: &[u8], mode: FileMode) -> Result<(), WriteError> {
    write(path, bytes, mode, Existing::Replace).map_err(|kind| WriteError {
        path: path.to_owned(),
        kind,
    })
}

/// Writes `bytes` to `path`, where nothing may be: neither now nor when the file gets its name.
///
/// # Errors
/// Something has the name, or the system refuses.
pub fn create_atomically(path: &Path, bytes: &[u8], mode: FileMode) -> Result<(), WriteError> {
    write(path, bytes, mode, Existing::Refuse).map_err(|kind| WriteError {
        path: path.to_owned(),
        kind,
    })
}

/// Makes the directory at `path` and those above it that are not there.
///
/// # Errors
/// The system refuses, or something that is no directory has the name.
pub fn create_directories(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|source| WriteError {
        path: path.to_owned(),
        kind: WriteErrorKind::of("making the directory", source),
    })
}

/// A file could not be removed; it is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}: {source}", path.display())]
pub struct RemoveError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl Explain for RemoveError {
    fn code(&self) -> ErrorCode {
        ErrorCode::OutputNotWritten
    }

    fn hint(&self) -> Option<String> {
        Some("check the permissions of its directory".to_owned())
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

/// Removes the file at `path`.
///
/// # Errors
/// It is not there, or the system refuses.
pub fn remove(path: &Path) -> Result<(), RemoveError> {
    fs::remove_file(path).map_err(|source| RemoveError {
        path: path.to_owned(),
        source,
    })
}

/// Adds `bytes` to the end of the file at `path`, making it if it is not there: for files that somebody else collects, such
/// as a CI system's summary.
///
/// # Errors
/// It cannot be opened or written.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    options.open(path)?.write_all(bytes)
}

/// What becomes of a file that has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    Replace,
    Refuse,
}

fn write(
    path: &Path,
    bytes: &[u8],
    mode: FileMode,
    existing: Existing,
) -> Result<(), WriteErrorKind> {
    // `..`, `/` and the like name directories.
    if path.file_name().is_none() {
        return Err(WriteErrorKind::Directory);
    }
    let directory = directory_of(path);
    let found = mode_of_existing(path)?;
    let permissions = match mode {
        FileMode::Exactly(mode) => Some(mode),
        FileMode::Keep => found,
    };

    let step = |step: &'static str| move |source| WriteErrorKind::of(step, source);
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        // With a file to follow or a mode to set, nobody else sees the bytes before that is done.
        .permissions(Permissions::from_mode(match permissions {
            Some(_) => 0o600,
            None => 0o666,
        }))
        .tempfile_in(directory)
        .map_err(step("creating a temporary file beside it"))?;
    temporary
        .write_all(bytes)
        .map_err(step("writing a temporary file beside it"))?;
    if let Some(mode) = permissions {
        temporary
            .as_file()
            .set_permissions(Permissions::from_mode(mode))
            .map_err(step("setting its permissions"))?;
    }
    temporary
        .as_file()
        .sync_all()
        .map_err(step("syncing it to the disk"))?;
    let named = match existing {
        Existing::Replace => temporary.persist(path),
        Existing::Refuse => temporary.persist_noclobber(path),
    };
    named.map_err(|error| WriteErrorKind::of("renaming it", error.error))?;
    sync_directory_of(path).map_err(step("syncing its directory to the disk"))
}

/// The permissions of the regular file at `path`, `None` if nothing is there.
pub(super) fn mode_of_existing(path: &Path) -> Result<Option<u32>, WriteErrorKind> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(WriteErrorKind::of("looking at it", error)),
    };
    let kind = metadata.file_type();
    if kind.is_file() {
        Ok(Some(metadata.permissions().mode() & 0o7777))
    } else if kind.is_dir() {
        Err(WriteErrorKind::Directory)
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap_or_default();
        Err(WriteErrorKind::SymbolicLink(target))
    } else {
        Err(WriteErrorKind::NotRegular)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn refused(path: &Path) -> WriteErrorKind {
        let error = replace_atomically(path, b"new", FileMode::Keep).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(error.hint().is_some(), "{said}");
        assert_eq!(error.place(), Place::file(path));
        error.kind
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_kept_and_nothing_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.json");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace_atomically(&path, b"new", FileMode::Keep).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o640);
        replace_atomically(&path, b"newer", FileMode::Exactly(0o600)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(names(dir.path()), ["profiles.json"]);
    }

    #[test]
    fn a_new_file_gets_the_mode_asked_for_or_the_usual_one() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        replace_atomically(&at("secret"), b"", FileMode::Exactly(0o600)).unwrap();
        assert_eq!(mode(&at("secret")), 0o600);
        replace_atomically(&at("shared"), b"", FileMode::Exactly(0o666)).unwrap();
        assert_eq!(mode(&at("shared")), 0o666, "whatever the umask");
        replace_atomically(&at("usual"), b"", FileMode::Keep).unwrap();
        fs::write(at("like this"), b"").unwrap();
        assert_eq!(mode(&at("usual")), mode(&at("like this")));
    }

    #[test]
    fn what_is_no_regular_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        assert!(matches!(
            refused(&at("directory")),
            WriteErrorKind::Directory
        ));
        assert!(matches!(
            refused(&at("directory/..")),
            WriteErrorKind::Directory
        ));
        fs::write(at("target"), b"old").unwrap();
        symlink("target", at("link")).unwrap();
        match refused(&at("link")) {
            WriteErrorKind::SymbolicLink(target) => assert_eq!(target, Path::new("target")),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(at("target")).unwrap(), b"old");
        assert!(matches!(
            refused(Path::new("/dev/null")),
            WriteErrorKind::NotRegular
        ));
        assert_eq!(names(dir.path()), ["directory", "link", "target"]);
    }

    #[test]
    fn a_missing_directory_is_not_created() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert!(matches!(
            refused(&missing.join("file")),
            WriteErrorKind::DirectoryMissing
        ));
        assert!(!missing.exists());
        fs::write(&missing, b"").unwrap();
        assert!(matches!(
            refused(&missing.join("file")),
            WriteErrorKind::NotBelowDirectory
        ));
    }

    #[test]
    fn a_directory_without_permission_is_denied() {
        let dir = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: root may write everywhere");
            return;
        }
        fs::set_permissions(dir.path(), Permissions::from_mode(0o500)).unwrap();
        assert!(matches!(
            refused(&dir.path().join("file")),
            WriteErrorKind::Denied
        ));
    }
}
