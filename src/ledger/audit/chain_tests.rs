//! Claims about the chain: what one damaged line is called, which time is too early, and what a resumed log says of itself.

use std::io::{self, Read};
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};

use super::lines::{FileEnd, Next, read_lines};
use super::record::{self, LOST_AFTER, Position};
use super::segment::{Sealed, seal_event};
use super::*;
use crate::base::clock::CLOCK_CORRECTION;
use crate::base::digest::Digest;
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome};

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// So many seconds after noon.
fn after_noon(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn gate() -> Event {
    Event::new(Action::Gate, Outcome::Done)
}

fn resume() -> Event {
    Event::new(Action::AuditResume, Outcome::Done)
}

/// Writes the lines of a log.
struct Writer {
    position: Position,
    lines: Vec<Vec<u8>>,
}

impl Writer {
    fn new() -> Self {
        Self {
            position: Position::START,
            lines: Vec::new(),
        }
    }

    fn write(&mut self, time: Timestamp, event: &Event) -> Checkpoint {
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.mesh.example".parse().unwrap(),
            region: None,
            job: None,
        };
        let (line, after) = record::write(&self.position, time, &actor, event).unwrap();
        self.position = after;
        self.lines.push(line);
        after.head
    }

    /// The log where all that was known of the times before was forgotten.
    fn forget_time(&mut self) {
        self.position.latest = None;
    }

    fn verified(&self, checkpoints: &[Checkpoint]) -> Verification {
        verified(&self.lines, checkpoints)
    }
}

/// So many verdicts at noon.
fn at_noon(count: usize) -> Writer {
    let mut writer = Writer::new();
    for _ in 0..count {
        writer.write(noon(), &gate());
    }
    writer
}

fn verified(lines: &[Vec<u8>], checkpoints: &[Checkpoint]) -> Verification {
    let mut chain = Chain::new(checkpoints);
    for line in lines {
        chain.feed(line);
    }
    chain.finish(0)
}

fn said(verification: &Verification) -> Vec<String> {
    assert_eq!(verification.holds(), verification.flaws.is_empty());
    let flaws = verification.flaws.iter();
    flaws.map(ToString::to_string).collect()
}

#[test]
fn one_damaged_line_is_one_flaw_whatever_it_is_now() {
    let good = at_noon(5).lines;
    let mut edited = good[2].clone();
    edited[10] ^= 1;
    for (damaged, told) in [
        (edited, "its bytes were changed"),
        (b"hello".to_vec(), "not a record"),
    ] {
        let mut lines = good.clone();
        lines[2] = damaged;
        let said = said(&verified(&lines, &[]));
        assert_eq!(said.len(), 1, "{said:?}");
        let told = format!("line 3: {told}");
        assert!(said[0].starts_with(&told), "{said:?}");
    }
}

/// Digested as it stands, and yet no record.
#[test]
fn details_that_are_no_texts_by_name_are_told_as_such() {
    let mut writer = Writer::new();
    writer.write(noon(), &gate().detail("n", 1));
    let (body, _) = record::split_digest(&writer.lines[0]).unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let edited = body.replace(r#"{"n":"1"}"#, r#""n""#);
    assert_ne!(edited, body);
    let line = format!(
        "{edited},\"digest\":\"{}\"}}",
        Digest::of(edited.as_bytes())
    );
    let said = said(&verified(&[line.into_bytes()], &[]));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("a map of texts"), "{said:?}");
}

#[test]
fn a_checkpoint_behind_a_removed_line_is_still_held_against_its_record() {
    let writer = at_noon(9);
    let of = |seq: u64| Checkpoint {
        seq,
        head: Digest::of(&writer.lines[usize::try_from(seq - 1).unwrap()]),
    };
    let another = Checkpoint {
        head: Digest::of(b"another"),
        ..of(8)
    };
    let mut lines = writer.lines.clone();
    lines.remove(4);
    // The fifth is not there; the eighth is, and is another one than it was.
    let verification = verified(&lines, &[of(5), another]);
    let kinds = verification.flaws.iter().map(|flaw| &flaw.kind);
    let kinds: Vec<&FlawKind> = kinds.collect();
    assert!(
        matches!(
            kinds[..],
            [
                FlawKind::Sequence {
                    expected: 5,
                    found: 6
                },
                FlawKind::NotTheCheckpoint { .. },
                FlawKind::NotInLog { .. }
            ]
        ),
        "{kinds:?}"
    );
    assert!(verified(&writer.lines, &[of(5), of(8), of(9)]).holds());
}

#[test]
fn the_last_record_may_be_called_a_checkpoint_and_the_one_after_it_was_cut() {
    let mut writer = at_noon(3);
    let last = writer.position.head;
    let lines = writer.lines.clone();
    let next = writer.write(noon(), &gate());
    assert!(verified(&lines, &[last]).holds());
    let said = said(&verified(&lines, &[last, next]));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("the log ends with record 3"), "{said:?}");
}

