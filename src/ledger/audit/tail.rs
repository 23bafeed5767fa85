//! The end of a log: what an append must know, found without reading the rest. And its beginning.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::AuditError;
use super::record::{self, Position, Record};
use crate::host::owned_files::{FileStep, OwnedFileError};

/// The end of a log: what an append must know, found without reading the rest.
#[derive(Debug)]
pub(super) struct Tail {
    /// After the last whole line.
    pub(super) position: Position,
    /// The offset after the last whole line.
    pub(super) end: u64,
    /// How many bytes follow it.
    pub(super) torn: u64,
}

impl Tail {
    pub(super) fn read(file: &File, path: &Path) -> Result<Self, AuditError> {
        let io = |source| OwnedFileError::of(FileStep::Read, path)(source);
        let length = file.metadata().map_err(io)?.len();
        // A page holds the last line nearly always; the second try holds a torn line and the longest record.
        for window in [4_096, 2 * record::MAX_LINE as u64 + 2] {
            let start = length.saturating_sub(window);
            let mut bytes = vec![0; usize::try_from(length - start).unwrap_or_default()];
            file.read_exact_at(&mut bytes, start).map_err(io)?;
            if let Some(tail) = Self::of(&bytes, start, path)? {
                return Ok(tail);
            }
        }
        Err(AuditError::Damaged {
            path: path.to_owned(),
            why: format!("it is longer than {} bytes", record::MAX_LINE),
        })
    }

    /// The tail of a log whose last bytes are `bytes`, from offset `start` on; `None` when they do not reach back far
    /// enough.
    fn of(bytes: &[u8], start: u64, path: &Path) -> Result<Option<Self>, AuditError> {
        let mut whole = bytes;
        let mut torn = 0_u64;
        loop {
            // `whole` ends where the torn bytes begin; its last line end closes the last whole line.
            let Some(line_end) = whole.iter().rposition(|byte| *byte == b'\n') else {
                return Ok((start == 0).then_some(Self {
                    position: Position::START,
                    end: 0,
                    torn: torn + whole.len() as u64,
                }));
            };
            let (lines, after) = whole.split_at(line_end + 1);
            torn += after.len() as u64;
            let lines_before = lines.get(..line_end).unwrap_or_default();
            let line_start = match lines_before.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                None if start == 0 => 0,
                None => return Ok(None),
            };
            let line = lines_before.get(line_start..).unwrap_or_default();
            // No record holds a zero byte: such a line is one whose pages the crash did not let reach the disk.
            if line.contains(&0) {
                torn += line.len() as u64 + 1;
                whole = lines.get(..line_start).unwrap_or_default();
                continue;
            }
            let record = record::read(line).map_err(|unreadable| AuditError::Damaged {
                path: path.to_owned(),
                why: match unreadable {
                    record::Unreadable::NoDigest => "it does not end in its digest".into(),
                    record::Unreadable::Digest { expected, found } => {
                        format!("the digest of its bytes was {expected} and is now {found}")
                    }
                    record::Unreadable::Shape(why) => why,
                },
            })?;
            return Ok(Some(Self {
                position: Position::after(&record, line),
                end: start + line_end as u64 + 1,
                torn,
            }));
        }
    }
}

/// The first record of a file, if its first line is one.
pub(super) fn first_record(file: &File) -> io::Result<Option<Record>> {
    let mut start = vec![0; record::MAX_LINE + 1];
    let mut filled = 0;
    while let Some(room) = start.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read_at(room, filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    let read = start.get(..filled).unwrap_or_default();
    let line = read.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(record::read(line).ok())
}
