//! Claims about the log as a file: what a crash leaves, what a second writer does, what an edit cannot hide.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use super::lines::Next;
use super::open::feed;
use super::record::Position;
use super::*;
use crate::base::clock::FixedClock;
use crate::base::digest::Digest;
use crate::base::error::Explain as _;
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome, Witness as _};
use crate::base::remedy::Remedy;
use crate::host::owned_files::OwnedFileError;

fn actor() -> Actor {
    Actor {
        who: "ci".into(),
        host: "signer-01.mesh.example".parse().unwrap(),
        region: Some("us-east".parse().unwrap()),
        job: Some("archive-17".into()),
    }
}

fn log_at(path: &Path) -> AuditLog {
    let clock = FixedClock("2026-03-01T12:00:00Z".parse().unwrap());
    AuditLog::new(path.to_owned(), actor(), Box::new(clock))
}

fn event(n: usize) -> Event {
    Event::new(Action::Gate, Outcome::Done).detail("n", n)
}

/// The lines of a log with `count` records, written without a disk.
fn lines(count: usize) -> Vec<Vec<u8>> {
    lines_at("2026-03-01T12:00:00Z", count)
}

fn lines_at(time: &str, count: usize) -> Vec<Vec<u8>> {
    let mut position = Position::START;
    (0..count)
        .map(|n| {
            let (line, after) =
                record::write(&position, time.parse().unwrap(), &actor(), &event(n)).unwrap();
            position = after;
            line
        })
        .collect()
}

fn verified(lines: &[Vec<u8>], checkpoints: &[Checkpoint]) -> Verification {
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    let mut chain = Chain::new(checkpoints);
    let each = &mut |_: &Next<'_>| ControlFlow::Continue(());
    let end = feed(&bytes[..], false, &mut chain, each).unwrap().unwrap();
    chain.finish(end.torn)
}

fn head_of(lines: &[Vec<u8>]) -> Checkpoint {
    Checkpoint {
        seq: lines.len() as u64,
        head: Digest::of(lines.last().unwrap()),
    }
}

#[test]
fn appended_records_follow_from_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    assert_eq!(standing(&path, None).unwrap().checkpoint, Checkpoint::EMPTY);
    let log = log_at(&path);
    log.make_ready().unwrap();
    let mut last = Checkpoint::EMPTY;
    assert_eq!(log.last(), None);
    for n in 0..20 {
        let appended = log.append(&event(n)).unwrap();
        assert_eq!(appended.set_aside, None);
        assert_eq!(appended.checkpoint.seq, last.seq + 1);
        last = appended.checkpoint;
        assert_eq!(log.last(), Some(last));
        assert_eq!(standing(&path, None).unwrap().checkpoint, last);
    }
    let verification = verify(&path, &[last]).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    assert_eq!((verification.records, verification.head), (20, last));
    let mut shown = Vec::new();
    show(&path, |record| shown.push(record.details["n"].clone())).unwrap();
    assert_eq!(shown, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Every byte of a log of 1,000 records, and every way to move its lines about. The chain is verified up to the
/// altered line once and from there on for each alteration, which is what verification does, only not a million times
/// from the start.
#[test]
fn any_single_byte_edit_and_any_moved_line_of_a_thousand_records_is_found() {
    let lines = lines(1_000);
    let checkpoint = head_of(&lines);
    assert!(verified(&lines, &[checkpoint]).holds());

    let mut before = Chain::new(&[checkpoint]);
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1);
        // Feeds `altered` in place of this line and the next, then the line after, until something is noticed.
        let noticed = |altered: &[&[u8]]| {
            let mut chain = before.clone();
            let after = lines.get(at + 2).map(Vec::as_slice);
            altered.iter().copied().chain(after).any(|line| {
                chain.feed(line);
                chain.flaw_count() > 0
            })
        };
        let mut edited = line.clone();
        for byte in 0..line.len() {
            edited[byte] ^= 1 << (byte % 8);
            assert!(noticed(&[&edited]), "record {at}, byte {byte}");
            edited[byte] = line[byte];
        }
        assert!(noticed(&[line, line]), "record {at} duplicated");
        if let Some(next) = next {
            assert!(noticed(&[next]), "record {at} removed");
            assert!(noticed(&[next, line]), "record {at} swapped");
            let joined = [line.as_slice(), next].concat();
            assert!(noticed(&[&joined]), "line end after {at} removed");
        }
        let cut = before.clone().finish(0);
        assert!(
            matches!(
                cut.flaws[..],
                [Flaw {
                    kind: FlawKind::CutBefore { .. },
                    ..
                }]
            ),
            "cut before record {at}"
        );
        assert!(before.feed(line));
    }
    assert!(before.finish(0).holds());
}

