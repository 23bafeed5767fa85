//! Verification: does each line follow from the one before it?
//!
//! A [`Chain`] is fed the lines of a log in order and names every place where it does not hold. After a flaw it takes
//! the line as it stands and goes on, so that one damaged line gives one flaw (and perhaps its neighbour another), not
//! one for every line below. A log that was cut at a line end is right in itself; only a checkpoint from outside finds
//! that out, so checkpoints are part of what is verified.

use std::fmt;

use super::record::{self, Record, Unreadable};
use crate::base::digest::{Digest, sha256};
use crate::base::event::Checkpoint;

/// One place where a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The line, from 1.
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
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.kind {
            FlawKind::Altered { expected, found } => write!(
                f,
                "its bytes were changed: their digest was {expected} and is now {found}"
            ),
            FlawKind::NotARecord(why) => write!(f, "not a record: {why}"),
            FlawKind::Sequence { expected, found } => write!(
                f,
                "record {found} is in the place of record {expected}: lines were removed, repeated or moved"
            ),
            FlawKind::Predecessor { expected, found } => write!(
                f,
                "names {expected} as the digest of the line before, but that line has {found}"
            ),
            FlawKind::Torn { bytes } => write!(
                f,
                "the last {bytes} bytes have no line end: the last record is incomplete"
            ),
            FlawKind::TooLong => write!(f, "longer than {MAX_LINE} bytes"),
            FlawKind::CutBefore { checkpoint, last } => write!(
                f,
                "the log ends with record {last}, but it had {checkpoint} before: it was cut short"
            ),
            FlawKind::NotTheCheckpoint { checkpoint, found } => write!(
                f,
                "record {} has digest {found}, but had {} before: the log was rewritten",
                checkpoint.seq, checkpoint.head
            ),
        }
    }
}

/// The state of a verification between two lines.
#[derive(Debug, Clone)]
pub struct Chain {
    line: u64,
    seq: u64,
    /// Digest of the line before; unknown after a line that is flawed itself.
    prev: Option<Digest>,
    head: Checkpoint,
    records: u64,
    checkpoints: Vec<Checkpoint>,
    flaws: Vec<Flaw>,
    flaw_count: u64,
}

impl Chain {
    /// Before the first line; `checkpoints` are what is known of the log from outside.
    pub fn new(checkpoints: &[Checkpoint]) -> Self {
        Self {
            line: 0,
            seq: 0,
            prev: Some(Checkpoint::EMPTY.head),
            head: Checkpoint::EMPTY,
            records: 0,
            checkpoints: checkpoints.iter().copied().filter(|c| c.seq > 0).collect(),
            flaws: Vec::new(),
            flaw_count: 0,
        }
    }

    /// The next whole line, without its line end. Gives the record if it is one, flawed in its place or not.
    pub fn feed(&mut self, line: &[u8]) -> Option<Record> {
        self.line = self.line.saturating_add(1);
        let digest = Digest::Sha256(sha256(line));
        let record = match record::read(line) {
            Ok(record) => record,
            Err(unreadable) => {
                self.flaw(match unreadable {
                    Unreadable::NoDigest => {
                        FlawKind::NotARecord("it does not end in its digest".into())
                    }
                    Unreadable::Digest { expected, found } => FlawKind::Altered { expected, found },
                    Unreadable::Shape(why) => FlawKind::NotARecord(why),
                });
                self.seq = self.seq.saturating_add(1);
                self.prev = None;
                return None;
            }
        };
        let expected = self.seq.saturating_add(1);
        if record.seq != expected {
            self.flaw(FlawKind::Sequence {
                expected,
                found: record.seq,
            });
        } else if let Some(prev) = self.prev.filter(|prev| *prev != record.prev) {
            self.flaw(FlawKind::Predecessor {
                expected: record.prev,
                found: prev,
            });
        }
        let here = Checkpoint {
            seq: record.seq,
            head: digest,
        };
        let (reached, ahead) = std::mem::take(&mut self.checkpoints)
            .into_iter()
            .partition::<Vec<_>, _>(|checkpoint| checkpoint.seq == here.seq);
        self.checkpoints = ahead;
        for checkpoint in reached {
            if checkpoint != here {
                self.flaw(FlawKind::NotTheCheckpoint {
                    checkpoint,
                    found: digest,
                });
            }
        }
        self.seq = record.seq;
        self.prev = Some(digest);
        self.head = here;
        self.records = self.records.saturating_add(1);
        Some(record)
    }

    /// A line that is longer than any record can be stands next.
    pub(super) fn feed_too_long(&mut self) {
        self.line = self.line.saturating_add(1);
        self.flaw(FlawKind::TooLong);
        self.seq = self.seq.saturating_add(1);
        self.prev = None;
    }

    /// After the last whole line; `torn` is how many bytes follow it without a line end.
    pub fn finish(mut self, torn: u64) -> Verification {
        if torn > 0 {
            self.line = self.line.saturating_add(1);
            self.flaw(FlawKind::Torn { bytes: torn });
        }
        let last = self.head.seq;
        for checkpoint in std::mem::take(&mut self.checkpoints) {
            self.flaw(FlawKind::CutBefore { checkpoint, last });
        }
        Verification {
            records: self.records,
            head: self.head,
            flaws: self.flaws,
            flaw_count: self.flaw_count,
        }
    }

    /// How many flaws there are so far.
    pub fn flaw_count(&self) -> u64 {
        self.flaw_count
    }

    fn flaw(&mut self, kind: FlawKind) {
        self.flaw_count = self.flaw_count.saturating_add(1);
        if self.flaws.len() < MAX_FLAWS {
            self.flaws.push(Flaw {
                line: self.line,
                kind,
            });
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many records it has.
    pub records: u64,
    /// Where it stands.
    pub head: Checkpoint,
    /// The first hundred flaws, in the order of lines.
    pub flaws: Vec<Flaw>,
    /// How many flaws there are in all.
    pub flaw_count: u64,
}

impl Verification {
    /// Whether nothing was found.
    pub fn holds(&self) -> bool {
        self.flaw_count == 0
    }
}

/// Longest line of a log, in bytes without its line end. Events are cut far below; this bounds what a reader holds.
pub(super) const MAX_LINE: usize = 64 * 1_024;

/// How many flaws are kept to be shown.
const MAX_FLAWS: usize = 100;
