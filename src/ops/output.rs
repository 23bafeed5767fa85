//! Writing the files that somebody asked for.

use std::path::Path;

use serde::Serialize;

use super::error::{Error, Failure};
use crate::apple::file_type::FileType;
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

/// Writes a page of HTML into the file at `path`, replacing a page that is there.
///
/// # Errors
/// As [`write()`]; or the file holds something else, as a manifest that was named by mistake. It stays as it was.
pub fn write_page(path: &Path, page: &str) -> Result<(), Error> {
    let is_page = |beginning: &[u8]| FileType::of(beginning) == FileType::Html;
    only_over(path, "a page of HTML", is_page)?;
    write(path, page.as_bytes())
}

/// Writes a document as JSON, as it is printed, into the file at `path`, replacing an earlier one of the same schema.
///
/// # Errors
/// As [`write()`]; or the file holds something else. It stays as it was.
pub fn write_json(path: &Path, document: &impl Serialize) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    serde_json::to_writer_pretty(Escaped(&mut bytes), document).map_err(Error::unexpected)?;
    bytes.push(b'\n');
    // `{"schema": "countersign.doctor.v`: of whatever version.
    let schema = bytes.windows(2).position(|pair| pair == b".v");
    let schema = schema.and_then(|end| bytes.get(..end)).unwrap_or_default();
    let is_same = |beginning: &[u8]| !schema.is_empty() && beginning.starts_with(schema);
    only_over(path, "an earlier document of this command", is_same)?;
    Ok(write(path, &bytes)?)
}

/// So many bytes tell what a file is.
const BEGINNING: usize = 4096;

/// A file that is there is replaced only if it is empty, or `is_same`: it holds what was written there before. What else stands under a
/// name that was mistyped, as a manifest or a profile, would be lost.
fn only_over(path: &Path, what: &str, is_same: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
    // What cannot be read is told when it is written.
    let beginning = files::beginning(path, BEGINNING).unwrap_or_default();
    match beginning.is_empty() || is_same(&beginning) {
        true => Ok(()),
        false => {
            let message = format!(
                "{} is there and is not {what}; it stays as it is",
                path.display()
            );
            Err(Error::new(ErrorCode::OutputNotWritten, message)
                .hint("name another file, or remove this one first")
                .in_file(path))
        }
    }
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
