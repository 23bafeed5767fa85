//! Claims about sealed segments: what sealing leaves whoever is killed, and what cannot be changed in them unseen.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::record::Position;
use super::seal::Seal;
use super::segment::{Segment, seal_event, segments};
use super::tail::Tail;
use super::*;
use crate::base::clock::FixedClock;
use crate::base::digest::Digest;
use crate::base::event::{Action, Actor, Event, Outcome};

pub(super) const NOON: &str = "2026-03-01T12:00:00Z";

pub(super) fn actor() -> Actor {
    Actor {
        who: "ci".into(),
        host: "signer-01.mesh.example".parse().unwrap(),
        region: None,
        job: None,
    }
}

/// A log whose files are sealed when they have so many bytes.
pub(super) fn log_at(path: &Path, bytes: u64) -> AuditLog {
    let clock = FixedClock(NOON.parse().unwrap());
    AuditLog::new(path.to_owned(), actor(), Box::new(clock)).with_segments_of(bytes)
}

fn append(log: &AuditLog, n: usize) {
    let event = Event::new(Action::Gate, Outcome::Done).detail("n", n);
    log.append(&event).unwrap();
}

/// A log of three sealed segments and a file that is still written.
fn sealed_log() -> (tempfile::TempDir, PathBuf, Vec<Segment>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, 2_000);
    let mut n = 0;
    let found = loop {
        append(&log, n);
        n += 1;
        let found = segments(&path, None, &[]).unwrap();
        if found.len() == 3 {
            break found;
        }
    };
    append(&log, n);
    (directory, path, found)
}

/// What a verification says, a line each.
fn said(path: &Path) -> Vec<String> {
    let verification = verify(path, &[]).unwrap();
    assert_eq!(verification.holds(), verification.flaws.is_empty());
    let flaws = verification.flaws.iter();
    flaws.map(ToString::to_string).collect()
}

fn assert_holds(path: &Path) -> Verification {
    let verification = verify(path, &[]).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    verification
}

#[test]
fn a_file_that_has_grown_to_its_limit_is_sealed_and_the_log_goes_on() {
    let (_directory, path, segments) = sealed_log();
    let verification = assert_holds(&path);
    assert_eq!(verification.segments, 3);
    assert_eq!(verification.head, standing(&path, None).unwrap().checkpoint);
    let mut records = Vec::new();
    show(&path, |record| records.push(record)).unwrap();
    assert_eq!(records.len() as u64, verification.records);
    let numbers = records.iter().map(|record| record.seq);
    assert!(numbers.eq(1..=verification.records));
    assert_eq!(segments[0].first, 1);
    for (segment, next) in segments.iter().zip(&segments[1..]) {
        assert_eq!(segment.last + 1, next.first);
    }
    for segment in &segments {
        let bytes = fs::read(&segment.path).unwrap();
        assert!((2_000..3_000).contains(&bytes.len()), "{}", bytes.len());
        let mode = fs::metadata(&segment.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The first record after it tells what the file is, as everybody can compute it.
        let next = records.iter().find(|record| record.seq == segment.last + 1);
        let details = &next.unwrap().details;
        assert_eq!(next.unwrap().what, "audit-seal");
        assert_eq!(details["segment"], segment.name());
        assert_eq!(details["bytes"], bytes.len().to_string());
        assert_eq!(details["sha256"], Digest::of(&bytes).to_string());
    }
}

#[test]
fn a_log_from_before_there_were_segments_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let old = log_at(&path, u64::MAX);
    (0..50).for_each(|n| append(&old, n));
    assert_eq!(assert_holds(&path).segments, 0);
    append(&log_at(&path, 2_000), 50);
    let verification = assert_holds(&path);
    assert_eq!((verification.segments, verification.records), (1, 52));
}

#[test]
fn a_limit_below_every_record_still_leaves_a_record_in_each_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, 1);
    (0..20).for_each(|n| append(&log, n));
    let verification = assert_holds(&path);
    assert!(verification.segments >= 9, "{}", verification.segments);
}

