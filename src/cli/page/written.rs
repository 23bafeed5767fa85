//! Where a page goes: into a file, or to standard output.

use std::path::Path;

use crate::ops::error::Error;
use crate::ops::output;

/// Writes a page into the file, and gives it back if that is `-`: then it is the answer of the command.
///
/// # Errors
/// The file cannot be written.
pub(in crate::cli) fn written(file: &Path, page: String) -> Result<Option<String>, Error> {
    if file.as_os_str() == "-" {
        return Ok(Some(page));
    }
    output::write_page(file, &page)?;
    Ok(None)
}
