//! Files and directories that only this user can use.
//!
//! Everything that the keychain rooms leave on a disk, for a second or for a year, lies in a directory with mode 0700 and
//! in files with mode 0600, is created without following links, and is replaced whole or not at all. A file that is found
//! is used only if it belongs to this user and nobody else can read it.

mod error;
mod lock;
mod ownership;
mod reserved;
mod shell;
mod tree;
mod unsteerable;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use self::error::{FileStep, OwnedFileError};
pub use self::lock::{Lock, open_lock_file, wait_for_lock};
use self::ownership::{DIRECTORY_MODE, FILE_MODE, check_metadata, not_ours};
pub use self::ownership::{Others, check_owned, check_regular, open_unfollowed};
pub use self::reserved::ReservedFile;
pub use self::shell::for_shell;
pub use self::tree::{OwnedDirectory, remove_directory};
pub use self::unsteerable::check_unsteerable;
use super::files::{
    TEMPORARY_PREFIX, directory_of, read_at_most, sync_directory_of, write_through,
};

/// Makes the directory, and those above it, if it is missing; a directory that is there must be ours and closed.
///
/// # Errors
/// It cannot be made, is not a directory, or others may enter it.
pub fn make_directory(path: &Path) -> Result<(), OwnedFileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(OwnedFileError::of(FileStep::MakeDirectory, path))?;
    let metadata = fs::metadata(path).map_err(OwnedFileError::of(FileStep::Inspect, path))?;
    check_metadata(path, &metadata, Others::MayNothing, DIRECTORY_MODE)
}

/// Checks that a file is a regular one of ours that nobody else can read or write.
///
/// # Errors
/// It is missing, or not so.
pub fn check_file(path: &Path) -> Result<(), OwnedFileError> {
    let metadata =
        fs::symlink_metadata(path).map_err(OwnedFileError::of(FileStep::Inspect, path))?;
    if !metadata.is_file() {
        return Err(not_ours(path, "is not a regular file".into(), FILE_MODE));
    }
    check_metadata(path, &metadata, Others::MayNothing, FILE_MODE)
}

/// Makes an empty file that must not be there yet, and opens it for writing.
///
/// # Errors
/// It is there, or cannot be made.
pub fn create_empty(path: &Path) -> Result<File, OwnedFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    open_unfollowed(&mut options, path).map_err(OwnedFileError::of(FileStep::Create, path))
}

/// Writes a file that must not be there yet, and waits until it is on the disk.
///
/// # Errors
/// It is there, or cannot be written; then no part of it is left.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    create_with(path, |file| write_through(file, bytes))
}

/// As [`create`], for a file that means nothing after the machine went down: nobody waits for the disk, and what is
/// removed soon enough never reaches it.
///
/// # Errors
/// As there.
pub fn create_unsynced(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    create_with(path, |mut file| file.write_all(bytes))
}

fn create_with(
    path: &Path,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), OwnedFileError> {
    let file = create_empty(path)?;
    write(&file).map_err(|source| {
        let _ = fs::remove_file(path);
        OwnedFileError::of(FileStep::Write, path)(source)
    })
}

/// Replaces a file whole, or makes it: a reader sees the old one or the new one.
///
/// # Errors
/// It cannot be written; then the old one is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    let write = || {
        // Such files have mode 0600 from their birth.
        let file = tempfile::Builder::new()
            .prefix(&prefix_of_half_written(path))
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory_of(path))?;
        write_through(file.as_file(), bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        sync_directory_of(path)
    };
    write().map_err(OwnedFileError::of(FileStep::Write, path))
}

/// Opens a file of ours for reading.
///
/// # Errors
/// It is missing, is no regular file, or is not ours alone.
pub fn open(path: &Path) -> Result<File, OwnedFileError> {
    let file = open_unfollowed(OpenOptions::new().read(true), path)
        .map_err(OwnedFileError::of(FileStep::Open, path))?;
    check_owned(&file, path, Others::MayNothing)?;
    Ok(file)
}

/// Reads a file of ours.
///
/// # Errors
/// It is missing, not ours alone, or longer than `limit` bytes.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, OwnedFileError> {
    let file = open(path)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let expected = usize::try_from(size).map_or(limit, |size| size.min(limit));
    read_at_most(file, limit, expected)
        .map_err(OwnedFileError::of(FileStep::Read, path))?
        .ok_or_else(|| OwnedFileError::TooLarge {
            path: path.to_owned(),
            limit,
        })
}

/// Removes a file; one that is not there is removed already.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), OwnedFileError> {
    missing_is_fine(fs::remove_file(path)).map_err(OwnedFileError::of(FileStep::Remove, path))
}

/// The files that [`replace`] left for `path` when its process died in the middle. To be removed only by a caller that
/// knows that nobody else is replacing it now.
pub fn half_written(path: &Path) -> Vec<PathBuf> {
    let prefix = prefix_of_half_written(path);
    let entries = path.parent().and_then(|parent| fs::read_dir(parent).ok());
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

fn prefix_of_half_written(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{TEMPORARY_PREFIX}{name}-")
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::error::Explain as _;

    #[test]
    fn what_is_written_is_ours_alone_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        create(&path, b"one").unwrap();
        assert!(create(&path, b"two").is_err(), "create-only");
        assert_eq!(read(&path, 3).unwrap(), b"one");
        replace(&path, b"three").unwrap();
        check_file(&path).unwrap();
        assert!(matches!(
            read(&path, 4),
            Err(OwnedFileError::TooLarge { .. })
        ));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let half = directory.path().join(".countersign-a-x1y2z3");
        fs::write(&half, b"thr").unwrap();
        fs::write(directory.path().join(".countersign-ab-x1y2z3"), b"").unwrap();
        assert_eq!(half_written(&path), [half]);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path, 9).unwrap_err().is_not_found());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        create(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        for error in [
            read(&path, 9).unwrap_err(),
            check_file(&path).unwrap_err(),
            Lock::acquire(&path, Duration::ZERO).unwrap_err(),
        ] {
            let hint = error.hint().unwrap();
            assert!(hint.contains("chmod 600"), "{hint}");
        }
        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        let hint = make_directory(&open).unwrap_err().hint().unwrap();
        assert!(hint.contains("chmod 700"), "{hint}");
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "a person's shell, which no product code starts"
    )]
    fn the_hint_can_be_pasted_into_a_shell_whatever_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("Application Support/it's $HOME; `x`");
        fs::create_dir(path.parent().unwrap()).unwrap();
        create(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let hint = check_file(&path).unwrap_err().hint().unwrap();
        let (_, commands) = hint.split_once(": ").unwrap();
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", commands])
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.is_empty(), "{said}");
        check_file(&path).unwrap();
    }

    #[test]
    fn links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("t"), directory.path().join("l"));
        create(&target, b"x").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(read(&link, 9).is_err());
        assert!(create(&link, b"y").is_err());
        assert!(check_file(&link).is_err());
        replace(&link, b"z").unwrap();
        assert_eq!(
            fs::read(&target).unwrap(),
            b"x",
            "the link was replaced, not its target"
        );
    }
}
