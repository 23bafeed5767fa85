//! Reading and verifying the log.
//!
//! A reader takes the lock only to learn how long the log is, and reads without it: what stands before the end of the last
//! whole line never changes any more. So nobody waits for a reader, however long the log is and whoever stops it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use jiff::Timestamp;

use super::chain::{Chain, Verification};
use super::error::AuditError;
use super::log::LOCK_PATIENCE;
use super::lost::check_not_lost;
use super::record::{self, Position, Record};
use super::tail::Tail;
use crate::base::event::Checkpoint;
use crate::host::owned_files::{
    FileStep, OwnedFileError, check_regular, open_unfollowed, wait_for_lock,
};

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its last record; [`Checkpoint::EMPTY`] without records.
    pub checkpoint: Checkpoint,
    /// The latest time that it knows of: that of the last record, unless the clock was behind an earlier one then. `None`
    /// without records.
    pub latest: Option<Timestamp>,
}

/// Where the log at `path` stands, found at its end. If `receipts` holds a receipt that tells of a record, a log without
/// records is lost.
///
/// # Errors
/// It is lost, it cannot be read, or its last whole line is not a record. A torn line after that is not part of the log.
pub fn standing(path: &Path, receipts: Option<&Path>) -> Result<Standing, AuditError> {
    let position = match OpenLog::open(path)? {
        Some(log) => log.tail?.position,
        None => Position::START,
    };
    if position == Position::START {
        check_not_lost(path, receipts)?;
    }
    Ok(Standing {
        checkpoint: position.head,
        latest: position.latest,
    })
}

/// Verifies the log at `path` against itself and against every one of `checkpoints`.
///
/// # Errors
/// It cannot be read. A log that does not exist is an empty one: with a checkpoint at hand that is a flaw.
pub fn verify(path: &Path, checkpoints: &[Checkpoint]) -> Result<Verification, AuditError> {
    read(path, Chain::new(checkpoints), |_| ())
}

/// Reads every record of the log at `path` in order, verifying as it goes. What is not a record is not shown but is
/// among the flaws of the result.
///
/// # Errors
/// It cannot be read.
pub fn show(path: &Path, each: impl FnMut(Record)) -> Result<Verification, AuditError> {
    read(path, Chain::new(&[]), each)
}

fn read(path: &Path, chain: Chain, each: impl FnMut(Record)) -> Result<Verification, AuditError> {
    let Some(log) = OpenLog::open(path)? else {
        return Ok(chain.finish(0));
    };
    let (whole, torn) = match &log.tail {
        Ok(tail) => (tail.end, tail.torn),
        // Nobody appends to such a log.
        Err(_) => (log.length, 0),
    };
    let mut lines = (&log.file).take(whole);
    let verification = match read_lines(&mut lines, torn, chain, each) {
        Ok(_) if lines.limit() > 0 => Err(io::Error::other("it became shorter while it was read")),
        read => read,
    };
    verification.map_err(|error| OwnedFileError::of(FileStep::Read, path)(error).into())
}

/// A log that was opened to be read, with what it was like in that moment.
struct OpenLog {
    file: File,
    length: u64,
    /// Its end, or that its last line is not a record.
    tail: Result<Tail, AuditError>,
}

impl OpenLog {
    /// The log at `path`; `None` if there is none. Whoever appends waits until its end is known, and no longer.
    fn open(path: &Path) -> Result<Option<Self>, AuditError> {
        let file = match open_unfollowed(OpenOptions::new().read(true), path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OwnedFileError::of(FileStep::Open, path)(error).into()),
        };
        check_regular(&file, path)?;
        wait_for_lock(path, LOCK_PATIENCE, || file.try_lock_shared())?;
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
}

/// Reads lines to the end of `file`, which `torn` bytes without a line end follow.
pub(super) fn read_lines(
    file: impl Read,
    torn: u64,
    mut chain: Chain,
    mut each: impl FnMut(Record),
) -> io::Result<Verification> {
    let mut reader = BufReader::with_capacity(256 * 1_024, file);
    let mut line = Vec::with_capacity(1_024);
    loop {
        line.clear();
        let limit = record::MAX_LINE as u64 + 1;
        let read = (&mut reader).take(limit).read_until(b'\n', &mut line)?;
        if line.pop_if(|last| *last == b'\n').is_some() {
            if let Some(record) = chain.feed(&line) {
                each(record);
            }
        } else if read as u64 == limit {
            let (skipped, ended) = skip_line(&mut reader)?;
            if !ended {
                return Ok(chain.finish(limit.saturating_add(skipped).saturating_add(torn)));
            }
            chain.feed_too_long();
        } else {
            return Ok(chain.finish((read as u64).saturating_add(torn)));
        }
    }
}

/// Reads on to the next line end: how many bytes that were, and whether there was one.
fn skip_line(reader: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut skipped = 0_u64;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((skipped, false));
        }
        let found = buffer.iter().position(|byte| *byte == b'\n');
        let used = found.map_or(buffer.len(), |at| at + 1);
        reader.consume(used);
        skipped = skipped.saturating_add(used as u64);
        if found.is_some() {
            return Ok((skipped, true));
        }
    }
}
