//! Elsewhere the right has no use: macOS knows programs by their signature. A program that was given it does not run.

use std::io;

use rustix::process::Gid;

pub(super) fn drop_group(_real: Gid) -> io::Result<()> {
    Err(io::Error::other(
        "the program is set-group-ID, which only Linux needs",
    ))
}
