//! Sealing: the file that is written becomes a sealed segment, and a new one takes its place.
//!
//! Each step leaves a log that is whole, whoever is killed after it and whenever the machine stops:
//!
//! 1. The file gets its second name, that of the segment. Readers see one file with two names and take it for the log.
//! 2. A new file is written through to the disk beside it. Its first record has the digest of the segment.
//! 3. The new file takes the log's name in one step.
//!
//! So the log's name is never missing: a log that is not there was removed. Whoever appends next after a step that was the
//! last one goes on with the next; the second name says that it must. All of it happens under the lock of the file that is
//! sealed. Who waits for that lock finds then that the name leads to another file, and opens that.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::error::AuditError;
use super::segment::{Sealed, Segment, is_same_file};
use super::tail::{Tail, first_record};
use crate::base::digest::Sha256Stream;
use crate::host::files::{sync_directory_of, write_through};
use crate::host::owned_files::{FileStep, OwnedFileError, open_unfollowed};

/// A file that must become a segment.
pub(super) struct Seal<'a> {
    log: &'a Path,
    file: &'a File,
    segment: Segment,
    length: u64,
}

impl<'a> Seal<'a> {
    /// What is to be done about `file`, the log at `log`, which is locked and ends with `tail`: it is sealed when it has
    /// `limit` bytes, or when sealing it was begun. A file with one record only, or with a damaged end or beginning, is not.
    pub(super) fn due(
        log: &'a Path,
        file: &'a File,
        tail: &Tail,
        limit: u64,
    ) -> Result<Option<Self>, AuditError> {
        let io = |source| OwnedFileError::of(FileStep::Seal, log)(source);
        let is_begun = file.metadata().map_err(io)?.nlink() > 1;
        if tail.torn > 0 || tail.end < limit && !is_begun {
            return Ok(None);
        }
        let last = tail.position.head.seq;
        let first = first_record(file).map_err(io)?.map(|record| record.seq);
        let Some(first) = first.filter(|first| *first < last) else {
            return Ok(None);
        };
        let segment = Segment::of(log, first, last);
        let is_due = tail.end >= limit || is_same_file(Some(file), &segment.path).map_err(io)?;
        Ok(is_due.then_some(Self {
            log,
            file,
            segment,
            length: tail.end,
        }))
    }

    /// Gives the file its second name; `false` where the file system knows no such thing, and then the log just grows.
    pub(super) fn link(&self) -> Result<bool, AuditError> {
        let path = &self.segment.path;
        let io = |source| OwnedFileError::of(FileStep::Seal, path)(source);
        match fs::hard_link(self.log, path) {
            Ok(()) => {}
            Err(error) if is_same_file(Some(self.file), path).map_err(io)? => drop(error),
            Err(error) => {
                return match Errno::from_io_error(&error) {
                    Some(Errno::PERM | Errno::NOTSUP | Errno::NOSYS | Errno::MLINK) => Ok(false),
                    _ => Err(io(error).into()),
                };
            }
        }
        sync_directory_of(path).map_err(io)?;
        Ok(true)
    }

    /// What the next file says about the segment.
    pub(super) fn sealed(&self) -> Result<Sealed, AuditError> {
        let mut hash = Sha256Stream::default();
        let mut block = vec![0; 256 * 1024];
        let mut at = 0;
        while at < self.length {
            let left = usize::try_from(self.length - at).unwrap_or(usize::MAX);
            let length = left.min(block.len());
            let part = block.get_mut(..length).unwrap_or_default();
            self.file
                .read_exact_at(part, at)
                .map_err(OwnedFileError::of(FileStep::Read, self.log))?;
            hash.update(part);
            at += length as u64;
        }
        Ok(Sealed {
            name: self.segment.name(),
            bytes: self.length,
            sha256: hash.finish(),
        })
    }

    /// Writes the file that comes next, with its first line, which ends with a line end. Who may read the log may read it.
    pub(super) fn write_next(&self, line: &[u8]) -> Result<(), AuditError> {
        let path = self.next();
        let write = || {
            let mode = self.file.metadata()?.permissions().mode() & 0o777;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let next = open_unfollowed(&mut options, &path)?;
            next.set_permissions(Permissions::from_mode(mode))?;
            write_through(&next, line)
        };
        Ok(write().map_err(OwnedFileError::of(FileStep::Write, &path))?)
    }

    /// Gives that file the log's name.
    pub(super) fn swap(&self) -> Result<(), AuditError> {
        let swap = || {
            fs::rename(self.next(), self.log)?;
            sync_directory_of(self.log)
        };
        Ok(swap().map_err(OwnedFileError::of(FileStep::Seal, self.log))?)
    }

    /// Where the next file is written. Only who holds the lock writes there, so what a killed one left is written over.
    fn next(&self) -> PathBuf {
        let mut name = self.log.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        self.log.with_file_name(name)
    }
}