#[test]
fn who_may_read_the_log_may_read_the_next_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, 2_000);
    append(&log, 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    (1..20).for_each(|n| append(&log, n));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// Does the first `steps` steps of sealing the log, as if whoever did them was killed then.
fn seal_until(path: &Path, steps: usize) {
    let file = File::options().read(true).append(true).open(path).unwrap();
    file.lock().unwrap();
    let tail = Tail::read(&file, path).unwrap();
    let seal = Seal::due(path, &file, &tail, 1).unwrap().unwrap();
    if steps >= 1 {
        assert!(seal.link().unwrap());
    }
    let event = seal_event(&seal.sealed().unwrap());
    let (mut line, _) =
        record::write(&tail.position, NOON.parse().unwrap(), &actor(), &event).unwrap();
    line.push(b'\n');
    match steps {
        // Killed while it was written.
        2 => seal.write_next(&line[..40]).unwrap(),
        3.. => seal.write_next(&line).unwrap(),
        _ => {}
    }
    if steps >= 4 {
        seal.swap().unwrap();
    }
}

#[test]
fn a_seal_that_was_cut_short_after_any_step_is_finished_and_loses_nothing() {
    for steps in 0..=4 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        // What was begun is finished also where the limit is larger by then.
        let log = log_at(&path, u64::MAX);
        (0..9).for_each(|n| append(&log, n));
        seal_until(&path, steps);
        let sealed = u64::from(steps == 4);
        let between = assert_holds(&path);
        assert_eq!(
            (between.segments, between.records),
            (sealed, 9 + sealed),
            "{steps}"
        );
        assert!(standing(&path, None).unwrap().checkpoint.seq >= 9);

        // Twice, as if the one who finished it was killed too.
        if (1..4).contains(&steps) {
            seal_until(&path, steps - 1);
        }
        append(&log, 9);
        append(&log, 10);
        let after = assert_holds(&path);
        let sealed = u64::from(steps > 0);
        assert_eq!(
            (after.segments, after.records),
            (sealed, 11 + sealed),
            "{steps}"
        );
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len() as u64, 1 + sealed, "{steps}: {names:?}");
    }
}

#[test]
fn another_name_for_the_log_is_no_seal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, u64::MAX);
    (0..9).for_each(|n| append(&log, n));
    fs::hard_link(&path, directory.path().join("backup")).unwrap();
    append(&log, 9);
    assert_eq!(assert_holds(&path).segments, 0);
}

#[test]
fn a_file_in_the_place_of_a_segment_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, 2_000);
    let mut n = 0;
    while fs::metadata(&path).map_or(0, |metadata| metadata.len()) < 2_000 {
        append(&log, n);
        n += 1;
    }
    let squatted = Segment::of(&path, 1, n as u64).path;
    fs::write(&squatted, b"something").unwrap();
    let error = log.append(&Event::new(Action::Gate, Outcome::Done));
    assert!(matches!(error, Err(AuditError::File(_))), "{error:?}");
    assert_eq!(fs::read(&squatted).unwrap(), b"something");
    fs::remove_file(&squatted).unwrap();
    append(&log, n);
    assert_holds(&path);
}

