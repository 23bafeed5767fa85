//! Writing the files that somebody asked for.

use std::path::Path;

use serde::Serialize;

use super::error::{Error, Failure};
use crate::base::error::ErrorCode;
use crate::base::plain::Escaped;
use crate::host::files::{self, FileMode};

/// Writes the file at `path`, replacing one that is there.
///
/// # Errors
/// It cannot be written; what stood there before still does. Or the path is `-`, which means standard output elsewhere, and
/// so is no name of a file here.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if path.as_os_str() == "-" {
        let message = "- would be a file of that name, for this command does not write the file to standard output";
        return Err(Error::new(ErrorCode::Usage, message).hint("name a file; ./- is one called -"));
    }
    Ok(files::replace_atomically(path, bytes, FileMode::Keep)?)
}

/// Writes a document as JSON, as it is printed, into the file at `path`, replacing one that is there.
///
/// # Errors
/// As [`write()`].
pub fn write_json(path: &Path, document: &impl Serialize) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    serde_json::to_writer_pretty(Escaped(&mut bytes), document).map_err(Error::unexpected)?;
    bytes.push(b'\n');
    Ok(write(path, &bytes)?)
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
