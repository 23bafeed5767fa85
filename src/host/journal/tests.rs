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
            let clock = noon();
            let closing = Journals::new(&state, &clock);
            // Closing takes a while.
            for _ in 0..300 {
                closing.all().unwrap();
            }
            is_closed.store(true, SeqCst);
            closing.mark_closed(&run).unwrap();
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

#[test]
fn who_closes_another_keychain_or_is_dead_keeps_nobody_waiting() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (one, dead, two) = (entry(), entry(), entry());
    let elsewhere = JournalEntry {
        keychain: KeychainPath::new(Path::new("/k/other.p12")).unwrap(),
        ..entry()
    };
    let _leases = [
        begin(journals, lock, &one),
        begin(journals, lock, &elsewhere),
        begin(journals, lock, &two),
    ];
    drop(begin(journals, lock, &dead));
    let closes = |run: &RunId| {
        journals.mark_closing(run).unwrap();
        journals.has_closings(&two).unwrap()
    };
    assert!(!journals.has_closings(&two).unwrap());
    assert!(!closes(&elsewhere.run));
    assert!(!closes(&dead.run));
    assert!(closes(&one.run));
    journals.mark_closed(&one.run).unwrap();
    assert!(!journals.has_closings(&two).unwrap());
}

#[test]
fn a_run_whose_watchdog_nobody_knows_lives_as_long_as_its_lease() {
    let Noon { journals, lock, .. } = &Noon::new();
    let mut gone = serde_json::to_value(KnownProcess::this()).unwrap();
    gone["started"]["at"] = serde_json::json!(1);
    let gone: Option<KnownProcess> = serde_json::from_value(gone).unwrap();
    for (session, watchdog) in [(gone.clone(), None), (None, gone), (None, None)] {
        let one = JournalEntry {
            session,
            watchdog,
            ..entry()
        };
        let lease = begin(journals, lock, &one);
        assert_eq!(found(journals, &one.run).life, Life::Alive);
        drop(lease);
        assert_eq!(found(journals, &one.run).life, Life::Dead);
    }
}

#[test]
fn the_command_of_a_run_is_remembered_and_that_of_another_is_not_taken_for_it() {
    let Noon { journals, .. } = &Noon::new();
    owned_files::make_directory(&journals.state.runs()).unwrap();
    let (one, two) = (entry().run, entry().run);
    let job = ProcessGroup::of(rustix::process::getpid()).unwrap();
    assert_eq!(journals.job(&one), None);
    journals.remember_job(&one, &job).unwrap();
    assert_eq!(journals.job(&one), Some(job));
    let file = |run| journals.state.run_file(run, RunFile::Job);
    fs::rename(file(&one), file(&two)).unwrap();
    assert_eq!(journals.job(&two), None);
}

#[test]
fn a_journal_that_is_not_there_is_another_matter_than_one_that_cannot_be_used() {
    let Noon { journals, lock, .. } = &Noon::new();
    let one = entry();
    let read = || journals.read(&one.run, RunFile::Journal);
    let _lease = journals.lease(lock, &one.run).unwrap();
    assert!(matches!(read(), Err(JournalError::File(error)) if error.is_not_found()));
    journals.begin(lock, &one).unwrap();
    assert_eq!(read().unwrap(), one);
    // Others could have written it.
    let path = journals.state.run_file(&one.run, RunFile::Journal);
    let public = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&path, public).unwrap();
    assert!(matches!(read(), Err(JournalError::Damaged { .. })));
    let all = journals.all().unwrap();
    assert!(matches!(all[..], [Err(JournalError::Damaged { .. })]));
}

#[test]
fn journals_that_cannot_be_listed_or_renamed_are_an_error_and_missing_ones_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let clock = noon();
    let journals = journals(&directory, &clock);
    let run = entry().run;
    assert!(journals.all().unwrap().is_empty());
    journals.mark_closing(&run).unwrap();
    journals.state.make().unwrap();
    fs::write(journals.state.runs(), b"").unwrap();
    assert!(journals.all().is_err());
    assert!(journals.mark_closing(&run).is_err());
}