#[test]
fn whole_files_are_verified_as_their_lines_are() {
    let good = lines(50);
    let checkpoint = head_of(&good);
    type Edit = fn(&mut Vec<Vec<u8>>);
    let edits: [(&str, Edit); 6] = [
        ("edited", |lines| lines[20][5] ^= 1),
        ("removed", |lines| drop(lines.remove(20))),
        ("first removed", |lines| drop(lines.remove(0))),
        ("duplicated", |lines| lines.insert(20, lines[20].clone())),
        ("swapped", |lines| lines.swap(20, 21)),
        ("cut", |lines| lines.truncate(20)),
    ];
    for (name, edit) in edits {
        let mut lines = good.clone();
        edit(&mut lines);
        let verification = verified(&lines, &[checkpoint]);
        assert!(!verification.holds(), "{name}");
        assert!(
            verification.flaw_count <= 3,
            "{name}: {:?}",
            verification.flaws
        );
    }
    let mut cut = good;
    cut.truncate(20);
    assert!(
        verified(&cut, &[]).holds(),
        "only a checkpoint finds a cut log"
    );
}

#[test]
fn a_rewritten_log_is_found_by_an_older_checkpoint() {
    let then = lines(10);
    let rewritten = lines_at("2026-03-02T12:00:00Z", 20);
    assert!(verified(&rewritten, &[]).holds());
    let verification = verified(&rewritten, &[head_of(&then)]);
    assert!(matches!(
        verification.flaws[..],
        [Flaw {
            line: 10,
            kind: FlawKind::NotTheCheckpoint { .. },
            ..
        }]
    ));
}

#[test]
fn a_torn_last_line_is_set_aside_and_recorded_wherever_it_was_torn() {
    let directory = tempfile::tempdir().unwrap();
    let whole = lines(3);
    let mut intact = whole[..2].join(&b'\n');
    intact.push(b'\n');
    for torn in 1..=whole[2].len() {
        let path = directory.path().join(format!("audit-{torn}.jsonl"));
        let half = &whole[2][..torn];
        fs::write(&path, [&intact, half].concat()).unwrap();
        let found = verify(&path, &[]).unwrap();
        assert!(
            matches!(found.flaws[..], [Flaw { line: 3, kind: FlawKind::Torn { bytes }, .. }] if bytes == torn as u64)
        );
        assert_eq!(
            standing(&path, None).unwrap().checkpoint,
            head_of(&whole[..2])
        );

        let appended = log_at(&path).append(&event(9)).unwrap();
        let set_aside = appended.set_aside.unwrap();
        assert_eq!(fs::read(&set_aside.path).unwrap(), half);
        assert_eq!(
            appended.checkpoint.seq, 4,
            "the repair and the event each have a record"
        );
        let mut shown = Vec::new();
        let verification = show(&path, |record| shown.push(record)).unwrap();
        assert!(verification.holds(), "{:?}", verification.flaws);
        assert_eq!(shown[2].what, "audit-repair");
        assert_eq!(
            shown[2].details["moved-to"],
            set_aside.path.display().to_string()
        );
        assert_eq!(shown[2].details["bytes"], torn.to_string());
    }
}

#[test]
fn pages_that_a_crash_left_zeroed_are_torn_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let whole = lines(2);
    for (name, tail) in [
        ("zeros", vec![0; 700]),
        ("zeros and a line end", [vec![0; 700], vec![b'\n']].concat()),
        (
            "a half, zeros, a line end",
            [whole[1][..40].to_vec(), vec![0; 99], b"x\n".to_vec()].concat(),
        ),
    ] {
        fs::write(&path, [&whole[0], b"\n".as_slice(), &tail].concat()).unwrap();
        let appended = log_at(&path).append(&event(1)).unwrap();
        assert_eq!(
            appended.set_aside.unwrap().bytes,
            tail.len() as u64,
            "{name}"
        );
        assert!(verify(&path, &[]).unwrap().holds(), "{name}");
    }
}

