//! The owner of a file: a file is opened without following links, and used only if it belongs to this user.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::error::{FileStep, OwnedFileError};

/// What other users may do with a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Read it, and not change it.
    MayRead,
    /// Nothing.
    MayNothing,
}

impl Others {
    fn forbidden(self) -> u32 {
        match self {
            Self::MayRead => 0o022,
            Self::MayNothing => 0o077,
        }
    }
}

/// Opens `path` without following a link in its place, and without waiting for the other end of a pipe.
///
/// # Errors
/// The system refuses; it is a link.
pub fn open_unfollowed(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

/// Checks that an open file is a regular one.
///
/// # Errors
/// It is something else.
pub fn check_regular(file: &File, path: &Path) -> Result<Metadata, OwnedFileError> {
    let metadata = file
        .metadata()
        .map_err(OwnedFileError::of(FileStep::Inspect, path))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(not_ours(path, "is not a regular file".into(), FILE_MODE))
    }
}

/// Checks that an open file is a regular one, this user's, and that `others` can do no more with it than they may.
///
/// # Errors
/// It is not so.
pub fn check_owned(file: &File, path: &Path, others: Others) -> Result<Metadata, OwnedFileError> {
    let metadata = check_regular(file, path)?;
    check_metadata(path, &metadata, others, FILE_MODE)?;
    Ok(metadata)
}

pub(super) fn check_metadata(
    path: &Path,
    metadata: &Metadata,
    others: Others,
    wanted: &'static str,
) -> Result<(), OwnedFileError> {
    let mode = metadata.permissions().mode();
    check_owner_and_mode(path, metadata.uid(), mode, others, wanted)
}

fn check_owner_and_mode(
    path: &Path,
    owner: u32,
    mode: u32,
    others: Others,
    wanted: &'static str,
) -> Result<(), OwnedFileError> {
    let mode = mode & 0o777;
    let why = if owner != rustix::process::geteuid().as_raw() {
        format!("belongs to user {owner}")
    } else if mode & others.forbidden() != 0 {
        match others {
            Others::MayRead => format!("can be written by others (mode {mode:o})"),
            Others::MayNothing => format!("is open to others (mode {mode:o})"),
        }
    } else {
        return Ok(());
    };
    Err(not_ours(path, why, wanted))
}

/// Checks that an open directory is this user's, and that `others` can do no more with it than they may.
///
/// # Errors
/// It is not so.
pub(super) fn check_directory(
    directory: &impl AsFd,
    path: &Path,
    others: Others,
) -> Result<(), OwnedFileError> {
    let stat = rustix::fs::fstat(directory)
        .map_err(|error| OwnedFileError::of(FileStep::Inspect, path)(error.into()))?;
    #[allow(clippy::useless_conversion, reason = "macOS has 16 bits")]
    let mode = u32::from(stat.st_mode);
    check_owner_and_mode(path, stat.st_uid, mode, others, DIRECTORY_MODE)
}

pub(super) fn not_ours(path: &Path, why: String, mode: &'static str) -> OwnedFileError {
    OwnedFileError::NotOurs {
        path: path.to_owned(),
        why,
        user: rustix::process::geteuid().as_raw(),
        mode,
    }
}

/// The mode of a file of ours.
pub(super) const FILE_MODE: &str = "600";
/// The mode of a directory of ours.
pub(super) const DIRECTORY_MODE: &str = "700";
