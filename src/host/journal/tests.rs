//! What journals promise to those who read them.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use jiff::SignedDuration;

use super::*;
use crate::base::clock::FixedClock;
use crate::base::error::Explain as _;
use crate::base::remedy::Remedy;
use crate::host::deadline::Deadline;
use crate::host::keychain::BackendKind;
use crate::host::process::KnownProcess;

const NOON: &str = "2026-03-01T12:00:00Z";

fn noon() -> FixedClock {
    FixedClock(NOON.parse().unwrap())
}

/// A machine at noon, on which somebody may open keychains.
struct Noon {
    journals: Journals<'static>,
    lock: Lock,
    /// It goes last.
    _directory: tempfile::TempDir,
}

impl Noon {
    fn new() -> Self {
        static CLOCK: LazyLock<FixedClock> = LazyLock::new(noon);
        let directory = tempfile::tempdir().unwrap();
        let journals = journals(&directory, &*CLOCK);
        Self {
            lock: lock(&journals),
            journals,
            _directory: directory,
        }
    }
}

fn journals<'a>(directory: &tempfile::TempDir, clock: &'a dyn Clock) -> Journals<'a> {
    let state = StateDir::new(directory.path().join("state")).unwrap();
    Journals::new(&state, clock)
}

fn entry() -> JournalEntry {
    JournalEntry {
        run: RunId::new(noon().0).unwrap(),
        keychain: KeychainPath::new(Path::new("/k/ci.p12")).unwrap(),
        backend: BackendKind::Portable,
        deadline: Deadline::after(&noon(), Duration::from_secs(600), None),
        session: KnownProcess::this(),
        watchdog: None,
    }
}

fn lock(journals: &Journals<'_>) -> Lock {
    journals.lock_unless(&mut || false).unwrap().unwrap()
}

/// The lease of a run that begins.
fn begin(journals: &Journals<'_>, lock: &Lock, entry: &JournalEntry) -> File {
    let lease = journals.lease(lock, &entry.run).unwrap();
    journals.begin(lock, entry).unwrap();
    lease
}

fn found(journals: &Journals<'_>, run: &RunId) -> FoundJournal {
    let all = journals.all().unwrap();
    let mut found = all.into_iter().map(Result::unwrap);
    found.find(|found| found.entry.run == *run).unwrap()
}

#[test]
fn a_run_lives_as_long_as_its_lease_and_only_others_share() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (one, two) = (entry(), entry());
    let lease = begin(journals, lock, &one);
    let second = begin(journals, lock, &two);
    let watchdogs = lease.try_clone().unwrap();
    let others = |run: &RunId| journals.others(&one.keychain, run).unwrap();
    assert_eq!(others(&one.run), std::slice::from_ref(&two));
    drop(second);
    assert!(others(&one.run).is_empty());
    drop(lease);
    let life = || found(journals, &one.run).life;
    assert_eq!(life(), Life::Alive, "the watchdog still holds it");
    drop(watchdogs);
    assert_eq!(life(), Life::Dead);
    journals.forget(&one.run).unwrap();
    journals.forget(&two.run).unwrap();
    assert!(journals.all().unwrap().is_empty());
}

#[test]
fn a_lease_that_somebody_keeps_makes_no_run_live_whose_processes_are_gone() {
    let Noon { journals, lock, .. } = &Noon::new();
    let this = serde_json::to_value(KnownProcess::this()).unwrap();
    let mut gone = this.clone();
    gone["started"]["at"] = serde_json::json!(1);
    let mut elsewhere = this.clone();
    elsewhere["started"]["boot"] = serde_json::json!("another container");
    for (session, watchdog, life) in [
        (&gone, &gone, Life::Dead),
        (&gone, &this, Life::Alive),
        (&this, &gone, Life::Alive),
        (&gone, &elsewhere, Life::Alive),
    ] {
        let one = JournalEntry {
            session: serde_json::from_value(session.clone()).unwrap(),
            watchdog: serde_json::from_value(watchdog.clone()).unwrap(),
            ..entry()
        };
        let _lease = begin(journals, lock, &one);
        assert_eq!(found(journals, &one.run).life, life);
        journals.forget(&one.run).unwrap();
    }
}

