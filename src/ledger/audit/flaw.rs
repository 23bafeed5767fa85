//! What a verification finds, in words.

use std::fmt;

use jiff::Timestamp;

use super::record::MAX_LINE;
use crate::base::clock::show_duration;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;

/// One place where a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The sealed segment that it is in; `None` for the file that is still written.
    pub segment: Option<String>,
    /// The line in that file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub kind: FlawKind,
}

/// What can be wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlawKind {
    /// The line's bytes are not those that were written.
    Altered {
        /// The digest that the line names.
        expected: String,
        /// The digest of its bytes.
        found: Digest,
    },
    /// The line is not a record at all.
    NotARecord(String),
    /// A sequence number does not follow: lines were removed, duplicated or swapped.
    Sequence {
        /// The number that follows from the line before.
        expected: u64,
        /// The number that the line has.
        found: u64,
    },
    /// The line names another predecessor than the line that stands before it.
    Predecessor {
        /// What the line names.
        expected: Digest,
        /// The digest of the line before it.
        found: Digest,
    },
    /// The last line has no line end: it was not written to its end, or it was cut.
    Torn {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The line is longer than any record can be.
    TooLong,
    /// The log ends before a checkpoint that was taken of it.
    CutBefore {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// The last sequence number that the log has.
        last: u64,
    },
    /// The record that a checkpoint names is another one.
    NotTheCheckpoint {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// The digest of the line with that number.
        found: Digest,
    },
    /// The record that a checkpoint names is not there, although later ones are.
    NotInLog {
        /// The checkpoint.
        checkpoint: Checkpoint,
    },
    /// A sealed segment is not what it was when it was sealed.
    SegmentAltered {
        /// Its name.
        name: String,
        /// The digest that it had.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// The segment that was sealed before this file is not here.
    SegmentMissing {
        /// Its name.
        name: String,
    },
    /// The file after a sealed segment does not say what that segment is.
    SegmentUnnamed {
        /// The name of the segment.
        name: String,
    },
    /// Nothing follows a sealed segment, although a record always does.
    EndsSealed {
        /// The name of the segment.
        name: String,
    },
    /// A record says what segment is before its file, and it is not the first of one.
    SealOutOfPlace,
    /// The clock was behind an earlier record by more than is ever corrected.
    TimeBackwards(ClockStep),
}

/// A clock that was set back, or had been ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStep {
    /// The time of the record.
    pub time: Timestamp,
    /// The latest time of the records before it.
    pub latest: Timestamp,
}

impl fmt::Display for ClockStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, latest } = self;
        write!(
            f,
            "its time, {time}, is {} before that of an earlier record, {latest}: the clock was set back, or had been ahead",
            show_duration(latest.duration_since(*time))
        )
    }
}

/// Something that is known and decided upon, and that every reader of the log should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The sealed segment that it is in; `None` for the file that is still written.
    pub segment: Option<String>,
    /// The line in that file, from 1.
    pub line: u64,
    /// What it is.
    pub kind: NoteKind,
}

impl Note {
    /// The same as a flaw, where nobody has decided about it.
    pub(super) fn into_flaw(self) -> Option<Flaw> {
        match self.kind {
            NoteKind::ClockStep(step) => Some(Flaw {
                segment: self.segment,
                line: self.line,
                kind: FlawKind::TimeBackwards(step),
            }),
            NoteKind::Lost { .. } => None,
        }
    }
}

/// What a reader of the log should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    /// Records are lost, and somebody resumed the log after the last one that is known of.
    Lost {
        /// The first record that is not here, if it comes before that one.
        first: Option<u64>,
        /// The last record that is known of. What followed it is lost.
        after: Checkpoint,
        /// When the log was resumed.
        resumed: Timestamp,
    },
    /// The clock was set back, and somebody resumed the log after that.
    ClockStep(ClockStep),
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost {
                first,
                after: Checkpoint { seq, .. },
                resumed,
            } => {
                match first {
                    Some(first) => {
                        write!(f, "the records {first} to {seq} and what followed are lost")?
                    }
                    None => write!(f, "what followed record {seq} is lost")?,
                }
                write!(f, "; the log was resumed at {resumed}")
            }
            Self::ClockStep(step) => write!(f, "{step}; the log was resumed later"),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(segment) = &self.segment {
            write!(f, "{segment}, ")?;
        }
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl fmt::Display for FlawKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { expected, found } => write!(
                f,
                "its bytes were changed: their digest was {expected} and is now {found}"
            ),
            Self::NotARecord(why) => write!(f, "not a record: {why}"),
            Self::Sequence { expected, found } => write!(
                f,
                "record {found} is in the place of record {expected}: lines were removed, repeated or moved"
            ),
            Self::Predecessor { expected, found } => write!(
                f,
                "names {expected} as the digest of the line before, but that line has {found}"
            ),
            Self::Torn { bytes } => write!(
                f,
                "the last {bytes} bytes have no line end: the last record is incomplete"
            ),
            Self::TooLong => write!(f, "longer than {MAX_LINE} bytes"),
            Self::CutBefore { checkpoint, last } => write!(
                f,
                "the log ends with record {last}, but it had {checkpoint} before: it was cut short"
            ),
            Self::NotTheCheckpoint { checkpoint, found } => write!(
                f,
                "record {} has digest {found}, but had {} before: the log was rewritten",
                checkpoint.seq, checkpoint.head
            ),
            Self::NotInLog { checkpoint } => write!(
                f,
                "record {}, which had {}, is not in the log any more",
                checkpoint.seq, checkpoint.head
            ),
            Self::SegmentAltered {
                name,
                expected,
                found,
            } => write!(
                f,
                "the sealed segment {name} was changed: its digest was {expected} and is now {found}"
            ),
            Self::SegmentMissing { name } => {
                write!(
                    f,
                    "the sealed segment {name}, which comes before it, is missing"
                )
            }
            Self::SegmentUnnamed { name } => write!(
                f,
                "follows the sealed segment {name} and does not name it: lines were removed or files exchanged"
            ),
            Self::EndsSealed { name } => write!(
                f,
                "nothing follows the sealed segment {name}, but a record always does: it was removed"
            ),
            Self::SealOutOfPlace => f.write_str(
                "says that a segment was sealed before it, but is not the first record of its file",
            ),
            Self::TimeBackwards(step) => step.fmt(f),
        }
    }
}
