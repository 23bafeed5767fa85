//! Claims about the longest line, the fullest file, and files that cannot be opened or listed.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;

use super::lines::Next;
use super::open::{OpenLog, Start};
use super::record::{LOST_AFTER, MAX_LINE, Position};
use super::segment::{is_same_file, segments};
use super::segment_tests::{NOON, actor, log_at};
use super::tail::Tail;
use super::*;
use crate::base::digest::Digest;
use crate::base::error::Explain as _;
use crate::base::event::{Action, Checkpoint, Event, Outcome};
use crate::base::remedy::Remedy;
use crate::host::owned_files::OwnedFileError;

fn gate() -> Event {
    Event::new(Action::Gate, Outcome::Done)
}

fn line_after(before: &Position, event: &Event) -> (Vec<u8>, Position) {
    record::write(before, NOON.parse().unwrap(), &actor(), event).unwrap()
}

/// An event whose record after `before` is a line of so many bytes.
fn event_of(length: usize, before: &Position) -> Event {
    let mut event = gate();
    for number in 0.. {
        let name = format!("d{number:03}");
        let with = |count: usize| event.clone().detail(&name, "x".repeat(count));
        let missing = length.saturating_sub(line_after(before, &with(0)).0.len());
        if missing <= 900 {
            event = with(missing);
            break;
        }
        // What is left must fit the last one.
        event = with(missing.min(500));
    }
    assert_eq!(line_after(before, &event).0.len(), length);
    event
}

#[test]
fn a_record_may_be_as_long_as_a_line_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, u64::MAX);
    let longest = event_of(MAX_LINE, &Position::START);
    let longer = event_of(MAX_LINE + 1, &Position::START);
    assert!(matches!(
        log.append(&longer),
        Err(AuditError::TooLong { bytes, limit }) if (bytes, limit) == (MAX_LINE + 1, MAX_LINE)
    ));
    log.append(&longest).unwrap();
    log.append(&gate()).unwrap();
    let verification = verify(&path, &[]).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    assert_eq!(verification.records, 2);
}

/// An append looks back over the longest record and as much torn behind it, and over no byte more.
#[test]
fn the_longest_record_is_found_before_the_longest_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (first, after) = line_after(&Position::START, &gate());
    let (longest, position) = line_after(&after, &event_of(MAX_LINE, &after));
    let whole = [&first[..], b"\n", &longest, b"\n"].concat();
    for (torn, is_found) in [(0, true), (MAX_LINE, true), (MAX_LINE + 1, false)] {
        let bytes = [&whole[..], &b"x".repeat(torn)].concat();
        fs::write(&path, &bytes).unwrap();
        let tail = Tail::read(&File::open(&path).unwrap(), &path);
        match tail {
            Ok(tail) => {
                assert!(is_found, "{torn}");
                let seen = (tail.position, tail.end, tail.torn);
                assert_eq!(seen, (position, whole.len() as u64, torn as u64));
            }
            Err(error) => {
                assert!(!is_found, "{torn}: {error}");
                assert!(matches!(error, AuditError::Damaged { .. }), "{error}");
            }
        }
    }
}

#[test]
fn a_file_is_sealed_when_it_has_just_as_many_bytes_as_the_limit() {
    for (more, segments) in [(0, 1), (1, 0)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let log = log_at(&path, u64::MAX);
        (0..5).for_each(|_| drop(log.append(&gate()).unwrap()));
        let length = fs::metadata(&path).unwrap().len();
        log_at(&path, length + more).append(&gate()).unwrap();
        let verification = verify(&path, &[]).unwrap();
        assert!(verification.holds(), "{:?}", verification.flaws);
        assert_eq!(verification.segments, segments);
    }
}

#[test]
fn a_file_with_a_torn_end_is_mended_before_it_is_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, u64::MAX);
    (0..5).for_each(|_| drop(log.append(&gate()).unwrap()));
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len() as u64;
    bytes.extend(b"{\"seq\":6,");
    fs::write(&path, bytes).unwrap();
    let log = log_at(&path, length);
    let appended = log.append(&gate()).unwrap();
    assert_eq!(appended.set_aside.unwrap().bytes, 9);
    assert_eq!(verify(&path, &[]).unwrap().segments, 0);
    log.append(&gate()).unwrap();
    let verification = verify(&path, &[]).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    // Five, the repair, two, and what names the segment.
    assert_eq!((verification.segments, verification.records), (1, 9));
}

