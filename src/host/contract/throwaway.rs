//! A directory for one run of the contract suite, that somebody else can find and remove if the suite is killed.
//!
//! A suite holds the lease of its directory for as long as it lives. A directory whose lease is free belongs to a suite that
//! was killed: whoever takes the lease may clear it away. The directory gets its name only when the lease is held, so nobody
//! takes a directory that is just being made for one that was left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::owned_files::{self, FileStep, Lock, OwnedFileError};
use crate::host::random;

/// How the directories are called.
const PREFIX: &str = "countersign-contract-";
/// How one is called that is being made.
const UNFINISHED: &str = ".countersign-contract-";
/// Who holds this lives.
const LEASE: &str = "lease";

/// A directory of one suite, and the right to remove it.
#[derive(Debug)]
pub struct Throwaway {
    path: PathBuf,
    _lease: Lock,
}

impl Throwaway {
    /// Makes one below `base`, which holds temporary files. Only this user can look into it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(base: &Path) -> Result<Self, OwnedFileError> {
        // macOS's temporary directory is reached through a link, and its tools name files as they are.
        let base = base
            .canonicalize()
            .map_err(OwnedFileError::of(FileStep::Inspect, base))?;
        let name =
            random::hex::<8>().map_err(OwnedFileError::of(FileStep::MakeDirectory, &base))?;
        let unfinished = base.join(format!("{UNFINISHED}{name}"));
        let path = base.join(format!("{PREFIX}{name}"));
        owned_files::make_directory(&unfinished)?;
        let made =
            Lock::acquire(&unfinished.join(LEASE), std::time::Duration::ZERO).and_then(|lease| {
                fs::rename(&unfinished, &path)
                    .map_err(OwnedFileError::of(FileStep::Rename, &path))?;
                Ok(lease)
            });
        match made {
            Ok(lease) => Ok(Self {
                path,
                _lease: lease,
            }),
            Err(error) => {
                let _ = owned_files::remove_directory(&unfinished);
                Err(error)
            }
        }
    }

    /// Those below `base` that suites left which were killed, each with the right to remove it. What is another user's, or a
    /// link, is not looked into.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn left_in(base: &Path) -> io::Result<Vec<Self>> {
        let mut left = Vec::new();
        for entry in fs::read_dir(base)? {
            let name = entry?.file_name();
            if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                continue;
            }
            let path = base.canonicalize()?.join(name);
            // Ours alone, or nobody's business of ours; and a directory without a lease is none of ours either.
            let lease = path.join(LEASE);
            if owned_files::OwnedDirectory::open(&path).is_err()
                || owned_files::check_file(&lease).is_err()
            {
                continue;
            }
            if let Ok(lease) = Lock::acquire(&lease, std::time::Duration::ZERO) {
                left.push(Self {
                    path,
                    _lease: lease,
                });
            }
        }
        Ok(left)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// Something is left.
    pub fn remove(self) -> Result<(), OwnedFileError> {
        owned_files::remove_directory(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_directory_is_left_only_when_its_suite_is_gone() {
        let base = tempfile::tempdir().unwrap();
        let suite = Throwaway::make(base.path()).unwrap();
        let path = suite.path().to_owned();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(Throwaway::left_in(base.path()).unwrap().is_empty());
        // The suite is killed: what it held, the system lets go.
        drop(suite);
        let mut left = Throwaway::left_in(base.path()).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].path(), path);
        // It is one suite's at a time.
        assert!(Throwaway::left_in(base.path()).unwrap().is_empty());
        left.remove(0).remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_is_not_ours_alone_stays() {
        let base = tempfile::tempdir().unwrap();
        let open = base.path().join(format!("{PREFIX}open"));
        fs::create_dir(&open).unwrap();
        fs::write(open.join(LEASE), b"").unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let target = base.path().join("target");
        owned_files::make_directory(&target).unwrap();
        owned_files::create(&target.join(LEASE), b"").unwrap();
        symlink(&target, base.path().join(format!("{PREFIX}link"))).unwrap();
        let without = base.path().join(format!("{PREFIX}without"));
        owned_files::make_directory(&without).unwrap();
        assert!(Throwaway::left_in(base.path()).unwrap().is_empty());
    }
}
