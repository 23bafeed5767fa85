//! The right of a set-group-ID program: its file's group, for as long as the program keeps it.
//!
//! A program that is installed with the set-group-ID bit runs with the group of its file, whoever starts it. The system
//! protects such a program from its starter: the loader ignores `LD_PRELOAD` and its like, a traced program does not get
//! the group, and no process of the same user can read its memory. Countersign uses the group for one thing, the
//! connection to the helper that holds the keychain's password (`password_service`), and gives it up before it reads a
//! file, makes a thread or starts a process.
//!
//! A set-*user*-ID countersign is refused: it would read and write its starter's files as somebody else.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::io;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::other as system;

/// Whether this process has a group that its starter does not have: the program is set-group-ID, and the right is not given
/// up yet.
pub fn has_set_group_id() -> bool {
    rustix::process::getegid() != rustix::process::getgid()
}

/// Gives the right up, for ever, and checks that it is gone. Without such a right nothing happens. From then on no process of
/// the same user can trace this one, and its memory ends up in no core file. To be called while the process has one thread.
///
/// # Errors
/// The system does not let go of it, does not say so, or there are other threads; or the program is set-user-ID. The process
/// must end then.
pub fn drop_set_group_id() -> io::Result<()> {
    if rustix::process::geteuid() != rustix::process::getuid() {
        return Err(io::Error::other(
            "the program is set-user-ID, which nothing here needs",
        ));
    }
    match has_set_group_id() {
        true => system::drop_group(rustix::process::getgid()),
        false => Ok(()),
    }
}
