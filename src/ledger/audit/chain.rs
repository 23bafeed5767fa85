//! Verification: does each line follow from the one before it?
//!
//! A [`Chain`] is fed the lines of a log in order and names every place where it does not hold. After a flaw it takes
//! the line as it stands and goes on, so that one damaged line gives one flaw (and perhaps its neighbour another), not
//! one for every line below. A log that was cut at a line end is right in itself; only a checkpoint from outside finds
//! that out, so checkpoints are part of what is verified.
//!
//! A log that was cut into segments is fed segment by segment. Its records are one chain; besides, the first record of each
//! file must say what the file before it is.
//!
//! Time runs forward, give or take what synchronisation corrects. A clock that was set back is a flaw until somebody
//! resumes the log, which says that the clock is right now; after that it is a note. So are records that are lost, where
//! the log was resumed after them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::flaw::{ClockStep, Flaw, FlawKind, Note, NoteKind};
use super::link::{Examined, Link, examine};
use super::record::{self, LOST_AFTER, Record, Unreadable};
use super::segment::{Sealed, sealed_before};
use crate::base::clock::CLOCK_CORRECTION;
use crate::base::digest::Digest;
use crate::base::event::{Action, Checkpoint};

/// A segment that was fed.
#[derive(Debug, Clone)]
struct Before {
    name: String,
    /// Length and digest of the file, if all of it was fed.
    file: Option<(u64, Digest)>,
}