/// What time synchronisation corrects is no flaw.
#[test]
fn a_clock_may_be_behind_by_what_is_corrected_and_by_no_second_more() {
    let limit = CLOCK_CORRECTION.as_secs();
    for (behind, holds) in [(limit, true), (limit + 1, false)] {
        let mut writer = at_noon(1);
        writer.write(after_noon(-behind), &gate());
        let verification = writer.verified(&[]);
        assert_eq!(verification.holds(), holds, "{behind}");
        if !holds {
            let said = said(&verification);
            let told = "line 2: its time, 2026-03-01T11:58:59Z, is 1m 1s before that of an earlier record, \
                        2026-03-01T12:00:00Z: the clock was set back, or had been ahead";
            assert_eq!(said, [told]);
        }
    }
}

#[test]
fn of_a_clock_that_stays_behind_only_the_first_record_is_a_flaw() {
    let mut writer = at_noon(1);
    for seconds in [-600, -590, -580, 0, -600, -590] {
        writer.write(after_noon(seconds), &gate());
    }
    let lines: Vec<u64> = writer
        .verified(&[])
        .flaws
        .iter()
        .map(|flaw| flaw.line)
        .collect();
    assert_eq!(lines, [2, 6]);
    // The latest time is that of all records before, which a record that is behind names itself.
    let mut writer = Writer::new();
    for seconds in [0, 600, 500, 590] {
        writer.write(after_noon(seconds), &gate());
        writer.forget_time();
    }
    let lines: Vec<u64> = writer
        .verified(&[])
        .flaws
        .iter()
        .map(|flaw| flaw.line)
        .collect();
    assert_eq!(lines, [3]);
}

#[test]
fn whoever_resumes_the_log_makes_a_note_of_every_flaw_of_time_before() {
    let mut writer = at_noon(1);
    writer.write(after_noon(-600), &gate());
    assert!(!writer.verified(&[]).holds());
    writer.write(after_noon(-599), &resume());
    writer.write(after_noon(-598), &gate());
    let verification = writer.verified(&[]);
    assert!(verification.holds(), "{:?}", verification.flaws);
    let notes = &verification.notes;
    let [
        Note {
            line: 2,
            kind: kind @ NoteKind::ClockStep(_),
            ..
        },
    ] = notes.as_slice()
    else {
        panic!("{notes:?}");
    };
    let told = kind.to_string();
    assert!(told.ends_with("; the log was resumed later"), "{told}");
    // What comes after is held against the time of resuming.
    writer.write(after_noon(-700), &gate());
    let verification = writer.verified(&[]);
    assert_eq!(verification.flaw_count, 1);
    assert_eq!(verification.flaws[0].line, 5);
    assert_eq!(verification.notes.len(), 1);
}

#[test]
fn a_hundred_flaws_and_a_hundred_notes_are_kept_and_all_flaws_are_counted() {
    let mut writer = Writer::new();
    let set_back = |writer: &mut Writer, count: u32| {
        for _ in 0..count {
            writer.write(noon(), &gate());
            writer.write(after_noon(-600), &gate());
        }
    };
    set_back(&mut writer, 130);
    let verification = writer.verified(&[]);
    assert_eq!(verification.flaw_count, 130);
    assert_eq!(verification.flaws.len(), 100);
    assert!(verification.notes.is_empty());
    // Notes are kept likewise, however often the log was resumed.
    let mut writer = Writer::new();
    for _ in 0..2 {
        set_back(&mut writer, 60);
        writer.write(noon(), &resume());
    }
    let verification = writer.verified(&[]);
    assert!(verification.holds());
    assert_eq!(verification.notes.len(), 100);
    // Other flaws come first.
    set_back(&mut writer, 10);
    let mut lines = writer.lines;
    for line in lines.iter_mut().take(95) {
        line[10] ^= 1;
    }
    let verification = verified(&lines, &[]);
    assert_eq!(verification.flaws.len(), 100);
    assert_eq!(verification.flaw_count, 105);
    let of_time = |flaw: &&Flaw| matches!(flaw.kind, FlawKind::TimeBackwards(_));
    assert_eq!(verification.flaws.iter().filter(of_time).count(), 5);
}

#[test]
fn only_a_record_that_says_that_records_are_lost_makes_a_note_of_it() {
    let mut writer = at_noon(2);
    writer.write(noon(), &resume());
    let verification = writer.verified(&[]);
    assert!(verification.holds() && verification.notes.is_empty());
    // The same where records are known to be lost: after the last one, or with some before that one.
    for (known, told) in [
        (2, "what followed record 2 is lost"),
        (9, "the records 3 to 9 and what followed are lost"),
    ] {
        let mut writer = at_noon(2);
        let after = match known {
            2 => writer.position.head,
            seq => Checkpoint {
                seq,
                head: Digest::of(b"lost"),
            },
        };
        writer.position.head = after;
        writer.write(noon(), &resume().detail(LOST_AFTER, after));
        writer.write(noon(), &gate());
        let verification = writer.verified(&[]);
        assert!(verification.holds(), "{:?}", verification.flaws);
        let [note] = verification.notes.as_slice() else {
            panic!("{:?}", verification.notes);
        };
        let told = format!("{told}; the log was resumed at 2026-03-01T12:00:00Z");
        assert_eq!(note.kind.to_string(), told);
        assert_eq!(note.line, 3);
    }
    // Nobody loses what is there: the number of such a record cannot come twice.
    let mut writer = at_noon(3);
    writer.position.head.seq = 1;
    let lost = writer.position.head;
    writer.write(noon(), &resume().detail(LOST_AFTER, lost));
    let verification = writer.verified(&[]);
    assert!(verification.notes.is_empty());
    assert!(matches!(
        verification.flaws[..],
        [Flaw {
            kind: FlawKind::Sequence {
                expected: 4,
                found: 2
            },
            ..
        }]
    ));
}

