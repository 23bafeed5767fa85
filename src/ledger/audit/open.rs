//! A log that is open to be read, with its sealed segments.
//!
//! A reader takes the lock only to learn how long the log is, and reads without it: what stands before the end of the last
//! whole line never changes any more, nor does a sealed segment. So nobody waits for a reader, however long the log is and
//! whoever stops it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::backwards::LinesBackwards;
use super::chain::{Chain, Verification};
use super::error::AuditError;
use super::lines::{FileEnd, Next, read_lines};
use super::log::LOCK_PATIENCE;
use super::record::{self, Record};
use super::segment::{Segment, is_same_file, sealed_before, segments};
use super::tail::{Tail, first_record};
use crate::host::owned_files::{
    FileStep, OwnedFileError, check_regular, open_unfollowed, wait_for_lock,
};

/// A log that is open to be read, as it was in one moment.
pub(super) struct OpenLog {
    path: PathBuf,
    /// The file that is still written, if there is one.
    pub(super) active: Option<Active>,
    /// The segments before it.
    pub(super) segments: Vec<Segment>,
}

/// The file that is still written.
pub(super) struct Active {
    file: File,
    length: u64,
    /// Its end, or that its last line is not a record.
    pub(super) tail: Result<Tail, AuditError>,
}

impl Active {
    /// Opens it; `None` if there is none. Whoever appends waits until its end is known, and no longer.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, AuditError> {
        let file = loop {
            let file = match open_unfollowed(OpenOptions::new().read(true), path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(OwnedFileError::of(FileStep::Open, path)(error).into()),
            };
            check_regular(&file, path)?;
            wait_for_lock(path, LOCK_PATIENCE, || file.try_lock_shared())?;
            // It may have been sealed while we waited.
            if is_same_file(Some(&file), path)
                .map_err(OwnedFileError::of(FileStep::Inspect, path))?
            {
                break file;
            }
        };
        let length = file.metadata().map(|metadata| metadata.len());
        let tail = Tail::read(&file, path);
        file.unlock()
            .map_err(OwnedFileError::of(FileStep::Lock, path))?;
        let tail = match tail {
            Err(error @ AuditError::File(_)) => return Err(error),
            tail => tail,
        };
        Ok(Some(Self {
            file,
            length: length.map_err(OwnedFileError::of(FileStep::Read, path))?,
            tail,
        }))
    }

    /// The last record before it, if that is in a sealed segment, as its first record says.
    pub(super) fn sealed_until(&self) -> Option<u64> {
        let first = first_record(&self.file).ok()??;
        sealed_before(&first).map(|_| first.seq.saturating_sub(1))
    }

    /// What of it is read, and how many bytes without a line end follow.
    pub(super) fn extent(&self) -> (u64, u64) {
        match &self.tail {
            Ok(tail) => (tail.end, tail.torn),
            // Nobody appends to such a log.
            Err(_) => (self.length, 0),
        }
    }
}

impl OpenLog {
    /// The log at `path`. Segments that were moved away are looked for in `archives`.
    pub(super) fn open(path: &Path, archives: &[PathBuf]) -> Result<Self, AuditError> {
        loop {
            let active = Active::open(path)?;
            let file = active.as_ref().map(|active| &active.file);
            let segments = segments(path, file, archives)?;
            let is_there = match file {
                None => !path.exists(),
                file => {
                    is_same_file(file, path).map_err(OwnedFileError::of(FileStep::Inspect, path))?
                }
            };
            // Otherwise it was sealed between the two looks, and what came after it may have been sealed too.
            if is_there {
                return Ok(Self {
                    path: path.to_owned(),
                    active,
                    segments,
                });
            }
        }
    }