#[test]
fn a_run_whose_window_is_long_over_is_dead_whatever_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let at_noon = noon();
    let one = entry();
    let lease = begin(
        &journals(&directory, &at_noon),
        &lock(&journals(&directory, &at_noon)),
        &one,
    );
    for (seconds, life) in [(0, Life::Alive), (14, Life::Alive), (15, Life::Overdue)] {
        let late = at_noon.0 + SignedDuration::from_secs(600 + seconds);
        let clock = FixedClock(late);
        let journals = journals(&directory, &clock);
        assert_eq!(found(&journals, &one.run).life, life, "{seconds}");
        let is_other = !journals.holders(&one.keychain).unwrap().is_empty();
        assert_eq!(is_other, life == Life::Alive, "{seconds}");
        assert_eq!(journals.has_overdue().unwrap(), life == Life::Overdue);
    }
    drop(lease);
}

#[test]
fn only_an_owner_of_its_lease_keeps_a_dead_run_from_being_finished_and_not_for_ever() {
    let Noon { journals, lock, .. } = &Noon::new();
    let one = entry();
    let lease = begin(journals, lock, &one);
    let adopt = || journals.adopt_within(&one.run, Duration::ZERO).unwrap();
    assert!(matches!(adopt(), Adopted::Kept));
    drop(lease);
    // Somebody asks whether the run lives, and takes his time.
    let path = journals.state.run_file(&one.run, RunFile::Lease);
    let asker = File::open(&path).unwrap();
    asker.lock_shared().unwrap();
    assert!(matches!(adopt(), Adopted::Kept));
    drop(asker);
    let Adopted::Taken(lease) = adopt() else {
        panic!("nobody holds it");
    };
    journals.forget(&one.run).unwrap();
    assert!(matches!(adopt(), Adopted::Finished));
    drop(lease);
    assert!(!path.exists());
}

#[test]
fn a_closing_run_keeps_nobody_elses_keychain_open() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (one, two) = (entry(), entry());
    let _lease = begin(journals, lock, &one);
    let stage = || found(journals, &one.run).stage;
    assert_eq!(stage(), Stage::Open);
    for _ in 0..2 {
        journals.mark_closing(&one.run).unwrap();
        assert_eq!(stage(), Stage::Closing);
        assert!(journals.others(&one.keychain, &two.run).unwrap().is_empty());
    }
    for _ in 0..2 {
        journals.mark_closed(&one.run).unwrap();
        assert_eq!(stage(), Stage::Closed);
    }
    assert!(journals.others(&one.keychain, &two.run).unwrap().is_empty());
}

#[test]
fn whoever_opens_waits_for_who_closes() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (one, two) = (entry(), entry());
    let lease = begin(journals, lock, &one);
    journals.mark_closing(&one.run).unwrap();
    let is_closed = AtomicBool::new(false);
    let (state, run) = (journals.state.clone(), one.run.clone());
    let others_journal = state.run_file(&two.run, RunFile::Journal);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The other's journal is there before it waits.
            while !others_journal.exists() {
                std::thread::yield_now();
            }
            is_closed.store(true, SeqCst);
            Journals::new(&state, &noon()).mark_closed(&run).unwrap();
        });
        let _lease = begin(journals, lock, &two);
        assert!(is_closed.load(SeqCst));
    });
    drop(lease);
}

#[test]
fn a_damaged_journal_is_reported_and_left_as_evidence_whoever_holds_its_lease() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (one, two) = (entry(), entry());
    let _lease = begin(journals, lock, &one);
    let path = journals.state.run_file(&one.run, RunFile::Journal);
    let of_another = serde_json::to_vec(&two).unwrap();
    for (bytes, why) in [(&b"{"[..], "EOF"), (&of_another, two.run.as_str())] {
        owned_files::replace(&path, bytes).unwrap();
        let all = journals.all().unwrap();
        let error = all[0].as_ref().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::LockKeychain));
        assert!(journals.holders(&one.keychain).unwrap().is_empty());
        journals.sweep(lock).unwrap();
        assert!(path.exists());
    }
}

#[test]
fn files_without_a_journal_are_swept() {
    let Noon { journals, lock, .. } = &Noon::new();
    let one = entry();
    drop(begin(journals, lock, &one));
    owned_files::remove(&journals.state.run_file(&one.run, RunFile::Journal)).unwrap();
    fs::write(journals.state.runs().join(".countersign-x"), b"half").unwrap();
    let half_imported = journals.state.temporary("y");
    owned_files::make_directory(&half_imported).unwrap();
    fs::write(half_imported.join("identities.p12"), b"half").unwrap();
    journals.sweep(lock).unwrap();
    assert_eq!(fs::read_dir(journals.state.runs()).unwrap().count(), 0);
    assert!(!half_imported.exists());
}
