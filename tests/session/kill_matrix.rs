//! Whoever is killed or stopped, at whatever moment, and whatever there is too little of: the keychain ends locked.
//!
//! Where somebody is left who can close, that happens within two seconds; else the next `keychain recover` closes.

mod case;

use std::collections::HashMap;
use std::fs::{self, File};
use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use countersign::host::keychain::LockState;
use rustix::process::Signal;
use support::machine::Kind;

use self::case::{Around, Case, Parties, Place, Victim};
use crate::site::{Site, import, kill, lives, until, watchdog_of};

/// How often what came.
#[derive(Default)]
struct Counts {
    killed: AtomicUsize,
    stopped: AtomicUsize,
    left_to_the_next: AtomicUsize,
}

impl Place {
    fn is_closed(&self) -> bool {
        self.site.status_by_files() == LockState::Locked
    }

    /// Somebody who is left closes, within two seconds after `at`.
    fn assert_closes(&self, at: Instant, when: &str) {
        while !self.is_closed() {
            assert!(at.elapsed() < SOON, "still open: {when}");
            std::thread::yield_now();
        }
    }

    /// Whoever comes next. What it says does not matter to a keychain.
    fn recover(&self) {
        let mut recover = self.site.base(&["keychain", "recover"]);
        if let Some(user) = &self.user {
            recover = user.starts(&self.site, &[], &recover);
        }
        let recover = recover.stdout(Stdio::null()).stderr(Stdio::null());
        let mut recover = recover.spawn().unwrap();
        until("the recovery has ended", || {
            recover.try_wait().unwrap().is_some()
        });
    }

    /// Kills or stops, and sees what becomes of the keychain.
    fn play(&self, case: &Case, counts: &Counts) {
        let when = format!("{case:?}");
        let mut parties = self.start(case);
        let victims = parties.among(case.victim);
        let count = match case.signal {
            Signal::KILL => &counts.killed,
            _ => &counts.stopped,
        };
        count.fetch_add(victims.iter().filter(|id| lives(**id)).count(), Relaxed);
        for id in &victims {
            kill(*id, case.signal);
        }
        let at = Instant::now();
        match (case.signal, case.around) {
            (Signal::KILL, Around::Calm) => self.after_a_kill(case, &mut parties, at),
            (Signal::KILL, _) => {
                // It was open, and those who are left have all that they need.
                if case.leaves_closer(&parties) {
                    self.assert_closes(at, &when);
                }
                until("the killed are gone", || {
                    victims.iter().all(|id| is_in_state(*id, "ZX"))
                });
            }
            _ => self.after_a_stop(case, &mut parties, at),
        }
        if !self.is_closed() {
            counts.left_to_the_next.fetch_add(1, Relaxed);
        }
        self.recover();
        assert!(
            self.is_closed(),
            "whoever comes next does not close: {when}"
        );
        self.free(&mut parties);
        self.recover();
        self.site.assert_all_is_well(&when);
    }

    /// The run comes to its end by itself.
    fn after_a_kill(&self, case: &Case, parties: &mut Parties, at: Instant) {
        let when = format!("{case:?}");
        let victims = parties.among(case.victim);
        // A victim that was not there yet: the run goes on, and is ended as a pipeline would.
        if victims.is_empty() || matches!(case.victim, Victim::Job | Victim::Tools) {
            kill(parties.run.id(), Signal::TERM);
        }
        parties.wait();
        let leaves_closer = case.leaves_closer(parties);
        if leaves_closer {
            self.assert_closes(at, &when);
        }
        self.site.settle();
        assert!(!leaves_closer || self.is_closed(), "opened again: {when}");
    }

    fn after_a_stop(&self, case: &Case, parties: &mut Parties, at: Instant) {
        let when = format!("{case:?}");
        let victims = parties.among(case.victim);
        until("everybody has stopped", || {
            victims.iter().all(|id| is_in_state(*id, "TZX"))
        });
        match case.victim {
            // Everybody has time until the window ends, and some seconds.
            Victim::Session | Victim::Both | Victim::All => return self.site.let_windows_end(),
            Victim::Watchdog if !victims.is_empty() => {
                if !self.site.audit().contains("\"intended\"") {
                    // It was stopped before it was ready: nothing is opened, and the run waits for it.
                    return self.free(parties);
                }
            }
            // The run goes on, and is ended as a pipeline would.
            _ => kill(parties.run.id(), Signal::TERM),
        }
        parties.wait();
        self.assert_closes(at, &when);
    }

    /// Nobody of them is left, and whatever there was too little of is there again.
    fn free(&self, parties: &mut Parties) {
        for id in parties.everybody() {
            kill(id, Signal::KILL);
        }
        if let Some(user) = &self.user {
            user.end_others();
        }
        parties.wait();
        self.site.settle();
    }
}

impl Case {
    /// Whether somebody is left who can close.
    fn leaves_closer(&self, parties: &Parties) -> bool {
        let victims = parties.among(self.victim);
        let closers = parties.among(Victim::Both);
        closers.iter().any(|closer| !victims.contains(closer))
    }
}

/// Whether a process is gone, or in one of `states` (T: stopped; Z and X: has ended).
fn is_in_state(id: u32, states: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, fields)| &fields[..1]);
    state.is_none_or(|state| states.contains(state))
}

/// How long who is left may take to close.
const SOON: Duration = Duration::from_secs(2);

/// On how many machines it happens at once.
const WORKERS: usize = 3;

#[test]
fn whoever_is_killed_or_stopped_whenever_a_keychain_ends_locked() {
    let (cases, next, counts) = (Case::all(), AtomicUsize::new(0), Counts::default());
    let work = || {
        let mut places: HashMap<(bool, bool), Option<Place>> = HashMap::new();
        while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
            let of_user = case.around.needs_user();
            let place = places.entry((case.kind == Kind::MacOs, of_user));
            let place = place.or_insert_with(|| match of_user {
                true => Place::of_user(case.kind),
                false => Some(Place::new(case.kind)),
            });
            if let Some(place) = place {
                place.play(case, &counts);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let Counts {
        killed,
        stopped,
        left_to_the_next,
    } = counts;
    let (killed, stopped) = (killed.into_inner(), stopped.into_inner());
    eprintln!(
        "{} cases: {killed} processes were killed and {stopped} stopped; {left_to_the_next:?} times the next one closed",
        cases.len()
    );
    assert!(killed >= 400, "{killed} processes were killed");
    assert!(stopped >= 40, "{stopped} processes were stopped");
}

#[test]
fn an_import_that_is_killed_leaves_nothing_open_and_nothing_of_the_p12() {
    for step in ["import", "set-key-partition-list", "codesign"] {
        for also_watchdog in [false, true] {
            let site = Site::new(Kind::MacOs);
            site.machine.misbehave(&format!("wait {step}"));
            let mut run = import(&site).spawn().unwrap();
            until("the tool waits", || site.path("home/waiting").exists());
            let watchdog = watchdog_of(run.id()).unwrap();
            kill(run.id(), Signal::KILL);
            if also_watchdog {
                kill(watchdog, Signal::KILL);
            }
            run.wait().unwrap();
            // The tool goes on without anybody; it has the keychain open, and is waited for.
            File::create(site.path("home/go-on")).unwrap();
            site.settle();
            if !also_watchdog {
                assert_eq!(site.status(), LockState::Locked, "{step}, before recovery");
            }
            site.recover();
            site.assert_all_is_well(step);
        }
    }
}
