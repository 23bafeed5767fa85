//! The way to a directory of ours: nobody but root and this user can lead it elsewhere.
//!
//! Whoever may write to a directory on the way can rename the next one and put another in its place, and whoever owns a
//! directory or a link can change it. So each step belongs to root or to this user, links are followed one by one, and nobody
//! else may write on the way. Two cases are fine all the same: a directory in which everybody may write and only owners rename
//! (`/tmp`), because each next step belongs to root or to us; and one that this user's own group may write to, if nobody else
//! is in that group: many systems give each user such a group, and a umask that lets it write.
//!
//! Modes do not show everything. Access control lists are not looked at.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::error::{FileStep, OwnedFileError};
use crate::host::files::read_bounded;

/// How many symbolic links one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// The most that is read of `/etc/group` and of `/etc/passwd`.
const MAX_LIST: usize = 4 << 20;

/// Only the owner of an entry, or of the directory, renames and removes it.
const STICKY: u32 = 0o1000;

/// Checks that no other user can put something else in the place of `path`, however much of it is there already.
///
/// # Errors
/// Another user can, and the first place from the root is named; or the system does not say.
pub fn check_way(path: &Path) -> Result<(), OwnedFileError> {
    let user = rustix::process::geteuid().as_raw();
    let steerable = |place: &Path, why| {
        Err(OwnedFileError::Steerable {
            path: path.to_owned(),
            place: place.to_owned(),
            why,
        })
    };
    let mut links = 0;
    let mut current = PathBuf::from("/");
    // What is still to be walked, the next step last.
    let mut ahead = steps(path);
    let mut step = OsString::from("/");
    loop {
        let place = current.join(&step);
        let metadata = match fs::symlink_metadata(&place) {
            // What is not there yet will be ours.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            looked => looked.map_err(OwnedFileError::of(FileStep::Inspect, &place))?,
        };
        if ![0, user].contains(&metadata.uid()) {
            let why = format!("belongs to user {}", metadata.uid());
            return steerable(&place, why);
        }
        if metadata.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                let circle = io::Error::from(rustix::io::Errno::LOOP);
                return Err(OwnedFileError::of(FileStep::Inspect, path)(circle));
            }
            let target = fs::read_link(&place);
            let target = target.map_err(OwnedFileError::of(FileStep::Inspect, &place))?;
            if target.is_absolute() {
                current = PathBuf::from("/");
            }
            ahead.extend(steps(&target));
        } else {
            if let Some(why) = writable_by_others(&metadata) {
                return steerable(&place, why);
            }
            current = place;
        }
        loop {
            match ahead.pop() {
                None => return Ok(()),
                Some(next) if next == ".." => {
                    current.pop();
                }
                Some(next) => {
                    step = next;
                    break;
                }
            }
        }
    }
}

/// The steps of a path, the first last.
fn steps(path: &Path) -> Vec<OsString> {
    let steps = path
        .components()
        .rev()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        });
    steps.collect()
}

/// Says so if somebody else may put things into a directory, or take them out.
fn writable_by_others(metadata: &Metadata) -> Option<String> {
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_dir() || mode & STICKY != 0 || mode & 0o022 == 0 {
        return None;
    }
    if mode & 0o002 == 0 && is_own_group(metadata.gid()) {
        return None;
    }
    Some(format!("can be written by others (mode {mode:04o})"))
}

