//! The lines of a file, in blocks: as many as fit are looked at on every core, and handed on in their order.
//!
//! A block is all that is ever held, however long the file is and however long a line in it.

use std::io::{self, Read};
use std::ops::ControlFlow;

use memchr::memchr_iter;

use super::link::{Examined, examine};
use super::record::MAX_LINE;
use crate::base::digest::{Digest, Sha256Stream};
use crate::base::parallel;

/// What comes next in a file.
pub(super) enum Next<'a> {
    /// A whole line.
    Line(&'a Examined<'a>),
    /// A line that is longer than any record.
    TooLong,
}

/// What a file was, after its last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileEnd {
    /// How many bytes follow the last line end.
    pub(super) torn: u64,
    /// How many bytes there are in all.
    pub(super) bytes: u64,
    /// SHA-256 of all of them, if it was asked for.
    pub(super) sha256: Option<Digest>,
}

/// Reads a file to its end and hands on what comes, until `each` has enough: then nothing is known of its end.
pub(super) fn read_lines(
    mut file: impl Read,
    with_digest: bool,
    each: &mut dyn FnMut(Next<'_>) -> ControlFlow<()>,
) -> io::Result<Option<FileEnd>> {
    let mut hash = with_digest.then(Sha256Stream::default);
    let mut block = vec![0; BLOCK];
    // How much of the block is the beginning of a line whose end was not read yet.
    let mut kept = 0;
    // How much of a line that is longer than a block was passed over.
    let mut passed_over = 0_u64;
    let mut bytes = 0_u64;
    loop {
        let filled = kept + fill(&mut file, block.get_mut(kept..).unwrap_or_default())?;
        let (old, new) = block.get(..filled).unwrap_or_default().split_at(kept);
        bytes = bytes.saturating_add(new.len() as u64);
        if new.is_empty() {
            return Ok(Some(FileEnd {
                torn: passed_over.saturating_add(old.len() as u64),
                bytes,
                sha256: hash.map(Sha256Stream::finish),
            }));
        }
        let read = block.get(..filled).unwrap_or_default();
        let lines_end = read
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let (whole, rest) = read.split_at(lines_end);
        let mut examine = || examine_all(whole, &mut passed_over);
        let examined = match &mut hash {
            Some(hash) => parallel::join(|| hash.update(new), examine).1,
            None => examine(),
        };
        for next in &examined {
            let next = match next {
                Some(examined) => Next::Line(examined),
                None => Next::TooLong,
            };
            if each(next).is_break() {
                return Ok(None);
            }
        }
        kept = rest.len();
        if kept == BLOCK {
            passed_over = passed_over.saturating_add(kept as u64);
            kept = 0;
        }
        block.copy_within(lines_end..filled, 0);
    }
}

/// Looks at each line of `whole`, which ends with a line end; `None` for one that is too long.
fn examine_all<'a>(whole: &'a [u8], passed_over: &mut u64) -> Vec<Option<Examined<'a>>> {
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    for end in memchr_iter(b'\n', whole) {
        lines.push(whole.get(start..end).unwrap_or_default());
        start = end + 1;
    }
    let mut examined = Vec::with_capacity(lines.len());
    if *passed_over > 0 && !lines.is_empty() {
        // The end of a line that began in an earlier block.
        *passed_over = 0;
        lines.remove(0);
        examined.push(None);
    }
    examined.extend(parallel::map(lines, FEW, |line| {
        (line.len() <= MAX_LINE).then(|| examine(line))
    }));
    examined
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// How much of a file is held at once.
const BLOCK: usize = 1024 * 1024;

/// So few lines are not worth a second thread.
const FEW: usize = 64;