#[test]
fn a_damaged_journal_says_where_it_is_and_what_to_do() {
    let path = Path::new("/s/runs/a b.json");
    let damaged = damaged(path)("EOF");
    let hint = "lock the keychain that the run used, then remove '/s/runs/a b.json'";
    assert_eq!(damaged.hint().as_deref(), Some(hint));
    assert_eq!(damaged.place().file.as_deref(), Some("/s/runs/a b.json"));
    // What a file says of itself reaches whoever reads the journals.
    let of_file = || OwnedFileError::Steerable {
        path: path.to_owned(),
        place: "/s".into(),
        why: "may be written by others".to_owned(),
    };
    let (file, passed_on) = (of_file(), JournalError::from(of_file()));
    assert!(file.hint().is_some() && file.remedy().is_some());
    assert_eq!(passed_on.hint(), file.hint());
    assert_eq!(passed_on.remedy(), file.remedy());
    assert_eq!(passed_on.place(), file.place());
    assert_eq!(passed_on.code(), file.code());
}

/// A lease may be removed only where neither a journal nor somebody who holds it needs it.
#[test]
fn nothing_is_swept_that_a_journal_or_a_lease_goes_with() {
    let Noon { journals, lock, .. } = &Noon::new();
    let (dead, beginning, gone) = (entry(), entry(), entry());
    drop(begin(journals, lock, &dead));
    let held = journals.lease(lock, &beginning.run).unwrap();
    drop(journals.lease(lock, &gone.run).unwrap());
    let shown = journals.state.open_keychain(&dead.keychain);
    owned_files::make_directory(&journals.state.open_runs()).unwrap();
    owned_files::make_directory(&shown).unwrap();
    let shown_to = |name: &str| shown.join(name);
    let names = [&dead, &beginning, &gone].map(|one| one.run.as_str().to_owned());
    for name in names.iter().map(String::as_str).chain(["other"]) {
        owned_files::make_directory(&shown_to(name)).unwrap();
    }
    let lease = |one: &JournalEntry| journals.state.run_file(&one.run, RunFile::Lease);
    journals.sweep(lock).unwrap();
    let is_there = [&dead, &beginning, &gone].map(|one| lease(one).exists());
    assert_eq!(is_there, [true, true, false]);
    let is_there = names.each_ref().map(|name| shown_to(name).exists());
    assert_eq!(is_there, [true, true, false]);
    assert!(shown_to("other").exists(), "nobody knows what that is");
    drop(held);
    // Whoever has the lock sweeps, or the next one does.
    journals.sweep_if_free().unwrap();
    assert!(lease(&beginning).exists());
}

#[test]
fn a_free_lock_is_taken_to_sweep() {
    let directory = tempfile::tempdir().unwrap();
    let clock = noon();
    let journals = journals(&directory, &clock);
    let one = entry();
    let lease = journals.lease(&lock(&journals), &one.run).unwrap();
    drop(lease);
    journals.sweep_if_free().unwrap();
    assert!(!journals.state.run_file(&one.run, RunFile::Lease).exists());
}

/// Whoever finishes a run removes its lease; others do not take away what is held.
#[test]
fn who_waits_for_a_run_that_is_being_finished_leaves_its_lease_alone() {
    let Noon { journals, lock, .. } = &Noon::new();
    let one = entry();
    let _lease = begin(journals, lock, &one);
    let patience = Duration::from_secs(30);
    let state = journals.state.clone();
    std::thread::scope(|scope| {
        let adopted = scope.spawn(|| {
            let clock = noon();
            let journals = Journals::new(&state, &clock);
            matches!(
                journals.adopt_within(&one.run, patience).unwrap(),
                Adopted::Finished
            )
        });
        // It is waited for, most likely.
        for _ in 0..300 {
            journals.all().unwrap();
        }
        owned_files::remove(&journals.state.run_file(&one.run, RunFile::Journal)).unwrap();
        assert!(adopted.join().unwrap());
    });
    assert!(journals.state.run_file(&one.run, RunFile::Lease).exists());
}
