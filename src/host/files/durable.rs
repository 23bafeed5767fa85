//! Bringing bytes to the disk, so that they are there after the machine went down.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::io::Errno;

/// How temporary files and directories begin. A crash can leave one behind; nothing reads it, and a recovery removes those
/// in the state directory.
pub const TEMPORARY_PREFIX: &str = ".countersign-";

/// Writes `bytes` and waits until they are on the disk.
///
/// # Errors
/// The system refuses; a part may be written.
pub fn write_through(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    // The length is part of what `fdatasync` writes when it is needed to read the data back (POSIX, and Linux says so);
    // on macOS the standard library asks for F_FULLFSYNC.
    file.sync_data()
}

/// Brings the directory entry of `path` to the disk: a new file is only there after a crash when its name is. Some network
/// file systems cannot do this; their rename is as durable as it gets.
///
/// # Errors
/// The system refuses.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    match File::open(directory_of(path))?.sync_all() {
        Err(error)
            if matches!(
                Errno::from_io_error(&error),
                Some(Errno::INVAL | Errno::NOTSUP)
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// The directory that `path` lies in.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
