//! Claims about old receipts: which of them are removed, and which are kept as witnesses whatever their age.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::retention::Retention;
use super::segment::{Segment, segments};
use super::*;
use crate::base::clock::FixedClock;
use crate::base::digest::Digest;
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome};
use crate::host::owned_files;
use crate::host::run_id::RunId;

const NOON: &str = "2026-03-01T12:00:00Z";

const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Everything that may go goes.
const STRICT: Retention = Retention {
    age: AGE,
    count: 1_000,
    always: 1,
    at_once: 1_000,
};

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

struct Scene {
    directory: tempfile::TempDir,
    log: AuditLog,
}

impl Scene {
    /// A log of small segments, with so many receipts as it grows: each is two days old.
    fn new(receipts: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.mesh.example".parse().unwrap(),
            region: None,
            job: None,
        };
        let log = AuditLog::new(
            directory.path().join("audit.jsonl"),
            actor,
            Box::new(FixedClock(noon())),
        );
        let log = log
            .with_segments_of(2_000)
            .with_receipts(directory.path().join("receipts"));
        owned_files::make_directory(&directory.path().join("receipts")).unwrap();
        let scene = Self { directory, log };
        for n in 0..receipts {
            let event = Event::new(Action::Run, Outcome::Done).detail("n", n);
            let appended = scene.log.append(&event).unwrap();
            scene.receipt(-2 * AGE, Some(appended.checkpoint));
        }
        scene
    }

    /// Writes the receipt of a run that began so long after noon.
    fn receipt(&self, after: SignedDuration, checkpoint: Option<Checkpoint>) -> PathBuf {
        let run = RunId::new(noon() + after).unwrap();
        let path = self.receipts().join(format!("{run}.json"));
        let bytes = checkpoint.map(|audit| format!("{{\"audit\":\"{audit}\"}}"));
        owned_files::create(&path, bytes.unwrap_or_default().as_bytes()).unwrap();
        path
    }

    fn receipts(&self) -> PathBuf {
        self.directory.path().join("receipts")
    }

    /// Removes until nothing more goes; how many were removed.
    fn retire(&self, retention: &Retention) -> usize {
        let mut all = 0;
        loop {
            match self.log.retire(retention).unwrap() {
                0 => return all,
                count => all += count,
            }
        }
    }

    /// The numbers of the records of which receipts tell, in order.
    fn witnessed(&self) -> Vec<u64> {
        let known = known_from_receipts(&self.receipts()).unwrap();
        let known = known.complete().unwrap().into_iter();
        let mut numbers: Vec<u64> = known.map(|known| known.checkpoint.seq).collect();
        numbers.sort();
        numbers
    }

    /// The last record of a sealed segment.
    fn sealed(&self) -> u64 {
        let found = segments(self.log.path(), None, &[]).unwrap();
        found.last().unwrap().last
    }

    fn holds(&self) {
        let known = known_from_receipts(&self.receipts()).unwrap();
        let known: Vec<_> = known.checkpoints.iter().map(|it| it.checkpoint).collect();
        let verification = verify(self.log.path(), &known).unwrap();
        assert!(verification.holds(), "{:?}", verification.flaws);
    }
}