#[test]
fn any_change_of_any_file_of_a_sealed_log_is_found() {
    type Change = fn(&Path, &[Segment]);
    let changes: [(&str, Change, &str); 11] = [
        (
            "a byte of a segment",
            |_, segments| {
                let mut bytes = fs::read(&segments[1].path).unwrap();
                bytes[700] ^= 1;
                fs::write(&segments[1].path, bytes).unwrap();
            },
            "was changed: its digest was",
        ),
        (
            "the first segment",
            |_, segments| fs::remove_file(&segments[0].path).unwrap(),
            "which comes before it, is missing",
        ),
        (
            "a segment in the middle",
            |_, segments| fs::remove_file(&segments[1].path).unwrap(),
            "which comes before it, is missing",
        ),
        (
            "the last segment",
            |_, segments| fs::remove_file(&segments[2].path).unwrap(),
            "which comes before it, is missing",
        ),
        (
            "the log itself",
            |path, _| fs::remove_file(path).unwrap(),
            "nothing follows the sealed segment",
        ),
        (
            "all of the log itself",
            |path, _| fs::write(path, b"").unwrap(),
            "nothing follows the sealed segment",
        ),
        (
            "two segments exchanged",
            |_, segments| {
                let [first, second] = [0, 1].map(|at: usize| fs::read(&segments[at].path).unwrap());
                fs::write(&segments[0].path, second).unwrap();
                fs::write(&segments[1].path, first).unwrap();
            },
            "was changed: its digest was",
        ),
        (
            "the last line of a segment",
            |_, segments| {
                let bytes = fs::read(&segments[1].path).unwrap();
                let end = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n');
                fs::write(&segments[1].path, &bytes[..=end.unwrap()]).unwrap();
            },
            "was changed: its digest was",
        ),
        (
            "a torn line after a segment",
            |_, segments| {
                let mut bytes = fs::read(&segments[2].path).unwrap();
                bytes.extend(b"{\"seq\":");
                fs::write(&segments[2].path, bytes).unwrap();
            },
            "have no line end",
        ),
        (
            "the record that names a segment",
            |path, _| {
                let bytes = fs::read(path).unwrap();
                let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
                fs::write(path, &bytes[end + 1..]).unwrap();
            },
            "and does not name it",
        ),
        (
            "a segment under another name",
            |path, segments| {
                let other = Segment::of(path, 900, 901).path;
                fs::rename(&segments[2].path, other).unwrap();
            },
            "which comes before it, is missing",
        ),
    ];
    for (name, change, expected) in changes {
        let (_directory, path, segments) = sealed_log();
        assert_eq!(said(&path), Vec::<String>::new());
        change(&path, &segments);
        let said = said(&path);
        assert!(
            said.iter().any(|flaw| flaw.contains(expected)),
            "{name}: {said:?}"
        );
        assert!(said.len() <= 5, "{name}: {said:?}");
    }
}

/// One line whose digests are right and whose number is: the digest of the file is not.
#[test]
fn a_segment_that_was_written_again_is_found_by_the_record_after_it() {
    let (_directory, path, segments) = sealed_log();
    let mut position = Position::START;
    let mut bytes = Vec::new();
    for n in segments[0].first..=segments[0].last {
        let event = Event::new(Action::Run, Outcome::Done).detail("n", n);
        let (line, after) =
            record::write(&position, NOON.parse().unwrap(), &actor(), &event).unwrap();
        bytes.extend(line);
        bytes.push(b'\n');
        position = after;
    }
    fs::write(&segments[0].path, bytes).unwrap();
    let said = said(&path);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("was changed: its digest was"), "{said:?}");
    assert!(
        said[1].contains("as the digest of the line before"),
        "{said:?}"
    );
}

#[test]
fn a_log_that_is_gone_is_lost_if_a_segment_is_there_and_can_be_resumed() {
    let (_directory, path, segments) = sealed_log();
    fs::remove_file(&path).unwrap();
    let log = log_at(&path, 2_000);
    let Err(AuditError::Lost { known, .. }) = log.append(&Event::new(Action::Gate, Outcome::Done))
    else {
        panic!("it was begun again");
    };
    assert_eq!(known.checkpoint.seq, segments[2].last);
    assert!(matches!(
        standing(&path, None),
        Err(AuditError::Lost { .. })
    ));
    log.resume_after_loss(&known).unwrap();
    (0..20).for_each(|n| append(&log, n));
    let verification = assert_holds(&path);
    assert!(verification.segments > 3);
    assert!(matches!(
        verification.notes[..],
        [Note {
            line: 1,
            kind: NoteKind::Lost { first: None, .. },
            ..
        }]
    ));
}

#[test]
fn writers_at_once_seal_each_file_once_and_lose_no_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let log = log_at(path, 1_500);
                (0..25).for_each(|n| append(&log, writer * 100 + n));
            });
        }
        // And somebody reads all the time.
        for _ in 0..50 {
            assert_holds(&path);
        }
    });
    let mut seen = Vec::new();
    let verification = show(&path, |record| {
        seen.extend(record.details.get("n").cloned())
    });
    let verification = verification.unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 200);
    assert_eq!(verification.records, 200 + verification.segments);
    assert!(verification.segments > 10);
}
