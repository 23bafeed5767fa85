//! Whose a file is.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::error::OwnedFileError;

pub(super) fn check_ours(
    path: &Path,
    metadata: &fs::Metadata,
    forbidden: u32,
    wanted: &'static str,
) -> Result<(), OwnedFileError> {
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        Err(not_ours(
            path,
            format!("belongs to user {}", metadata.uid()),
            wanted,
        ))
    } else if mode & forbidden != 0 {
        Err(not_ours(
            path,
            format!("is open to others (mode {mode:o})"),
            wanted,
        ))
    } else {
        Ok(())
    }
}

pub(super) fn not_ours(path: &Path, why: String, mode: &'static str) -> OwnedFileError {
    OwnedFileError::NotOurs {
        path: path.to_owned(),
        why,
        user: rustix::process::geteuid().as_raw(),
        mode,
    }
}

/// Opening a pipe in a file's place must not make us wait, a link must not lead us astray.
pub(super) fn no_follow() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default()
}