/// Whether this user is alone in its group, by the files group(5) and passwd(5). Where they do not say, it is not.
fn is_own_group(group: u32) -> bool {
    let read = |path| {
        let bytes = read_bounded(Path::new(path), MAX_LIST).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let user = rustix::process::geteuid().as_raw();
    holds_only(group, user, &read("/etc/group"), &read("/etc/passwd"))
}

/// Whether nobody but `user` is in `group`, as one of its members or by login, and both are known.
fn holds_only(group: u32, user: u32, groups: &str, users: &str) -> bool {
    let field = |line: &str, at| line.split(':').nth(at).map(str::to_owned);
    let number = |line: &str, at| field(line, at).and_then(|field| field.parse::<u32>().ok());
    let names = |line: &&str| number(line, 2) == Some(user);
    let Some(name) = users.lines().find(names).and_then(|line| field(line, 0)) else {
        return false;
    };
    let logins_are_own = users
        .lines()
        .filter(|line| number(line, 3) == Some(group))
        .all(|line| number(line, 2) == Some(user));
    let mut lines = groups
        .lines()
        .filter(|line| number(line, 2) == Some(group))
        .peekable();
    let is_known = lines.peek().is_some();
    let members_are_own = lines.all(|line| {
        let members = field(line, 3).unwrap_or_default();
        let mut members = members
            .split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty());
        members.all(|member| member == name)
    });
    is_known && logins_are_own && members_are_own
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::shell::for_shell;
    use super::*;
    use crate::base::error::Explain as _;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_named_wherever_it_stands_on_the_way() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("a/b/c");
        fs::create_dir_all(&inner).unwrap();
        let (a, state) = (place.path().join("a"), inner.join("state"));
        check_way(&state).unwrap();
        for (mode, is_fine) in [
            (0o777, false),
            (0o757, false),
            (0o1777, true),
            (0o755, true),
            (0o700, true),
        ] {
            set(&a, mode);
            let checked = check_way(&state);
            assert_eq!(checked.is_ok(), is_fine, "{mode:o}");
            if let Err(error) = checked {
                let (said, hint) = (error.to_string(), error.hint().unwrap());
                assert!(
                    said.contains(&format!("{} can be written", a.display())),
                    "{said}"
                );
                assert!(
                    hint.contains(&format!("chmod go-w {}", for_shell(&a))),
                    "{hint}"
                );
            }
        }
    }

    #[test]
    fn links_are_followed_one_by_one_and_a_circle_ends() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("real/inner")).unwrap();
        fs::create_dir(at("open")).unwrap();
        symlink(at("real"), at("absolute")).unwrap();
        symlink("../real/inner", at("real/up")).unwrap();
        symlink(at("real"), at("open/link")).unwrap();
        symlink(at("circle"), at("circle")).unwrap();
        for fine in ["absolute/inner/state", "real/up/state", "open/link/state"] {
            check_way(&at(fine)).unwrap();
        }
        assert!(check_way(&at("circle/state")).is_err());
        // The link is as good as the directory in which it stands, wherever it leads.
        set(&at("open"), 0o777);
        assert!(check_way(&at("open/link/state")).is_err());
        assert!(check_way(&at("open/../real/state")).is_err());
        set(&at("open"), 0o755);
        // And what it leads to as good as the way there.
        set(&at("real"), 0o777);
        assert!(check_way(&at("absolute/inner/state")).is_err());
    }

    #[test]
    fn a_group_of_one_user_is_that_users() {
        let users = "root:x:0:0::/root:/bin/sh\nci:x:501:1001::/home/ci:/bin/sh\nbo:x:502:20::/home/bo:/bin/sh\n";
        let with = |members: &str| format!("root:x:0:\nci:x:1001:{members}\nstaff:x:20:\n");
        assert!(holds_only(1001, 501, &with(""), users));
        assert!(holds_only(1001, 501, &with("ci"), users));
        assert!(!holds_only(1001, 501, &with("ci,bo"), users));
        assert!(!holds_only(1001, 501, &with("bo"), users));
        assert!(!holds_only(20, 501, &with(""), users), "another's by login");
        assert!(
            !holds_only(1002, 501, &with(""), users),
            "a group nobody knows"
        );
        assert!(
            !holds_only(1001, 503, &with(""), users),
            "a user nobody knows"
        );
        assert!(!holds_only(1001, 501, "", users));
        // The same number twice: what either line says counts.
        let twice = with("") + "other:x:1001:bo\n";
        assert!(!holds_only(1001, 501, &twice, users));
    }
}
