//! Removing what lies in a directory of ours, through a descriptor that was opened before: where the directory is now, what it
//! is called and whether another one can be opened does not matter then.
//!
//! Links are removed, never followed. What somebody closed to its owner (`chmod 000`) is opened again first.

use std::ffi::{CStr, CString};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, chmodat, fchmod, openat, unlinkat};
use rustix::io::Errno;

use super::error::{FileStep, OwnedFileError};
use super::ownership::{Others, check_directory};

/// A directory of ours that is held open.
#[derive(Debug)]
pub struct OwnedDirectory {
    directory: Dir,
    path: PathBuf,
}

impl OwnedDirectory {
    /// Opens the directory at `path`, which must be there.
    ///
    /// # Errors
    /// It is missing, is a link or no directory, or is not this user's alone.
    pub fn open(path: &Path) -> Result<Self, OwnedFileError> {
        let directory = open_below(CWD, path).map_err(of(FileStep::Open, path))?;
        check_directory(&directory, path, Others::MayNothing)?;
        Ok(Self {
            directory: Dir::new(directory).map_err(of(FileStep::Open, path))?,
            path: path.to_owned(),
        })
    }

    /// The names of what lies in it now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&mut self) -> Result<Vec<CString>, OwnedFileError> {
        names(&mut self.directory).map_err(of(FileStep::List, &self.path))
    }

    /// Removes everything in it. Files need no further descriptor, directories in it do.
    ///
    /// # Errors
    /// Something is left.
    pub fn clear(&mut self) -> Result<(), OwnedFileError> {
        clear(&mut self.directory, DEEPEST).map_err(of(FileStep::Remove, &self.path))
    }

    /// Removes one thing in it, with all that is in that; what is not there is removed already.
    ///
    /// # Errors
    /// Something of it is left.
    pub fn remove(&self, name: &CStr) -> Result<(), OwnedFileError> {
        let fd = self.directory.fd();
        fd.and_then(|directory| remove(directory, name, DEEPEST))
            .map_err(of(FileStep::Remove, &self.path))
    }

    /// Removes an empty directory in it; one that is not there is removed already.
    ///
    /// # Errors
    /// It is not empty, or the system refuses.
    pub fn remove_empty(&self, name: &CStr) -> Result<(), OwnedFileError> {
        let fd = self.directory.fd();
        fd.and_then(|directory| {
            let _ = fchmod(directory, Mode::RWXU);
            missing_is_fine(unlinkat(directory, name, AtFlags::REMOVEDIR))
        })
        .map_err(of(FileStep::Remove, &self.path))
    }
}

/// Removes a directory with all that is in it; one that is not there is removed already. A link in its place is removed as
/// what it is.
///
/// # Errors
/// Something of it is left.
pub fn remove_directory(path: &Path) -> Result<(), OwnedFileError> {
    remove(CWD, path, DEEPEST).map_err(of(FileStep::Remove, path))
}

fn remove<F: rustix::fd::AsFd>(
    directory: F,
    name: impl rustix::path::Arg + Copy,
    depth: u32,
) -> Result<(), Errno> {
    match unlinkat(&directory, name, AtFlags::empty()) {
        // Linux says the one of a directory, POSIX the other.
        Err(Errno::ISDIR | Errno::PERM) => {}
        unlinked => return missing_is_fine(unlinked),
    }
    let depth = depth.checked_sub(1).ok_or(Errno::LOOP)?;
    let opened = match open_below(&directory, name) {
        Err(Errno::ACCESS) => {
            chmodat(&directory, name, Mode::RWXU, AtFlags::empty())?;
            open_below(&directory, name)
        }
        opened => opened,
    };
    match opened {
        Err(Errno::NOENT) => return Ok(()),
        opened => clear(&mut Dir::new(opened?)?, depth)?,
    }
    missing_is_fine(unlinkat(&directory, name, AtFlags::REMOVEDIR))
}

fn clear(directory: &mut Dir, depth: u32) -> Result<(), Errno> {
    // Whoever may not write in it may not remove from it.
    let _ = fchmod(directory.fd()?, Mode::RWXU);
    let mut result = Ok(());
    for name in names(directory)? {
        // What cannot be removed keeps nothing else.
        result = result.and(remove(directory.fd()?, name.as_c_str(), depth));
    }
    result
}

fn names(directory: &mut Dir) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    directory.rewind();
    while let Some(entry) = directory.read() {
        let entry = match entry {
            // It was removed while we hold it.
            Err(Errno::NOENT) => break,
            entry => entry?,
        };
        if ![c".", c".."].contains(&entry.file_name()) {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

fn open_below<F: rustix::fd::AsFd>(
    directory: F,
    name: impl rustix::path::Arg,
) -> Result<rustix::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

fn missing_is_fine(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn of(step: FileStep, path: &Path) -> impl FnOnce(Errno) -> OwnedFileError {
    let of = OwnedFileError::of(step, path);
    move |error| of(io::Error::from(error))
}

/// How deep directories in a directory of ours may go.
const DEEPEST: u32 = 64;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::host::owned_files::make_directory;

    #[test]
    fn a_directory_is_emptied_where_it_is_now_and_links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let (outside, ours) = (place.path().join("outside"), place.path().join("ours"));
        make_directory(&outside).unwrap();
        fs::write(outside.join("kept"), b"").unwrap();
        make_directory(&ours.join("a/b")).unwrap();
        for name in ["key", "a/key", "a/b/key"] {
            fs::write(ours.join(name), b"").unwrap();
        }
        symlink(&outside, ours.join("a/link")).unwrap();
        symlink(outside.join("kept"), ours.join("link")).unwrap();
        let mut held = OwnedDirectory::open(&ours).unwrap();
        // Somebody moves it, and closes it to its owner.
        let moved = place.path().join("moved");
        fs::rename(&ours, &moved).unwrap();
        for name in ["a/b", "a", ""] {
            let mode = fs::Permissions::from_mode(0o000);
            fs::set_permissions(moved.join(name), mode).unwrap();
        }
        held.clear().unwrap();
        assert!(held.names().unwrap().is_empty());
        assert!(outside.join("kept").exists());
        fs::remove_dir(&moved).unwrap();
        held.clear().unwrap();
    }

    #[test]
    fn a_directory_is_removed_whole_and_a_link_in_its_place_as_a_link() {
        let place = tempfile::tempdir().unwrap();
        let (outside, ours) = (place.path().join("outside"), place.path().join("ours"));
        make_directory(&outside).unwrap();
        fs::write(outside.join("kept"), b"").unwrap();
        make_directory(&ours.join("a")).unwrap();
        fs::write(ours.join("a/key"), b"").unwrap();
        remove_directory(&ours).unwrap();
        assert!(!ours.exists());
        remove_directory(&ours).unwrap();
        symlink(&outside, &ours).unwrap();
        assert!(OwnedDirectory::open(&ours).is_err());
        remove_directory(&ours).unwrap();
        assert!(outside.join("kept").exists());
        let above = place.path().join("above");
        make_directory(&above).unwrap();
        fs::rename(&outside, above.join("outside")).unwrap();
        let held = OwnedDirectory::open(&above).unwrap();
        held.remove_empty(c"outside").unwrap_err();
        held.remove(c"outside").unwrap();
        held.remove(c"outside").unwrap();
        held.remove_empty(c"outside").unwrap();
    }
}