/// The state of a verification between two lines.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The sealed segment that is read; `None` for the file that is still written.
    segment: Option<String>,
    line: u64,
    /// The sealed segment before this file, until its first record was read.
    sealed: Option<Before>,
    /// What was fed before the first line is not known, but perhaps the number of the file's first record.
    middle: Option<Option<u64>>,
    segments: u64,
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
    steps: Vec<Note>,
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
            segment: None,
            line: 0,
            sealed: None,
            middle: None,
            segments: 0,
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

    /// Before a line in the middle of a log: nothing is known of what comes before it. `first` is the number of the first
    /// record of its file, so that lines can be numbered.
    pub(super) fn in_the_middle(first: Option<u64>) -> Self {
        Self {
            middle: Some(first),
            ..Self::new(&[])
        }
    }

    /// The lines of a sealed segment come next.
    pub fn enter(&mut self, segment: &str) {
        self.segment = Some(segment.to_owned());
        self.line = 0;
    }

    /// That segment ends: `torn` bytes follow its last whole line. The length and the digest of the file are known if all of
    /// it was fed.
    pub fn leave(&mut self, torn: u64, file: Option<(u64, Digest)>) {
        self.tear(torn);
        self.unnamed_segment();
        self.sealed = self.segment.take().map(|name| Before { name, file });
        self.segments = self.segments.saturating_add(1);
        self.line = 0;
    }

    /// The next whole line, without its line end. Whether it is a record, flawed in its place or not.
    pub fn feed(&mut self, line: &[u8]) -> bool {
        self.take(&examine(line))
    }

    /// The next whole line, which was looked at before.
    pub(super) fn take(&mut self, examined: &Examined<'_>) -> bool {
        self.line = self.line.saturating_add(1);
        let linked = examined.link.as_ref().map_err(Unreadable::clone);
        let linked = linked.and_then(|link| Ok((link, link.prev_unless(self.prev)?)));
        match linked {
            Ok((link, prev)) => {
                let record = self.record_of(examined.line, link);
                self.follow(link, prev, record.as_ref());
                self.reach(Checkpoint {
                    seq: link.seq,
                    head: examined.digest,
                });
                self.tell_time(link);
                true
            }
            Err(unreadable) => {
                self.flaw(match unreadable {
                    Unreadable::NoDigest => {
                        FlawKind::NotARecord("it does not end in its digest".into())
                    }
                    Unreadable::Digest { expected, found } => FlawKind::Altered { expected, found },
                    Unreadable::Shape(why) => FlawKind::NotARecord(why),
                });
                self.pass_over();
                false
            }
        }
    }

    /// A line that is longer than any record can be stands next.
    pub(super) fn take_too_long(&mut self) {
        self.line = self.line.saturating_add(1);
        self.flaw(FlawKind::TooLong);
        self.pass_over();
    }

    /// A line that is no record counts as one, so that the next is not flawed for it.
    fn pass_over(&mut self) {
        self.sealed = None;
        self.middle = None;
        self.seq = self.seq.saturating_add(1);
        self.prev = None;
    }

    /// The whole record, where its details say something about its place.
    fn record_of(&self, line: &[u8], link: &Link<'_>) -> Option<Record> {
        let is_about_the_log = [Action::AuditSeal, Action::AuditResume]
            .iter()
            .any(|action| link.what == action.as_str());
        is_about_the_log.then(|| record::read(line).ok())?
    }

    /// Whether the record is the one that comes next. `prev` is the digest that it names, if that is not the one of the line
    /// before.
    fn follow(&mut self, link: &Link<'_>, prev: Option<Digest>, record: Option<&Record>) {
        if let Some(first) = self.middle.take() {
            let before = link.seq.saturating_sub(first.unwrap_or(link.seq));
            self.line = before.saturating_add(1);
            return;
        }
        let expected = self.seq.saturating_add(1);
        let resumed = record.filter(|record| {
            link.what == Action::AuditResume.as_str() && record.details.contains_key(LOST_AFTER)
        });
        let before = self.sealed.take();
        let says_itself = match record.and_then(sealed_before) {
            Some(sealed) => self.follow_segment(sealed, before, expected, link.seq),
            None => {
                if let Some(before) = before.filter(|_| resumed.is_none()) {
                    self.flaw(FlawKind::SegmentUnnamed { name: before.name });
                }
                resumed.is_some_and(|record| self.follow_loss(record, expected))
            }
        };
        if says_itself {
            return;
        }
        if link.seq != expected {
            self.flaw(FlawKind::Sequence {
                expected,
                found: link.seq,
            });
        } else if let Some((expected, found)) = prev.zip(self.prev) {
            self.flaw(FlawKind::Predecessor { expected, found });
        }
    }

    /// Whether the record that says what segment is before it says the truth; `true` if that segment is not here and the record
    /// is where it was.
    fn follow_segment(
        &mut self,
        said: Sealed,
        before: Option<Before>,
        expected: u64,
        seq: u64,
    ) -> bool {
        if self.line != 1 {
            self.flaw(FlawKind::SealOutOfPlace);
            return false;
        }
        let Some(before) = before.filter(|before| before.name == said.name) else {
            self.flaw(FlawKind::SegmentMissing { name: said.name });
            return seq > expected;
        };
        if let Some((bytes, sha256)) = before.file
            && (bytes, sha256) != (said.bytes, said.sha256)
        {
            self.flaw(FlawKind::SegmentAltered {
                name: said.name,
                expected: said.sha256,
                found: sha256,
            });
        }
        false
    }

    /// Notes that the log was resumed after a loss; `true` if records before it are not here.
    fn follow_loss(&mut self, record: &Record, expected: u64) -> bool {
        if record.seq < expected {
            return false;
        }
        let is_gap = record.seq > expected;
        let after = Checkpoint {
            seq: record.seq.saturating_sub(1),
            head: record.prev,
        };
        self.recognise(after);
        self.note(NoteKind::Lost {
            first: is_gap.then_some(expected),
            after,
            resumed: record.time,
        });
        is_gap
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
    fn tell_time(&mut self, link: &Link<'_>) {
        if link.what == Action::AuditResume.as_str() {
            for step in std::mem::take(&mut self.steps) {
                self.keep_note(step);
            }
            self.step_count = 0;
            self.is_behind = false;
            self.latest = Some(link.time);
            return;
        }
        let behind = self
            .latest
            .filter(|latest| latest.duration_since(link.time) > CLOCK_CORRECTION);
        if let Some(latest) = behind.filter(|_| !self.is_behind) {
            self.step_count = self.step_count.saturating_add(1);
            if self.steps.len() < MAX_FLAWS {
                let time = link.time;
                let step = self.note_here(NoteKind::ClockStep(ClockStep { time, latest }));
                self.steps.push(step);
            }
        }
        self.is_behind = behind.is_some();
        self.latest = self.latest.max(Some(link.latest()));
    }

    /// After the last whole line; `torn` is how many bytes follow it without a line end.
    pub fn finish(mut self, torn: u64) -> Verification {
        self.tear(torn);
        self.unnamed_segment();
        self.missing_checkpoints();
        let steps = std::mem::take(&mut self.steps);
        let steps = steps.into_iter().filter_map(Note::into_flaw);
        self.flaws.extend(steps);
        self.flaws.truncate(MAX_FLAWS);
        Verification {
            segments: self.segments,
            records: self.records,
            head: self.head,
            flaw_count: self.flaw_count(),
            flaws: self.flaws,
            notes: self.notes,
        }
    }

    /// Bytes without a line end follow.
    fn tear(&mut self, bytes: u64) {
        if bytes > 0 {
            self.line = self.line.saturating_add(1);
            self.flaw(FlawKind::Torn { bytes });
        }
    }

    /// The file ends, and nothing in it has said what segment is before it.
    fn unnamed_segment(&mut self) {
        if let Some(before) = self.sealed.take() {
            self.flaw(FlawKind::EndsSealed { name: before.name });
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
                segment: self.segment.clone(),
                line: self.line,
                kind,
            });
        }
    }

    fn note(&mut self, kind: NoteKind) {
        let note = self.note_here(kind);
        self.keep_note(note);
    }

    fn note_here(&self, kind: NoteKind) -> Note {
        Note {
            segment: self.segment.clone(),
            line: self.line,
            kind,
        }
    }

    fn keep_note(&mut self, note: Note) {
        if self.notes.len() < MAX_FLAWS {
            self.notes.push(note);
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many sealed segments there are.
    pub segments: u64,
    /// How many records there are in all.
    pub records: u64,
    /// Where the log stands.
    pub head: Checkpoint,
    /// The first hundred flaws: those of lines in their order, then those of time.
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
