//! Claims about reading a part of a log: which records are handed out, which files are read for it, and what is verified.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::segment::segments;
use super::*;
use crate::base::clock::FixedClock;
use crate::base::event::{Action, Actor, Event, Outcome};

/// So many seconds after noon.
fn after_noon(seconds: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_secs(seconds)
}

/// A log of three sealed segments and a file that is still written, four records a second, and all of its records.
fn long_log() -> (tempfile::TempDir, PathBuf, Vec<Record>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    for n in 0.. {
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.mesh.example".parse().unwrap(),
            region: None,
            job: None,
        };
        let clock = FixedClock(after_noon(n / 4));
        let log = AuditLog::new(path.clone(), actor, Box::new(clock)).with_segments_of(2_000);
        let event = Event::new(Action::Gate, Outcome::Done).detail("n", n);
        log.append(&event).unwrap();
        if segments(&path, None, &[]).unwrap().len() == 3 {
            break;
        }
    }
    let mut records = Vec::new();
    let verification = show(&path, |record| records.push(record)).unwrap();
    assert!(verification.holds() && records.len() > 15);
    (directory, path, records)
}

/// The number of the first record of each file.
fn first_numbers(path: &Path) -> Vec<u64> {
    let segments = segments(path, None, &[]).unwrap();
    let last = segments.last().unwrap().last;
    let sealed = segments.iter().map(|segment| segment.first);
    sealed.chain([last + 1]).collect()
}

/// Removes the first record, which everybody notices who reads the log from its beginning.
fn behead(path: &Path) {
    let first = segments(path, None, &[]).unwrap().remove(0).path;
    let bytes = fs::read(&first).unwrap();
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    fs::write(first, &bytes[end + 1..]).unwrap();
}

/// The numbers of the records that are exported, and what is found on the way.
fn exported(path: &Path, since: Since) -> (Vec<u64>, Verification) {
    let mut lines = Vec::new();
    let verification = export(path, &[], since, &mut |line| {
        lines.push(super::record::read(line).unwrap().seq);
        ControlFlow::Continue(())
    });
    (lines, verification.unwrap())
}

#[test]
fn what_is_exported_begins_with_the_record_that_was_asked_for_and_earlier_files_are_not_read() {
    let (_directory, path, records) = long_log();
    let count = records.len() as u64;
    let firsts = first_numbers(&path);
    for wanted in 0..=count + 1 {
        let (numbers, verification) = exported(&path, Since::Record(wanted));
        let expected: Vec<u64> = (wanted.max(1)..=count).collect();
        assert_eq!(numbers, expected);
        assert!(verification.holds(), "{:?}", verification.flaws);
        // The file in which it is, and those after it.
        let first = firsts.iter().rev().find(|first| **first <= wanted.max(1));
        assert_eq!(verification.records, count - first.unwrap() + 1, "{wanted}");
    }
    assert_eq!(exported(&path, Since::Beginning).0.len(), records.len());
    // Who reads from the beginning sees that it is gone; who does not cannot.
    behead(&path);
    for since in [Since::Beginning, Since::Record(2)] {
        let flaws = exported(&path, since).1.flaws;
        let told = "line 1: record 2 is in the place of record 1";
        assert!(flaws[0].to_string().contains(told), "{flaws:?}");
    }
    assert!(exported(&path, Since::Record(count)).1.holds());
}

#[test]
fn what_is_exported_since_an_instant_is_every_record_of_that_second_and_later() {
    let (_directory, path, records) = long_log();
    let firsts = first_numbers(&path);
    let last = records.last().unwrap().time;
    let mut second = after_noon(-1);
    while second <= last + SignedDuration::from_secs(1) {
        let (numbers, verification) = exported(&path, Since::Instant(second));
        let expected = records.iter().filter(|record| record.time >= second);
        assert!(
            numbers
                .iter()
                .copied()
                .eq(expected.map(|record| record.seq))
        );
        // A file is left out if the first record after it is older.
        let is_older = |first: &&u64| {
            let at = usize::try_from(**first - 1).unwrap();
            **first > 1 && records[at].time < second
        };
        let from = firsts.iter().rev().find(is_older).unwrap_or(&1);
        assert_eq!(verification.records, records.len() as u64 - from + 1);
        second += SignedDuration::from_secs(1);
    }
}

#[test]
fn who_has_enough_gets_no_more() {
    let (_directory, path, _) = long_log();
    let mut count = 0;
    let verification = export(&path, &[], Since::Record(3), &mut |_| {
        count += 1;
        match count {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert!(verification.unwrap().holds());
    assert_eq!(count, 2);
}

#[test]
fn the_last_records_are_shown_in_order_and_only_they_are_verified() {
    let (_directory, path, records) = long_log();
    let last = |count: usize, wanted: &dyn Fn(&Record) -> bool| {
        let mut shown = Vec::new();
        let verification = show_last(&path, count, wanted, |record| shown.push(record));
        (shown, verification.unwrap())
    };
    let firsts = first_numbers(&path);
    let is_even = |record: &Record| record.seq.is_multiple_of(2);
    let even: Vec<Record> = records
        .iter()
        .filter(|record| is_even(record))
        .cloned()
        .collect();
    for count in 0..records.len() + 2 {
        let (shown, verification) = last(count, &|_| true);
        assert_eq!(shown, records[records.len().saturating_sub(count)..]);
        assert!(verification.holds(), "{count}: {:?}", verification.flaws);
        // The line before is read too, by which the first one is known to be in its place; a file begins with what says so.
        let looked_at = records.len().min(count.max(1)) as u64;
        let first = records.len() as u64 - looked_at + 1;
        let read = looked_at + u64::from(!firsts.contains(&first));
        assert_eq!(verification.records, read, "{count}");
        let (shown, _) = last(count, &is_even);
        assert_eq!(shown, even[even.len().saturating_sub(count)..]);
    }
    // That the log does not begin as it should is seen by those who are shown its beginning.
    behead(&path);
    assert!(last(3, &|_| true).1.holds());
    assert!(!last(records.len(), &|_| true).1.holds());
}

#[test]
fn a_flaw_among_the_last_records_is_told_by_its_line_in_the_file() {
    let (_directory, path, records) = long_log();
    let actor = records[0].actor.clone();
    let clock = FixedClock(records.last().unwrap().time);
    let log = AuditLog::new(path.clone(), actor, Box::new(clock));
    for n in 0..5 {
        let event = Event::new(Action::Gate, Outcome::Done).detail("n", n);
        log.append(&event).unwrap();
    }
    let mut lines: Vec<Vec<u8>> = fs::read(&path)
        .unwrap()
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let damaged = lines.len() - 2;
    lines[damaged][20] ^= 1;
    fs::write(&path, lines.concat()).unwrap();
    let found = show_last(&path, 3, &|_| true, |_| ()).unwrap();
    let [flaw] = found.flaws.as_slice() else {
        panic!("{:?}", found.flaws);
    };
    assert_eq!(
        (flaw.segment.as_ref(), flaw.line),
        (None, damaged as u64 + 1)
    );
}
