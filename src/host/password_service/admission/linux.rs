//! On Linux the program is known by its group: it is set-group-ID to a group that no user is in.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::sockopt::socket_peercred;

use crate::host::files::read_bounded;
use crate::host::owned_files::check_unsteerable;
use crate::host::password_service::error::PasswordServiceError;

/// The group of the program.
#[derive(Debug)]
pub(super) struct ProgramMark {
    group: u32,
}

impl ProgramMark {
    pub(super) fn new(user: u32) -> Result<Self, PasswordServiceError> {
        // What runs here, whatever lies at the path by now.
        let own = Path::new("/proc/self/exe");
        let unseen = |error| {
            refuse(
                format!("the program's own file cannot be looked at: {error}"),
                "mount /proc",
            )
        };
        let metadata = fs::metadata(own).map_err(unseen)?;
        let program = fs::read_link(own).map_err(unseen)?;
        let group = group_of(&metadata).map_err(|why| {
            refuse(
                format!("{} {why}", program.display()),
                "install it for root, set-group-ID to a group of its own: chown root:GROUP, chmod 2755",
            )
        })?;
        check_unsteerable(&program, user)?;
        if let Some(member) = member_of(
            group,
            &system_file("/etc/group"),
            &system_file("/etc/passwd"),
        ) {
            return Err(refuse(
                format!("user {member} is in group {group}, which must have no members"),
                "make a group of its own for the program",
            ));
        }
        if system_file("/proc/sys/fs/suid_dumpable").trim() == "1" {
            return Err(refuse(
                "fs.suid_dumpable is 1, so every user may trace a set-group-ID program".into(),
                "set it to 0: sysctl fs.suid_dumpable=0",
            ));
        }
        Ok(Self { group })
    }

    pub(super) fn open_socket(&self, socket: &Path) -> io::Result<()> {
        chown(socket, None, Some(self.group))?;
        fs::set_permissions(socket, Permissions::from_mode(0o660))
    }

    /// User, process and whether it is the program, as they were when the other end connected.
    pub(super) fn look_at(
        &self,
        stream: &UnixStream,
    ) -> io::Result<(u32, Option<i32>, Result<(), String>)> {
        let peer = socket_peercred(stream)?;
        let group = peer.gid.as_raw();
        let is_program = match group == self.group {
            true => Ok(()),
            false => Err(format!("it connected with group {group}")),
        };
        let process = peer.pid.as_raw_nonzero().get();
        Ok((peer.uid.as_raw(), Some(process), is_program))
    }

    #[cfg(test)]
    pub(super) fn of_this_process() -> Self {
        Self {
            group: rustix::process::getegid().as_raw(),
        }
    }
}

/// The group that a program file gives to its process, if the file is root's alone to change.
fn group_of(metadata: &Metadata) -> Result<u32, String> {
    let mode = metadata.mode() & 0o7777;
    if metadata.uid() != 0 {
        return Err(format!("belongs to user {}, not to root", metadata.uid()));
    }
    if mode & 0o022 != 0 {
        return Err(format!("can be changed by others (mode {mode:04o})"));
    }
    // Without the bit for execution the set-group-ID bit means something else.
    if mode & 0o2010 != 0o2010 {
        return Err(format!("is not set-group-ID (mode {mode:04o})"));
    }
    match metadata.gid() {
        0 => Err("is set-group-ID to root's group".into()),
        // Groups of other user namespaces look like this one.
        NO_GROUP => Err("is set-group-ID to the group that stands for unknown groups".into()),
        group => Ok(group),
    }
}

/// The kernel's number for a group that a namespace does not know.
const NO_GROUP: u32 = 65_534;

/// A user who is in the group, by the files group(5) and passwd(5): as one of its members or by login.
fn member_of(group: u32, groups: &str, users: &str) -> Option<String> {
    let number = group.to_string();
    let member = groups.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_group = fields.get(2) == Some(&number.as_str());
        let members = fields.get(3).filter(|_| is_group)?;
        members.split(',').find(|name| !name.trim().is_empty())
    });
    let login = || {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let is_in = fields.get(3) == Some(&number.as_str());
            fields.first().filter(|_| is_in).copied()
        })
    };
    member.or_else(login).map(str::to_owned)
}

/// A file of the system as text; empty if it cannot be read.
fn system_file(path: &str) -> String {
    const LIMIT: usize = 4 << 20;
    let bytes = read_bounded(Path::new(path), LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn refuse(why: String, hint: &str) -> PasswordServiceError {
    PasswordServiceError::Unsafe {
        why,
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_members_by_name_and_by_login() {
        let groups = "root:x:0:\nkeys:x:990:\nstaff:x:50:ann,bob\nodd\n";
        let users = "root:x:0:0::/root:/bin/sh\nci:x:1000:1000::/home/ci:/bin/sh\n";
        assert_eq!(member_of(990, groups, users), None);
        assert_eq!(member_of(50, groups, users).as_deref(), Some("ann"));
        assert_eq!(member_of(1_000, groups, users).as_deref(), Some("ci"));
        assert_eq!(member_of(7, groups, users), None);
    }

    #[test]
    fn a_program_that_is_not_set_group_id_or_not_roots_marks_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("program");
        fs::write(&file, "").unwrap();
        for mode in [0o755, 0o2745, 0o2775, 0o2757] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert!(group_of(&fs::metadata(&file).unwrap()).is_err(), "{mode:o}");
        }
        // Tests are no such program.
        let own = ProgramMark::new(1).unwrap_err();
        assert!(own.to_string().contains("/deps/"), "{own}");
    }
}