    /// Reads it from `start` on, feeding `chain`; what comes is handed on before, until `each` has enough.
    pub(super) fn read(
        &self,
        start: Start,
        mut chain: Chain,
        each: &mut dyn FnMut(&Next<'_>) -> ControlFlow<()>,
    ) -> Result<Verification, AuditError> {
        let mut offset = start.offset;
        for segment in self.segments.iter().skip(start.file) {
            let error = |source| OwnedFileError::of(FileStep::Read, &segment.path)(source);
            chain.enter(&segment.name());
            let mut file = segment.open()?;
            file.seek(SeekFrom::Start(offset)).map_err(error)?;
            let Some(end) = feed(file, offset == 0, &mut chain, each).map_err(error)? else {
                return Ok(chain.finish(0));
            };
            let whole = end.sha256.map(|sha256| (end.bytes, sha256));
            chain.leave(end.torn, whole);
            offset = 0;
        }
        let Some(active) = &self.active else {
            return Ok(chain.finish(0));
        };
        let error = |source| OwnedFileError::of(FileStep::Read, &self.path)(source);
        let (whole, torn) = active.extent();
        let mut file = &active.file;
        file.seek(SeekFrom::Start(offset)).map_err(error)?;
        let mut lines = file.take(whole.saturating_sub(offset));
        match feed(&mut lines, false, &mut chain, each).map_err(error)? {
            Some(_) if lines.limit() > 0 => {
                let shorter = "it became shorter while it was read";
                Err(error(io::Error::other(shorter)).into())
            }
            Some(end) => Ok(chain.finish(end.torn.saturating_add(torn))),
            None => Ok(chain.finish(0)),
        }
    }

    /// The beginning of the first of the last `count` records that are wanted, and whether it is that of the line before it,
    /// by which that record is known to be in its place.
    pub(super) fn start_of_last(
        &self,
        count: usize,
        wanted: &dyn Fn(&Record) -> bool,
    ) -> Result<(Start, bool), AuditError> {
        let mut left = count;
        let mut found = None;
        for number in (0..=self.segments.len()).rev() {
            let Some((file, end, path)) = self.file(number)? else {
                continue;
            };
            let mut lines = LinesBackwards::new(&file, end);
            while let Some((offset, is_wanted)) = lines
                .next(|at| {
                    let record = at.line.and_then(|line| record::read(line).ok());
                    (at.offset, record.is_some_and(|record| wanted(&record)))
                })
                .map_err(OwnedFileError::of(FileStep::Read, path))?
            {
                let here = Start {
                    file: number,
                    offset,
                };
                if found.is_some() {
                    return Ok((here, true));
                }
                left = left.saturating_sub(usize::from(is_wanted));
                if left == 0 {
                    found = Some(here);
                }
            }
            if let Some(found) = found {
                return Ok((found, false));
            }
        }
        Ok((Start::default(), false))
    }

    /// The number of the first record of a file, if its first line is one.
    pub(super) fn first_number(&self, number: usize) -> Result<Option<u64>, AuditError> {
        let Some((file, _, path)) = self.file(number)? else {
            return Ok(None);
        };
        let first = first_record(&file).map_err(OwnedFileError::of(FileStep::Read, path))?;
        Ok(first.map(|record| record.seq))
    }

    /// The first file in which something is that `is_before` does not say of the record after the file: that nothing in it is
    /// meant.
    pub(super) fn first_file(
        &self,
        is_before: &dyn Fn(&Record) -> bool,
    ) -> Result<usize, AuditError> {
        for number in (1..=self.segments.len()).rev() {
            let Some((file, _, path)) = self.file(number)? else {
                continue;
            };
            let first = first_record(&file).map_err(OwnedFileError::of(FileStep::Read, path))?;
            if first.is_some_and(|first| is_before(&first)) {
                return Ok(number);
            }
        }
        Ok(0)
    }

    /// A file with the end of what is read of it, and where it lies; `None` for a file that is not there.
    fn file(&self, number: usize) -> Result<Option<(File, u64, &Path)>, AuditError> {
        if let Some(segment) = self.segments.get(number) {
            let file = segment.open()?;
            let metadata = file.metadata();
            let metadata = metadata.map_err(OwnedFileError::of(FileStep::Read, &segment.path))?;
            return Ok(Some((file, metadata.len(), &segment.path)));
        }
        let Some(active) = &self.active else {
            return Ok(None);
        };
        let file = active.file.try_clone();
        let file = file.map_err(OwnedFileError::of(FileStep::Open, &self.path))?;
        Ok(Some((file, active.extent().0, &self.path)))
    }
}

/// A place in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// The number of the file, from the oldest segment on; that of the file that is written comes last.
    pub(super) file: usize,
    /// The offset in it.
    pub(super) offset: u64,
}

/// Feeds the lines of a file.
pub(super) fn feed(
    file: impl Read,
    with_digest: bool,
    chain: &mut Chain,
    each: &mut dyn FnMut(&Next<'_>) -> ControlFlow<()>,
) -> io::Result<Option<FileEnd>> {
    read_lines(file, with_digest, &mut |next| {
        let enough = each(&next);
        if enough.is_continue() {
            match next {
                Next::Line(examined) => drop(chain.take(examined)),
                Next::TooLong => chain.take_too_long(),
            }
        }
        enough
    })
}
