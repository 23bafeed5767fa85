//! Writing the files that somebody asked for.

use std::path::Path;

use super::error::Failure;
use crate::host::files::{self, FileMode};

/// Writes the file at `path`, replacing one that is there.
///
/// # Errors
/// It cannot be written; what stood there before still does.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(files::replace_atomically(path, bytes, FileMode::Keep)?)
}

/// Writes files, each by its name, into a directory, which is made if it is not there.
///
/// # Errors
/// The directory cannot be made, or a file cannot be written.
pub fn write_into(directory: &Path, contents: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    files::create_directories(directory)?;
    for (name, bytes) in contents {
        write(&directory.join(name), bytes)?;
    }
    Ok(())
}
