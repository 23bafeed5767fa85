//! What the user who runs this may change: a directory, the files in it, and the way to both.
//!
//! A mode without write permission says little. The owner of a file gives itself the permission back; the owner of a
//! directory adds and removes names in it; who may write to a directory on the way renames the next one and puts another in
//! its place, and who may change a link leads it elsewhere. So every step on the way is looked at, links followed, and each
//! question is answered by the system with the rights of this process: groups, access control lists and read-only mounts
//! count (`faccessat(2)` with `AT_EACCESS`).
//!
//! What is not seen: rights that are granted elsewhere (`sudo`, a helper of root's), and the single rights of macOS's access
//! control lists that `access(2)` does not ask for, such as deleting a file without writing to its directory.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::context::gate::facts::{Change, ChangeRight, DirectoryAccess};

/// How many symbolic links one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// Only the owner of an entry, or of the directory, renames and removes it.
const STICKY: u32 = 0o1000;

/// What this user may change of a directory and of these files in it.
pub fn of_directory(directory: &Path, files: &[PathBuf]) -> DirectoryAccess {
    let user = rustix::process::geteuid();
    let mut survey = Survey {
        user: user.as_raw(),
        rights: HashMap::new(),
        found: DirectoryAccess {
            is_root: user.is_root(),
            ..DirectoryAccess::default()
        },
    };
    if user.is_root() {
        // Whatever the disk says: nothing is denied.
        return survey.found;
    }
    if let Some(folder) = survey.directory(directory) {
        let names = files.iter().filter_map(|file| file.file_name());
        for name in names {
            survey.file(&folder, name);
        }
    }
    survey.found
}

/// What this user may do in a directory.
#[derive(Clone, Copy)]
struct Rights {
    is_owner: bool,
    may_write: bool,
    is_sticky: bool,
}

/// What is known so far.
struct Survey {
    user: u32,
    rights: HashMap<PathBuf, Rights>,
    found: DirectoryAccess,
}

/// Where a path leads.
enum End {
    /// To something, which has this path without links.
    There(PathBuf, Metadata),
    /// To nothing: this directory does not hold the next name.
    Missing(PathBuf),
}

impl Survey {
    /// A directory, and the way to it; the directory's path without links, if it is there.
    fn directory(&mut self, path: &Path) -> Option<PathBuf> {
        let end = self.walk(path, |survey, folder, _, _| {
            survey.found.replaceable.insert(folder.to_owned());
        });
        let folder = match &end {
            Ok(End::There(folder, _)) => Some(folder.clone()),
            _ => None,
        };
        self.arrive(path, end, Access::WRITE_OK | Access::EXEC_OK);
        folder
    }

    /// A file in a directory that was looked at. Where it is a link, what it leads through counts as the file.
    fn file(&mut self, own_folder: &Path, name: &OsStr) {
        let path = own_folder.join(name);
        if let Ok(file) = fs::symlink_metadata(&path)
            && !file.is_symlink()
        {
            let right = self.right(&path, &file, Access::WRITE_OK);
            return self.add(path, right);
        }
        let end = self.walk(&path, |survey, folder, entry, right| {
            if folder == own_folder {
                // Its rights are known, and those of the way to it.
            } else if entry.is_dir() {
                survey.found.replaceable.insert(folder.to_owned());
            } else {
                survey.add(folder.to_owned(), Ok(Some(right)));
            }
        });
        self.arrive(&path, end, Access::WRITE_OK);
    }

    /// What stands at the end of a way; `access` is what changing it takes.
    fn arrive(&mut self, path: &Path, end: io::Result<End>, access: Access) {
        match end {
            Ok(End::There(resolved, metadata)) => {
                let right = self.right(&resolved, &metadata, access);
                self.add(resolved, right);
            }
            Ok(End::Missing(folder)) => {
                let right = self.rights(&folder).map(|rights| {
                    let may_create = rights.is_owner || rights.may_write;
                    may_create.then_some(ChangeRight::Create)
                });
                self.add(path.to_owned(), right);
            }
            Err(error) => self.add(path.to_owned(), Err(error)),
        }
    }

