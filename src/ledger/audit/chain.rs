//! Verification: does each line follow from the one before it?
//!
//! A [`Chain`] is fed the lines of a log in order and names every place where it does not hold. After a flaw it takes
//! the line as it stands and goes on, so that one damaged line gives one flaw (and perhaps its neighbour another), not
//! one for every line below. A log that was cut at a line end is right in itself; only a checkpoint from outside finds
//! that out, so checkpoints are part of what is verified.
//!
//! Time runs forward, give or take what synchronisation corrects. A clock that was set back is a flaw until somebody
//! resumes the log, which says that the clock is right now; after that it is a note. So are records that are lost, where
//! the log was resumed after them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::flaw::{ClockStep, Flaw, FlawKind, Note, NoteKind};
use super::record::{self, LOST_AFTER, Record, Unreadable};
use crate::base::clock::CLOCK_CORRECTION;
use crate::base::digest::{Digest, sha256};
use crate::base::event::Checkpoint;

/// The state of a verification between two lines.
#[derive(Debug, Clone)]
pub struct Chain {
    line: u64,
    seq: u64,
    /// Digest of the line before; unknown after a line that is flawed itself.
    prev: Option<Digest>,
    head: Checkpoint,
    records: u64,
    /// The latest time since the log began or was resumed.
    latest: Option<Timestamp>,
    is_behind: bool,
    /// What is known from outside of records that were not reached yet.
    checkpoints: BTreeMap<u64, Vec<Digest>>,
    flaws: Vec<Flaw>,
    flaw_count: u64,
    /// The flaws of time since the log was resumed.
    steps: Vec<(u64, ClockStep)>,
    step_count: u64,
    notes: Vec<Note>,
}

impl Chain {
    /// Before the first line; `checkpoints` are what is known of the log from outside.
    pub fn new(checkpoints: &[Checkpoint]) -> Self {
        let mut known: BTreeMap<u64, Vec<Digest>> = BTreeMap::new();
        for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.seq > 0) {
            let digests = known.entry(checkpoint.seq).or_default();
            if !digests.contains(&checkpoint.head) {
                digests.push(checkpoint.head);
            }
        }
        Self {
            line: 0,
            seq: 0,
            prev: Some(Checkpoint::EMPTY.head),
            head: Checkpoint::EMPTY,
            records: 0,
            latest: None,
            is_behind: false,
            checkpoints: known,
            flaws: Vec::new(),
            flaw_count: 0,
            steps: Vec::new(),
            step_count: 0,
            notes: Vec::new(),
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
        self.follow(&record);
        self.reach(Checkpoint {
            seq: record.seq,
            head: digest,
        });
        self.tell_time(&record);
        Some(record)
    }

    /// Whether the record is the one that comes next.
    fn follow(&mut self, record: &Record) {
        let expected = self.seq.saturating_add(1);
        let is_after_loss = record.resumes() && record.details.contains_key(LOST_AFTER);
        if is_after_loss && record.seq >= expected {
            let after = Checkpoint {
                seq: record.seq.saturating_sub(1),
                head: record.prev,
            };
            self.recognise(after);
            self.note(NoteKind::Lost {
                first: (record.seq > expected).then_some(expected),
                after,
                resumed: record.time,
            });
        }
        if is_after_loss && record.seq > expected {
            // It says itself that it does not follow.
        } else if record.seq != expected {
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
    }

    /// The log stands here now.
    fn reach(&mut self, here: Checkpoint) {
        self.recognise(here);
        self.seq = here.seq;
        self.prev = Some(here.head);
        self.head = here;
        self.records = self.records.saturating_add(1);
    }

    /// Whether this record is what is known of it from outside.
    fn recognise(&mut self, here: Checkpoint) {
        let next = self.checkpoints.first_key_value();
        if next.is_none_or(|(seq, _)| *seq > here.seq) {
            return;
        }
        for head in self.checkpoints.remove(&here.seq).unwrap_or_default() {
            if head != here.head {
                self.flaw(FlawKind::NotTheCheckpoint {
                    checkpoint: Checkpoint {
                        seq: here.seq,
                        head,
                    },
                    found: here.head,
                });
            }
        }
    }

    /// Whether the clock has run forward. Of a clock that stays behind only the first record is a flaw.
    fn tell_time(&mut self, record: &Record) {
        if record.resumes() {
            for (line, step) in std::mem::take(&mut self.steps) {
                self.note_at(line, NoteKind::ClockStep(step));
            }
            self.step_count = 0;
            self.is_behind = false;
            self.latest = Some(record.time);
            return;
        }
        let behind = self
            .latest
            .filter(|latest| latest.duration_since(record.time) > CLOCK_CORRECTION);
        if let Some(latest) = behind.filter(|_| !self.is_behind) {
            self.step_count = self.step_count.saturating_add(1);
            if self.steps.len() < MAX_FLAWS {
                let time = record.time;
                self.steps.push((self.line, ClockStep { time, latest }));
            }
        }
        self.is_behind = behind.is_some();
        self.latest = self.latest.max(Some(record.latest()));
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
        self.missing_checkpoints();
        let steps = std::mem::take(&mut self.steps).into_iter();
        self.flaws.extend(steps.map(|(line, step)| Flaw {
            line,
            kind: FlawKind::TimeBackwards(step),
        }));
        self.flaws.sort_by_key(|flaw| flaw.line);
        self.flaws.truncate(MAX_FLAWS);
        Verification {
            records: self.records,
            head: self.head,
            flaw_count: self.flaw_count(),
            flaws: self.flaws,
            notes: self.notes,
        }
    }

    /// What is known from outside and was not reached. Of those behind the end the last one says it all.
    fn missing_checkpoints(&mut self) {
        let last = self.head.seq;
        let missing = std::mem::take(&mut self.checkpoints);
        let of = |seq: &u64, digests: &[Digest]| -> Vec<Checkpoint> {
            let with = |head: &Digest| Checkpoint {
                seq: *seq,
                head: *head,
            };
            digests.iter().map(with).collect()
        };
        for (seq, digests) in missing.range(..=last) {
            for checkpoint in of(seq, digests) {
                self.flaw(FlawKind::NotInLog { checkpoint });
            }
        }
        if let Some((seq, digests)) = missing.last_key_value().filter(|(seq, _)| **seq > last) {
            for checkpoint in of(seq, digests) {
                self.flaw(FlawKind::CutBefore { checkpoint, last });
            }
        }
    }

    /// How many flaws there are so far.
    pub fn flaw_count(&self) -> u64 {
        self.flaw_count.saturating_add(self.step_count)
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

    fn note(&mut self, kind: NoteKind) {
        self.note_at(self.line, kind);
    }

    fn note_at(&mut self, line: u64, kind: NoteKind) {
        if self.notes.len() < MAX_FLAWS {
            self.notes.push(Note { line, kind });
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
    /// What every reader should know, the first hundred.
    pub notes: Vec<Note>,
}

impl Verification {
    /// Whether nothing was found.
    pub fn holds(&self) -> bool {
        self.flaw_count == 0
    }
}

/// How many flaws and how many notes are kept to be shown.
const MAX_FLAWS: usize = 100;