fn names(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn old_receipts_go_when_their_records_are_sealed_and_the_log_keeps_their_digests() {
    let scene = Scene::new(30);
    let sealed = scene.sealed();
    let (gone, kept): (Vec<u64>, Vec<u64>) = scene
        .witnessed()
        .into_iter()
        .partition(|seq| *seq <= sealed);
    assert!(!gone.is_empty() && !kept.is_empty());
    // Removing them makes the log grow, and seals records on the way: what is asked of a receipt is when it is removed.
    assert_eq!(
        scene
            .log
            .retire(&Retention {
                at_once: 1,
                ..STRICT
            })
            .unwrap(),
        1
    );
    scene.retire(&STRICT);
    scene.holds();
    let sealed = scene.sealed();
    let left = scene.witnessed();
    assert!(left.len() >= STRICT.always);
    assert!(left.iter().filter(|seq| **seq <= sealed).count() <= STRICT.always);
    let mut removed = Vec::new();
    show(scene.log.path(), |record| {
        if record.what == "receipt-remove" && record.outcome == Outcome::Done {
            removed.push(record);
        }
    })
    .unwrap();
    assert_eq!(removed.len() + left.len(), 30);
    for record in removed {
        let audit = &record.details["audit"];
        let bytes = format!("{{\"audit\":\"{audit}\"}}");
        assert_eq!(
            record.details["sha256"],
            Digest::of(bytes.as_bytes()).to_string()
        );
        assert!(record.run.is_some());
    }
}

#[test]
fn the_only_witnesses_of_records_that_are_not_sealed_stay() {
    let scene = Scene::new(30);
    let young: Vec<u64> = {
        let sealed = scene.sealed();
        scene
            .witnessed()
            .into_iter()
            .filter(|seq| *seq > sealed)
            .collect()
    };
    let once = Retention {
        at_once: 1,
        ..STRICT
    };
    assert_eq!(scene.log.retire(&once).unwrap(), 1);
    let left = scene.witnessed();
    assert!(!young.is_empty());
    assert!(young.iter().all(|seq| left.contains(seq)));

    // Of a log that was never cut.
    let scene = Scene::new(2);
    assert_eq!(scene.retire(&STRICT), 0);
    assert_eq!(scene.witnessed(), [1, 2]);
}

#[test]
fn a_receipt_that_contradicts_the_log_is_evidence_and_stays() {
    let scene = Scene::new(30);
    let forged = Checkpoint {
        seq: 1,
        head: Digest::of(b"another record"),
    };
    let contradicting = scene.receipt(-3 * AGE, Some(forged));
    let elsewhere = Checkpoint {
        seq: 1_000_000,
        head: forged.head,
    };
    let ahead = scene.receipt(-3 * AGE, Some(elsewhere));
    let unreadable = scene.receipt(-3 * AGE, None);
    fs::remove_file(&unreadable).unwrap();
    std::os::unix::fs::symlink(&ahead, &unreadable).unwrap();
    assert!(scene.retire(&STRICT) > 5);
    assert!(contradicting.exists() && ahead.exists() && unreadable.is_symlink());

    // Also where the segment was moved away: nothing tells whether it agrees.
    let scene = Scene::new(30);
    for segment in segments(scene.log.path(), None, &[]).unwrap() {
        fs::remove_file(segment.path).unwrap();
    }
    assert_eq!(scene.log.retire(&STRICT).unwrap(), 0);
}

#[test]
fn receipts_go_by_age_and_by_number_and_the_newest_stay() {
    let scene = Scene::new(30);
    let patient = Retention {
        age: 10 * AGE,
        ..STRICT
    };
    assert_eq!(scene.retire(&patient), 0, "young enough, and few enough");
    let few = Retention {
        count: 25,
        ..patient
    };
    assert_eq!(scene.retire(&few), 5);
    assert_eq!(names(&scene.receipts()), 25);
    let all = Retention {
        always: 25,
        ..STRICT
    };
    assert_eq!(scene.retire(&all), 0, "however old they are");
    scene.holds();
}

#[test]
fn the_empty_receipt_of_a_killed_run_goes_when_it_is_old() {
    let scene = Scene::new(3);
    let old = scene.receipt(-2 * AGE, None);
    let without_checkpoint = scene.receipt(-2 * AGE, None);
    owned_files::replace(&without_checkpoint, b"{}").unwrap();
    let young = [-AGE / 2, -AGE / 3].map(|after| scene.receipt(after, None));
    let few = Retention { count: 1, ..STRICT };
    assert_eq!(scene.retire(&few), 1);
    assert!(!old.exists() && young.iter().all(|path| path.exists()));
    assert!(without_checkpoint.exists(), "it says something else");
}

#[test]
fn a_receipt_is_kept_for_its_whole_age() {
    let scene = Scene::new(0);
    let of_age = scene.receipt(-AGE, None);
    let older = scene.receipt(-AGE - SignedDuration::from_secs(1), None);
    let newest = scene.receipt(-AGE / 2, None);
    assert_eq!(scene.retire(&STRICT), 1);
    assert!(of_age.exists() && newest.exists() && !older.exists());
}

/// Only the file after a segment tells that it is one: sealing may have been cut short.
#[test]
fn a_file_that_is_only_called_a_segment_is_none() {
    for receipts in [5, 30] {
        let scene = Scene::new(receipts);
        let log = scene.log.path();
        let open = fs::read_to_string(log).unwrap();
        let numbers: Vec<u64> = open
            .lines()
            .map(|line| super::record::read(line.as_bytes()).unwrap().seq)
            .collect();
        let called = Segment::of(log, numbers[0], *numbers.last().unwrap());
        fs::hard_link(log, &called.path).unwrap();
        let mut open = scene.witnessed();
        open.retain(|seq| numbers.contains(seq));
        assert!(open.len() > STRICT.always);
        scene.log.retire(&STRICT).unwrap();
        let left = scene.witnessed();
        assert!(open.iter().all(|seq| left.contains(seq)), "{left:?}");
    }
}

#[test]
fn the_product_keeps_a_hundred_receipts_however_old_they_are() {
    let scene = Scene::new(0);
    for _ in 0..102 {
        scene.receipt(SignedDuration::from_hours(-91 * 24), None);
    }
    scene.log.retire_receipts().unwrap();
    assert_eq!(names(&scene.receipts()), 100);
    scene.log.retire_receipts().unwrap();
    assert_eq!(names(&scene.receipts()), 100);
}