/// The segment that a file names is not the one before it: if records are missing that is said, and nothing else; if none
/// is, the chain goes on through both and must hold.
#[test]
fn a_file_that_names_another_segment_is_followed_as_its_number_says() {
    let of_segment = |number_of_record: u64| {
        let mut writer = at_noon(4);
        writer.position.head = Checkpoint {
            seq: number_of_record - 1,
            head: Digest::of(b"another line"),
        };
        let sealed = Sealed {
            name: "another".to_owned(),
            bytes: 5,
            sha256: Digest::of(b"bytes"),
        };
        writer.write(noon(), &seal_event(&sealed));
        let mut chain = Chain::new(&[]);
        chain.enter("one");
        for line in &writer.lines[..4] {
            chain.feed(line);
        }
        chain.leave(0, None);
        chain.feed(&writer.lines[4]);
        said(&chain.finish(0))
    };
    let missing = "line 1: the sealed segment another, which comes before it, is missing";
    assert_eq!(of_segment(9), [missing]);
    let said = of_segment(5);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], missing);
    assert!(said[1].contains("the digest of the line before"));
    let said = of_segment(3);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].contains("record 3 is in the place of record 5"));
}

/// Hands out a few bytes at a time, and is interrupted before each of them.
struct Interrupted<'a> {
    rest: &'a [u8],
    is_next: bool,
}

impl Read for Interrupted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_next = !self.is_next;
        match self.is_next {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => {
                let few = into.len().min(70_001);
                self.rest.read(&mut into[..few])
            }
        }
    }
}

/// Each line's length, and the end.
fn read(file: impl Read) -> io::Result<(Vec<Option<usize>>, FileEnd)> {
    let mut seen = Vec::new();
    let end = read_lines(file, true, &mut |next| {
        seen.push(match next {
            Next::Line(examined) => Some(examined.line.len()),
            Next::TooLong => None,
        });
        ControlFlow::Continue(())
    })?;
    Ok((seen, end.unwrap()))
}

#[test]
fn lines_are_read_whole_however_they_come() {
    const MIB: usize = 1 << 20;
    let long = |length: usize| std::iter::repeat_n(b'x', length).collect::<Vec<u8>>();
    for (lengths, torn) in [
        (&[][..], 0),
        (&[10, 20, 30], 7),
        // A line may end where a block does, or be longer than one.
        (&[10, MIB - 12, 5], 0),
        (&[MIB - 1, 5], 3),
        (&[MIB, 5, 6], 0),
        (&[10, 3 * MIB, 5, 6], 1),
        (&[10, 2 * MIB], 2 * MIB + 1),
    ] {
        let mut bytes = Vec::new();
        for length in lengths {
            bytes.extend(long(*length));
            bytes.push(b'\n');
        }
        bytes.extend(long(torn));
        let expected: Vec<Option<usize>> = lengths
            .iter()
            .map(|length| (*length <= record::MAX_LINE).then_some(*length))
            .collect();
        let interrupted = Interrupted {
            rest: &bytes,
            is_next: false,
        };
        for (seen, end) in [read(&bytes[..]).unwrap(), read(interrupted).unwrap()] {
            assert_eq!(seen, expected, "{lengths:?}");
            assert_eq!(end.torn, torn as u64, "{lengths:?}");
            assert_eq!(end.bytes, bytes.len() as u64, "{lengths:?}");
            assert_eq!(end.sha256, Some(Digest::of(&bytes)), "{lengths:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_read_to_its_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let error = read(Broken).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

/// Nobody ever wrote one: what is longer than a record is not read, and what follows it is in its place.
#[test]
fn a_line_longer_than_a_block_is_one_flaw() {
    let mut lines = at_noon(3).lines;
    lines[1] = vec![b'x'; 3 << 20];
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    let mut chain = Chain::new(&[]);
    let each = &mut |_: &Next<'_>| ControlFlow::Continue(());
    let end = super::open::feed(&bytes[..], false, &mut chain, each);
    let verification = chain.finish(end.unwrap().unwrap().torn);
    let too_long = format!("line 2: longer than {} bytes", record::MAX_LINE);
    assert_eq!(said(&verification), [too_long]);
}
