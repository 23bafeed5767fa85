//! A descriptor that this process was started with, opened without `unsafe`: nothing proves that nobody else uses a bare
//! number.

use std::fs::File;
use std::io;

/// Opens the descriptor by its name below `/dev/fd`. On Linux that asks for the permissions of the file once more, so what
/// another user opened for us (a service manager) is not to be had in that way; there a duplicate is.
///
/// # Errors
/// Nothing is open there, or it can be had in neither way.
pub(super) fn open(number: u32) -> io::Result<File> {
    match File::open(format!("/dev/fd/{number}")) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            duplicate(number).ok_or(error)
        }
        opened => opened,
    }
}

#[cfg(target_os = "linux")]
fn duplicate(number: u32) -> Option<File> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let own = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
    let number = i32::try_from(number).ok()?;
    let descriptor = pidfd_getfd(own, number, PidfdGetfdFlags::empty()).ok()?;
    Some(descriptor.into())
}

#[cfg(not(target_os = "linux"))]
fn duplicate(_number: u32) -> Option<File> {
    None // the name is a duplicate already
}