    fn add(&mut self, path: PathBuf, right: io::Result<Option<ChangeRight>>) {
        let right = match right {
            Ok(None) => return,
            Ok(Some(right)) => right,
            Err(error) => ChangeRight::Unknown(error.to_string()),
        };
        let change = Change { path, right };
        if !self.found.changes.contains(&change) {
            self.found.changes.push(change);
        }
    }

    /// What this user may do to something that is no link.
    fn right(
        &self,
        path: &Path,
        metadata: &Metadata,
        access: Access,
    ) -> io::Result<Option<ChangeRight>> {
        if metadata.uid() == self.user {
            return Ok(Some(ChangeRight::Owner));
        }
        Ok(may(path, access)?.then_some(ChangeRight::Write))
    }

    fn rights(&mut self, folder: &Path) -> io::Result<Rights> {
        if let Some(known) = self.rights.get(folder) {
            return Ok(*known);
        }
        let metadata = fs::metadata(folder)?;
        let rights = Rights {
            is_owner: metadata.uid() == self.user,
            may_write: may(folder, Access::WRITE_OK | Access::EXEC_OK)?,
            is_sticky: metadata.mode() & STICKY != 0,
        };
        self.rights.insert(folder.to_owned(), rights);
        Ok(rights)
    }

    /// Follows a path, links as well. `replaceable` hears of each directory in which this user may put something else in the
    /// place of the next entry, what that entry is, and by which right.
    fn walk(
        &mut self,
        path: &Path,
        mut replaceable: impl FnMut(&mut Self, &Path, &Metadata, ChangeRight),
    ) -> io::Result<End> {
        // Innermost first, so that what a link names goes on top.
        let mut left: Vec<Part> = parts(&std::path::absolute(path)?).collect();
        left.reverse();
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = left.pop() {
            let name = match part {
                Part::Root => {
                    here = PathBuf::from("/");
                    continue;
                }
                Part::Up => {
                    here.pop();
                    continue;
                }
                Part::Name(name) => name,
            };
            let next = here.join(&name);
            let entry = match fs::symlink_metadata(&next) {
                Ok(entry) => entry,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(End::Missing(here));
                }
                Err(error) => return Err(about(&next, &error)),
            };
            let rights = self.rights(&here).map_err(|error| about(&here, &error))?;
            let is_entrys_owner = entry.uid() == self.user;
            if rights.is_owner {
                replaceable(self, &here, &entry, ChangeRight::Owner);
            } else if rights.may_write && (!rights.is_sticky || is_entrys_owner) {
                replaceable(self, &here, &entry, ChangeRight::Write);
            }
            if !entry.is_symlink() {
                here = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = fs::read_link(&next)?;
            let mut ahead: Vec<Part> = parts(&target).collect();
            ahead.reverse();
            left.append(&mut ahead);
        }
        let metadata = fs::metadata(&here)?;
        Ok(End::There(here, metadata))
    }
}

/// A step on the way.
enum Part {
    Root,
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> impl Iterator<Item = Part> {
    path.components().filter_map(|component| match component {
        Component::RootDir => Some(Part::Root),
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    })
}

/// The error, with the path that it is about.
fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Whether the system lets this process do that.
fn may(path: &Path, access: Access) -> io::Result<bool> {
    match accessat(CWD, path, access, AtFlags::EACCESS) {
        Ok(()) => Ok(true),
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What another user owns is in tests/attacks/other_users.rs: here everything belongs to whoever runs the tests.
    #[test]
    fn what_belongs_to_this_user_can_be_changed() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let profiles = root.join("profiles");
        fs::create_dir(&profiles).unwrap();
        let file = profiles.join("x.mobileprovision");
        fs::write(&file, "").unwrap();
        let access = of_directory(&profiles, std::slice::from_ref(&file));
        if rustix::process::geteuid().is_root() {
            assert!(access.is_root);
            assert_eq!(access.changes, []);
            return;
        }
        let owned = |path: &Path| Change {
            path: path.to_owned(),
            right: ChangeRight::Owner,
        };
        assert_eq!(access.changes, [owned(&profiles), owned(&file)]);
        assert!(access.replaceable.contains(&root));
        let missing = of_directory(&root.join("none/deeper"), &[]);
        assert_eq!(missing.changes[0].right, ChangeRight::Create);
    }
}