#[test]
fn a_log_torn_in_its_first_line_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    fs::write(&path, b"{\"seq\":1,").unwrap();
    let appended = log_at(&path).append(&event(0)).unwrap();
    assert_eq!(appended.set_aside.unwrap().bytes, 9);
    assert!(verify(&path, &[]).unwrap().holds());
}

#[test]
fn nothing_is_built_upon_a_damaged_last_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let whole = lines(2);
    let mut edited = whole.join(&b'\n');
    edited.push(b'\n');
    let at = edited.len() - 200;
    edited[at] ^= 1;
    for bytes in [&edited[..], b"hello\n", b"\n"] {
        fs::write(&path, bytes).unwrap();
        let error = log_at(&path).append(&event(2)).unwrap_err();
        assert!(matches!(error, AuditError::Damaged { .. }), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::VerifyAuditLog));
        assert_eq!(fs::read(&path).unwrap(), bytes, "and nothing was written");
    }
}

#[test]
fn a_line_without_end_is_neither_read_whole_nor_built_upon() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let mut bytes = lines(1).concat();
    bytes.push(b'\n');
    bytes.extend(std::iter::repeat_n(b'x', 300_000));
    fs::write(&path, &bytes).unwrap();
    let found = verify(&path, &[]).unwrap();
    assert!(matches!(
        found.flaws[..],
        [Flaw {
            line: 2,
            kind: FlawKind::Torn { bytes: 300_000 },
            ..
        }]
    ));
    assert!(matches!(
        log_at(&path).append(&event(1)),
        Err(AuditError::Damaged { .. })
    ));
    bytes.push(b'\n');
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        verify(&path, &[]).unwrap().flaws[..],
        [Flaw {
            line: 2,
            kind: FlawKind::TooLong,
            ..
        }]
    ));
}

#[test]
fn an_append_reads_only_the_tail() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    // A hole of a terabyte stands for a long log: reading it would take minutes.
    let last = lines(1);
    let file = File::create(&path).unwrap();
    let hole = 1 << 40;
    file.set_len(hole).unwrap();
    file.write_all_at(b"\n", hole).unwrap();
    file.write_all_at(&last[0], hole + 1).unwrap();
    file.write_all_at(b"\n", hole + 1 + last[0].len() as u64)
        .unwrap();
    drop(file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let appended = log_at(&path).append(&event(1)).unwrap();
    assert_eq!(appended.checkpoint.seq, 2);
}

#[test]
fn writers_at_once_lose_no_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = Arc::new(directory.path().join("audit.jsonl"));
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = path.clone();
            scope.spawn(move || {
                let log = log_at(&path);
                for n in 0..25 {
                    log.append(&event(writer * 100 + n)).unwrap();
                }
            });
        }
    });
    let mut seen = Vec::new();
    let verification = show(&path, |record| seen.push(record.details["n"].clone())).unwrap();
    assert!(verification.holds(), "{:?}", verification.flaws);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 200);
}

#[test]
fn a_link_a_pipe_and_a_file_that_others_write_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("target");
    fs::write(&target, b"").unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let error = log_at(&link).append(&event(0)).unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    assert!(log_at(&link).make_ready().is_err());
    assert!(verify(&link, &[]).is_err());

    fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
    let error = log_at(&target).append(&event(0)).unwrap_err();
    assert!(
        matches!(error, AuditError::File(OwnedFileError::NotOurs { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("mode 666"), "{error}");

    let error = log_at(directory.path()).append(&event(0)).unwrap_err();
    assert!(matches!(error, AuditError::File(_)), "{error}");
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_and_stays_as_it_was() {
    let path = Path::new("/dev/null/audit.jsonl");
    assert!(log_at(path).append(&event(0)).is_err());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gone").join("audit.jsonl");
    let error = log_at(&path).append(&event(0)).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

#[test]
fn an_event_too_large_for_a_line_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let mut large = event(0);
    for n in 0..100 {
        large = large.detail(&format!("detail-{n}"), "x".repeat(1_000));
    }
    let error = log_at(&path).append(&large).unwrap_err();
    assert!(matches!(error, AuditError::TooLong { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"");
}
