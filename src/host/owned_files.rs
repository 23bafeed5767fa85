//! Files and directories that are this user's alone.
//!
//! Everything that the keychain rooms leave on a disk, for a second or for a year, lies in a directory with mode 0700 and
//! in files with mode 0600, is created without following links, and is replaced whole or not at all. What is found is
//! believed only when it belongs to us and nobody else can read it.

mod error;
mod lock;
mod ownership;
mod reserved;
mod shell;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use self::error::OwnedFileError;
use self::error::io_error;
pub use self::lock::{Lock, open_lock_file};
use self::ownership::{check_ours, no_follow, not_ours};
pub use self::reserved::ReservedFile;
pub use self::shell::for_shell;

/// Makes the directory, and those above it, if it is missing; a directory that is there must be ours and closed.
///
/// # Errors
/// It cannot be made, is not a directory, or others may enter it.
pub fn make_directory(path: &Path) -> Result<(), OwnedFileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io_error("make the directory", path))?;
    let metadata = fs::metadata(path).map_err(io_error("look at", path))?;
    check_ours(path, &metadata, 0o077, "700")
}

/// Believes a file only when it is a regular file of ours that nobody else can read or write.
///
/// # Errors
/// It is missing, or not so.
pub fn check_file(path: &Path) -> Result<(), OwnedFileError> {
    let metadata = fs::symlink_metadata(path).map_err(io_error("look at", path))?;
    if !metadata.is_file() {
        return Err(not_ours(path, "is not a regular file".into(), "600"));
    }
    check_ours(path, &metadata, 0o077, "600")
}

/// Makes an empty file that must not be there yet, and opens it for writing.
///
/// # Errors
/// It is there, or cannot be made.
pub fn create_empty(path: &Path) -> Result<File, OwnedFileError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .map_err(io_error("create", path))
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// It is there, or cannot be written; then no part of it is left.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    create_then(path, bytes, File::sync_data)
}

/// As [`create`], for a file that means nothing after the machine went down: nobody waits for the disk, and what is
/// removed soon enough never reaches it.
///
/// # Errors
/// As there.
pub fn create_unsynced(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    create_then(path, bytes, |_| Ok(()))
}

fn create_then(
    path: &Path,
    bytes: &[u8],
    settle: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), OwnedFileError> {
    let mut file = create_empty(path)?;
    let written = file.write_all(bytes).and_then(|()| settle(&file));
    written.map_err(|source| {
        let _ = fs::remove_file(path);
        io_error("write", path)(source)
    })
}

/// Replaces a file whole, or makes it: a reader sees the old one or the new one.
///
/// # Errors
/// It cannot be written; then the old one is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), OwnedFileError> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{TEMPORARY}{name}-");
    let write = || {
        // Such files have mode 0600 from their birth.
        let mut file = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(io_error("write", path))
}

/// Reads a file of ours.
///
/// # Errors
/// It is missing, not ours alone, or longer than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, OwnedFileError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
        .map_err(io_error("open", path))?;
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    if !metadata.is_file() {
        return Err(not_ours(path, "is not a regular file".into(), "600"));
    }
    check_ours(path, &metadata, 0o077, "600")?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io_error("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(OwnedFileError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Removes a file; one that is not there is removed already.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), OwnedFileError> {
    missing_is_fine(fs::remove_file(path)).map_err(io_error("remove", path))
}

/// The files that [`replace`] left for `path` when its process died in the middle. To be removed only by who knows that
/// nobody else is replacing it now.
pub fn half_written(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{TEMPORARY}{name}-");
    let entries = path.parent().and_then(|parent| fs::read_dir(parent).ok());
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

/// Removes a directory with all that is in it; one that is not there is removed already.
///
/// # Errors
/// It cannot be removed.
pub fn remove_directory(path: &Path) -> Result<(), OwnedFileError> {
    missing_is_fine(fs::remove_dir_all(path)).map_err(io_error("remove", path))
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// How files are called before they are moved into place; `recover` knows them by it.
pub const TEMPORARY: &str = ".countersign-";

/// Where tools are noted while they run, below the state directory.
pub const TOOLS: &str = "tools";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::process::{Bounds, Tool, run};

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
    fn what_others_can_read_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        create(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        for error in [
            read(&path, 9).unwrap_err(),
            check_file(&path).unwrap_err(),
            Lock::acquire(&path, Duration::ZERO).unwrap_err(),
        ] {
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        assert!(
            make_directory(&open)
                .unwrap_err()
                .to_string()
                .contains("chmod 700")
        );
    }

    #[test]
    fn the_remedy_can_be_pasted_into_a_shell_whatever_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("Application Support/it's $HOME; `x`");
        fs::create_dir(path.parent().unwrap()).unwrap();
        create(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = check_file(&path).unwrap_err().to_string();
        let (_, remedy) = error.split_once(" with `").unwrap();
        let shell = Tool::new("/bin/sh")
            .args(["-c", remedy.strip_suffix('`').unwrap()])
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        let bounds = Bounds {
            time: Duration::from_secs(30),
            output: 4_096,
        };
        let output = run(&shell, b"", bounds).unwrap();
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

    #[test]
    fn a_lock_is_held_by_one_and_ends_with_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::acquire(&path, Duration::ZERO).unwrap();
        assert!(matches!(
            Lock::acquire(&path, Duration::ZERO),
            Err(OwnedFileError::Locked { .. })
        ));
        drop(lock);
        Lock::acquire(&path, Duration::ZERO).unwrap();
    }
}
