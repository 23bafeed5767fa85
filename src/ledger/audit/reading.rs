//! Reading and verifying the log.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::chain::{Chain, Verification};
use super::error::AuditError;
use super::lines::Next;
use super::link::Examined;
use super::lost::check_not_lost;
use super::open::{Active, OpenLog, Start};
use super::record::{self, Position, Record};
use crate::base::event::{Action, Checkpoint};

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its last record; [`Checkpoint::EMPTY`] without records.
    pub checkpoint: Checkpoint,
    /// The latest time that it knows of: that of the last record, unless the clock was behind an earlier one then. `None`
    /// without records.
    pub latest: Option<Timestamp>,
}

/// Where the log at `path` stands, found at its end. If `receipts` holds a receipt that tells of a record, or a sealed segment
/// is there, a log without records is lost.
///
/// # Errors
/// It is lost, it cannot be read, or its last whole line is not a record. A torn line after that is not part of the log.
pub fn standing(path: &Path, receipts: Option<&Path>) -> Result<Standing, AuditError> {
    let position = match Active::open(path)? {
        Some(active) => active.tail?.position,
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

/// Verifies the log at `path`, with its sealed segments, against itself and against every one of `checkpoints`.
///
/// # Errors
/// It cannot be read. A log that does not exist is an empty one: with a checkpoint at hand that is a flaw.
pub fn verify(path: &Path, checkpoints: &[Checkpoint]) -> Result<Verification, AuditError> {
    verify_with(path, &[], checkpoints)
}

/// The same, with segments that were moved to the directories `archives`.
///
/// # Errors
/// As [`verify`]; or a directory cannot be listed.
pub fn verify_with(
    path: &Path,
    archives: &[PathBuf],
    checkpoints: &[Checkpoint],
) -> Result<Verification, AuditError> {
    let log = OpenLog::open(path, archives)?;
    let chain = Chain::new(checkpoints);
    log.read(Start::default(), chain, &mut |_| ControlFlow::Continue(()))
}

/// Reads every record of the log at `path` in order, verifying as it goes. What is not a record is not shown but is
/// among the flaws of the result.
///
/// # Errors
/// It cannot be read.
pub fn show(path: &Path, mut each: impl FnMut(Record)) -> Result<Verification, AuditError> {
    let log = OpenLog::open(path, &[])?;
    log.read(Start::default(), Chain::new(&[]), &mut |next| {
        record_of(next).map(&mut each);
        ControlFlow::Continue(())
    })
}

/// Reads the last `count` records of the log at `path` that are `wanted`, in order. Nothing before them is read but the one
/// line that they follow, so what is verified is only that they are what was written.
///
/// # Errors
/// It cannot be read.
pub fn show_last(
    path: &Path,
    count: usize,
    wanted: &dyn Fn(&Record) -> bool,
    mut each: impl FnMut(Record),
) -> Result<Verification, AuditError> {
    let log = OpenLog::open(path, &[])?;
    let (start, is_before) = log.start_of_last(count, wanted)?;
    let chain = match start == Start::default() {
        true => Chain::new(&[]),
        false => Chain::in_the_middle(log.first_number(start.file)?),
    };
    let mut is_passed_over = is_before;
    log.read(start, chain, &mut |next| {
        if !std::mem::take(&mut is_passed_over) && count > 0 {
            let record = record_of(next).filter(|record| wanted(record));
            record.map(&mut each);
        }
        ControlFlow::Continue(())
    })
}

/// What of a log is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// All of it.
    Beginning,
    /// From the record with this number on.
    Record(u64),
    /// What was recorded at this instant or later. A record that was written while the clock was behind an earlier one is
    /// taken to be as late as that.
    Instant(Timestamp),
}

impl Since {
    fn holds(self, seq: u64, latest: Timestamp) -> bool {
        match self {
            Self::Beginning => true,
            Self::Record(first) => seq >= first,
            Self::Instant(first) => latest >= first,
        }
    }
}

/// Hands out the line of each record of the log at `path` since then, without its line end and as it stands in the file,
/// until `each` has enough. Segments are also looked for in `archives`; those with nothing of interest are not read.
///
/// # Errors
/// It cannot be read, or a directory cannot be listed.
pub fn export(
    path: &Path,
    archives: &[PathBuf],
    since: Since,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    let log = OpenLog::open(path, archives)?;
    let file = log.first_file(&|first: &Record| {
        first.what == Action::AuditSeal.as_str()
            && match since {
                Since::Beginning => false,
                Since::Record(wanted) => first.seq <= wanted,
                // Everything before it is older than this, or is known to have been written with a wrong clock.
                Since::Instant(wanted) => first.latest() < wanted,
            }
    })?;
    let chain = match file {
        0 => Chain::new(&[]),
        _ => Chain::in_the_middle(log.first_number(file)?),
    };
    let start = Start { file, offset: 0 };
    log.read(start, chain, &mut |next| match next {
        Next::Line(Examined {
            line,
            link: Ok(link),
            ..
        }) if since.holds(link.seq, link.latest()) => each(line),
        _ => ControlFlow::Continue(()),
    })
}

fn record_of(next: &Next<'_>) -> Option<Record> {
    match next {
        Next::Line(examined) => record::read(examined.line).ok(),
        Next::TooLong => None,
    }
}
