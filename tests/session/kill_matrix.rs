//! Whoever is killed, at whatever moment: the keychain ends locked.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use countersign::host::keychain::LockState;
use rustix::process::Signal;
use support::machine::Kind;

use crate::site::{Site, import, job_of, kill, lives, until, watchdog_of};

/// The moments of a run that can be told from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Leased,
    Journaled,
    Announced,
    Opened,
    Running,
    Closing,
}

impl Moment {
    const ALL: [Self; 6] = [
        Self::Leased,
        Self::Journaled,
        Self::Announced,
        Self::Opened,
        Self::Running,
        Self::Closing,
    ];

    fn has_come(self, site: &Site) -> bool {
        match self {
            Self::Leased => site.has("lease"),
            Self::Journaled => site.has("json"),
            Self::Announced => site.audit().contains("\"intended\""),
            Self::Opened => site.audit().matches("\"keychain-unlock\"").count() > 1,
            Self::Running => site.has("job"),
            Self::Closing => site.has("closed") || site.audit().contains("\"keychain-lock\""),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    Session,
    Watchdog,
    Job,
    Both,
    All,
}

impl Victim {
    const ALL: [Self; 5] = [
        Self::Session,
        Self::Watchdog,
        Self::Job,
        Self::Both,
        Self::All,
    ];
}

/// Kills once; says how many live processes that ended.
fn one_kill(site: &Site, moment: Moment, victim: Victim) -> usize {
    let when = format!("{:?}: {victim:?} killed when {moment:?}", site.kind);
    // The log of one kill is not that of the next; its receipts would tell that there was one.
    let _ = fs::remove_file(site.path("state/audit.jsonl"));
    let _ = fs::remove_dir_all(site.path("state/receipts"));
    let length = if matches!(moment, Moment::Closing) {
        "0"
    } else {
        "600"
    };
    let mut run: Child = site
        .run()
        .args(["sleep", length])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(&when, || {
        moment.has_come(site) || run.try_wait().unwrap().is_some()
    });
    let (watchdog, job) = (watchdog_of(run.id()), job_of(run.id()));
    let session = [Some(run.id())];
    let victims: Vec<u32> = match victim {
        Victim::Session => session.to_vec(),
        Victim::Watchdog => vec![watchdog],
        Victim::Job => vec![job],
        Victim::Both => vec![watchdog, Some(run.id())],
        Victim::All => vec![watchdog, job, Some(run.id())],
    }
    .into_iter()
    .flatten()
    .collect();
    let killed = victims.iter().filter(|id| lives(**id)).count();
    for id in &victims {
        kill(*id, Signal::KILL);
    }
    let at = Instant::now();
    // A victim that was not there yet: the run goes on, and is ended as a pipeline would.
    if !victims.contains(&run.id()) && (victims.is_empty() || matches!(victim, Victim::Job)) {
        kill(run.id(), Signal::TERM);
    }
    let status = run.wait().unwrap();
    let everything_died = status.signal() == Some(9) && victims.len() > 1;
    if !everything_died {
        until(&when, || site.status() == LockState::Locked);
        let took = at.elapsed();
        assert!(took < Duration::from_secs(2), "{when}: {took:?}");
    }
    site.settle();
    if !everything_died {
        assert_eq!(site.status(), LockState::Locked, "{when}, before recovery");
    }
    site.recover();
    site.assert_all_is_well(&when);
    killed
}

/// Every moment and victim, `ROUNDS` times; says how many processes were killed.
fn kill_matrix(kind: Kind) -> usize {
    let killed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let killed = &killed;
            scope.spawn(move || {
                let site = Site::new(kind);
                for moment in Moment::ALL {
                    for (at, victim) in Victim::ALL.into_iter().enumerate() {
                        for round in 0..ROUNDS {
                            if (at + round) % WORKERS == worker {
                                killed.fetch_add(one_kill(&site, moment, victim), Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    killed.into_inner()
}

/// How often each moment and victim comes.
const ROUNDS: usize = 4;

/// How many machines are killed on at once.
const WORKERS: usize = 2;

#[test]
fn whoever_is_killed_whenever_a_portable_keychain_ends_locked() {
    let killed = kill_matrix(Kind::Portable);
    eprintln!("{killed} processes were killed");
    assert!(killed >= 100, "{killed} processes were killed");
}

#[test]
fn whoever_is_killed_whenever_a_macos_keychain_ends_locked() {
    let killed = kill_matrix(Kind::MacOs);
    eprintln!("{killed} processes were killed");
    assert!(killed >= 100, "{killed} processes were killed");
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
