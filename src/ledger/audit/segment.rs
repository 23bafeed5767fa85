//! Sealed segments: the earlier parts of a log that was cut, each in a file of its own beside it.
//!
//! The log is one chain of records in several files. When the file that is written grows over its limit, it becomes a sealed
//! segment, which nobody writes any more, and a new file takes its place. The first record of the new file names the segment
//! and has its length and its SHA-256, and follows its last record as every record follows the one before.
//!
//! A segment is called after the numbers of its first and its last record, `audit-000000000001-000000031234.jsonl`, so that
//! names sort as records do.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::base::digest::Digest;
use crate::base::event::{Action, Event, Outcome};
use crate::host::files::directory_of;
use crate::host::owned_files::{FileStep, OwnedFileError, check_regular, open_unfollowed};

/// A file that is called as a sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The number of its first record, as its name has it.
    pub(super) first: u64,
    /// The number of its last record, as its name has it.
    pub(super) last: u64,
}

impl Segment {
    /// The segment of the log at `log` with these records.
    pub(super) fn of(log: &Path, first: u64, last: u64) -> Self {
        let (stem, extension) = parts(log);
        let name = format!("{stem}-{first:012}-{last:012}{extension}");
        Self {
            path: log.with_file_name(name),
            first,
            last,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Opens it.
    pub(super) fn open(&self) -> Result<File, OwnedFileError> {
        let file = open_unfollowed(OpenOptions::new().read(true), &self.path)
            .map_err(OwnedFileError::of(FileStep::Open, &self.path))?;
        check_regular(&file, &self.path)?;
        Ok(file)
    }

    /// The segment that a file of this name is, if it is called as one of the log at `log`.
    fn named(name: &OsStr, directory: &Path, log: &Path) -> Option<Self> {
        let (stem, extension) = parts(log);
        let text = name.to_str()?;
        let rest = text.strip_prefix(&stem)?.strip_prefix('-')?;
        let (first, last) = rest.strip_suffix(&extension)?.split_once('-')?;
        let segment = Self {
            path: directory.join(name),
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        };
        // Another way of writing the same numbers is another file.
        let canonical = Self::of(log, segment.first, segment.last).name();
        (canonical == text).then_some(segment)
    }
}

/// The name of the log, and its extension with the dot.
fn parts(log: &Path) -> (String, String) {
    let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let extension = match log.extension() {
        Some(extension) => format!(".{}", text(Some(extension))),
        None => String::new(),
    };
    (text(log.file_stem()), extension)
}

/// The sealed segments of the log at `log`, which is open as `active` if it is there, in the order of their records: those
/// beside it, and those in `archives`.
///
/// # Errors
/// A directory cannot be listed.
pub(super) fn segments(
    log: &Path,
    active: Option<&File>,
    archives: &[PathBuf],
) -> Result<Vec<Segment>, OwnedFileError> {
    let own = directory_of(log);
    let mut found: Vec<Segment> = Vec::new();
    for directory in std::iter::once(own).chain(archives.iter().map(PathBuf::as_path)) {
        let error = |source| OwnedFileError::of(FileStep::List, directory)(source);
        let entries = match fs::read_dir(directory) {
            // Without its directory there is no log.
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory == own => continue,
            entries => entries.map_err(error)?,
        };
        for entry in entries {
            let name = entry.map_err(error)?.file_name();
            if let Some(segment) = Segment::named(&name, directory, log)
                && !found.iter().any(|known| known.name() == segment.name())
                // A seal that was cut short: the log still has both its names.
                && !is_same_file(active, &segment.path).map_err(error)?
            {
                found.push(segment);
            }
        }
    }
    found.sort_by_key(|segment| (segment.first, segment.last));
    Ok(found)
}

/// Whether the name leads to the file that is open.
pub(super) fn is_same_file(open: Option<&File>, path: &Path) -> io::Result<bool> {
    let Some(open) = open else {
        return Ok(false);
    };
    match fs::symlink_metadata(path) {
        Ok(there) => {
            let here = open.metadata()?;
            Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A sealed segment as a file: by its name, its length and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    /// Its name.
    pub(super) name: String,
    /// Its length.
    pub(super) bytes: u64,
    /// SHA-256 of its bytes.
    pub(super) sha256: Digest,
}

/// The event of the record that a new file begins with, after the segment before it was sealed.
pub(super) fn seal_event(sealed: &Sealed) -> Event {
    Event::new(Action::AuditSeal, Outcome::Done)
        .detail(SEGMENT, &sealed.name)
        .detail(BYTES, sealed.bytes)
        .detail(SHA256, sealed.sha256)
}

/// What such a record says; `None` for another one.
pub(super) fn sealed_before(record: &Record) -> Option<Sealed> {
    let detail = |name| record.details.get(name);
    if record.what != Action::AuditSeal.as_str() {
        return None;
    }
    Some(Sealed {
        name: detail(SEGMENT)?.clone(),
        bytes: detail(BYTES)?.parse().ok()?,
        sha256: detail(SHA256)?.parse().ok()?,
    })
}

const SEGMENT: &str = "segment";
const BYTES: &str = "bytes";
const SHA256: &str = "sha256";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_in_no_other_way() {
        let log = Path::new("/state/audit.jsonl");
        let segment = Segment::of(log, 1, 31_234);
        assert_eq!(segment.name(), "audit-000000000001-000000031234.jsonl");
        let large = Segment::of(log, u64::MAX - 1, u64::MAX);
        for segment in [segment, large] {
            let name = segment.name();
            let read = Segment::named(OsStr::new(&name), Path::new("/state"), log);
            assert_eq!(read, Some(segment));
        }
        for name in [
            "audit.jsonl",
            "audit-1-2.jsonl",
            "audit-0000000000001-000000031234.jsonl",
            "audit-+00000000001-000000031234.jsonl",
            "audit-000000000001-000000031234.jsonl.gz",
            "audit-000000000001-000000031234",
            "other-000000000001-000000031234.jsonl",
            "audit.jsonl.torn-5-0123456789ab",
        ] {
            let read = Segment::named(OsStr::new(name), Path::new("/state"), log);
            assert_eq!(read, None, "{name}");
        }
        let bare = Segment::of(Path::new("run"), 3, 4);
        assert_eq!(bare.name(), "run-000000000003-000000000004");
    }
}