#[test]
fn a_large_file_is_sealed_with_the_digest_of_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, u64::MAX);
    let large = event_of(MAX_LINE - 1_000, &Position::START);
    (0..11).for_each(|_| drop(log.append(&large).unwrap()));
    assert!(fs::metadata(&path).unwrap().len() > 600_000);
    log_at(&path, 1).append(&gate()).unwrap();
    let verification = verify(&path, &[]).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    assert_eq!(verification.segments, 1);
}

/// That it is resumed stands first; then what was found torn.
#[test]
fn a_lost_log_of_which_a_torn_line_is_left_is_resumed_before_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    fs::write(&path, b"{\"seq\":7,").unwrap();
    let known = KnownCheckpoint {
        checkpoint: Checkpoint {
            seq: 7,
            head: Digest::of(b"lost"),
        },
        holder: "a receipt".to_owned(),
    };
    let log = log_at(&path, u64::MAX);
    let appended = log.resume_after_loss(&known).unwrap();
    assert_eq!(appended.set_aside.unwrap().bytes, 9);
    let mut shown = Vec::new();
    let verification = show(&path, |record| shown.push(record)).unwrap();
    let what: Vec<(u64, &str)> = shown
        .iter()
        .map(|record| (record.seq, record.what.as_str()))
        .collect();
    assert_eq!(what, [(8, "audit-resume"), (9, "audit-repair")]);
    assert_eq!(shown[0].details[LOST_AFTER], known.checkpoint.to_string());
    assert!(verification.holds(), "{:?}", verification.flaws);
    let error = log.resume_after_loss(&known).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("verify the audit log"));
    assert_eq!(error.remedy(), Some(Remedy::VerifyAuditLog));
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error_and_the_logs_own_may_be_missing() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().to_owned();
    let missing = there.join("missing");
    let file = there.join("file");
    fs::write(&file, b"").unwrap();
    let of = |own: &Path, archive: &Path| {
        let log = own.join("audit.jsonl");
        segments(&log, None, &[archive.to_owned()])
    };
    for (own, archive, is_listed) in [
        (&there, &there, true),
        (&missing, &there, true),
        (&file, &there, false),
        (&there, &missing, false),
        (&there, &file, false),
        (&missing, &file, false),
    ] {
        let found = of(own, archive);
        assert_eq!(found.is_ok(), is_listed, "{own:?} {archive:?}: {found:?}");
    }
    let open = File::open(&file).unwrap();
    assert!(is_same_file(Some(&open), &file).unwrap());
    assert!(!is_same_file(Some(&open), &missing).unwrap());
    assert!(!is_same_file(None, &file).unwrap());
    assert!(is_same_file(Some(&open), &file.join("below")).is_err());
}

#[test]
fn what_is_wrong_with_a_log_says_where_and_what_to_do() {
    let path = Path::new("/s/audit.jsonl");
    let known = KnownCheckpoint {
        checkpoint: Checkpoint::EMPTY,
        holder: "a receipt".to_owned(),
    };
    for (error, hint, remedy) in [
        (
            AuditError::Damaged {
                path: path.to_owned(),
                why: "torn".to_owned(),
            },
            "keep it as evidence",
            Remedy::VerifyAuditLog,
        ),
        (
            AuditError::Lost {
                path: path.to_owned(),
                known,
            },
            "restore it from a backup",
            Remedy::ResumeAuditLog,
        ),
        (
            AuditError::File(OwnedFileError::NotOurs {
                path: path.to_owned(),
                why: "has mode 666".to_owned(),
                user: 0,
                mode: "600",
            }),
            "change its owner and permissions",
            Remedy::NameStateDirectory,
        ),
    ] {
        assert!(error.hint().unwrap().contains(hint), "{error}");
        assert_eq!(error.remedy(), Some(remedy), "{error}");
        assert_eq!(error.place().file.as_deref(), Some("/s/audit.jsonl"));
    }
    let too_long = AuditError::TooLong { bytes: 2, limit: 1 };
    assert_eq!((too_long.hint(), too_long.remedy()), (None, None));
}

#[test]
fn a_log_that_becomes_shorter_while_it_is_read_is_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = log_at(&path, u64::MAX);
    (0..5).for_each(|_| drop(log.append(&gate()).unwrap()));
    let opened = OpenLog::open(&path, &[]).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let each = &mut |_: &Next<'_>| ControlFlow::Continue(());
    let error = opened.read(Start::default(), Chain::new(&[]), each);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("became shorter"), "{error}");
}
