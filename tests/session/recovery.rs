//! What is left of runs that were killed, and what does not close at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use countersign::base::clock::SystemClock;
use countersign::base::event::{Action, Checkpoint, Event, Outcome, Witness, WitnessError};
use countersign::host::journal::Journals;
use countersign::host::keychain::{LockState, Settings};
use countersign::host::owned_files::{FileStep, OwnedFileError};
use countersign::host::process::Exit;
use countersign::host::session::{self, Ending, Recovery, RecoveryRequest, SessionReport, Task};
use countersign::host::state_dir::StateDir;
use countersign::host::window::JobCommand;
use countersign::ledger::audit;
use rustix::process::Signal;
use support::machine::{Kind, now, password};

use crate::site::{
    SECRET, Site, document, job_of, kill, lives, over_both, request, text, through_shell, until,
    watchdog_of, while_it_is_anothers_turn,
};

#[test]
fn a_keychain_that_does_not_close_is_tried_again_and_all_of_it_is_recorded() {
    let site = Site::new(Kind::MacOs);
    let script = format!(
        "echo 'lie lock-keychain' > '{}'",
        site.path("home/stand-in-mode").display()
    );
    let output = site.run().args(["sh", "-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("do not trust"));
    let receipt = site.receipts().remove(0);
    assert_eq!(receipt["window"]["locked"], false);
    assert_eq!(receipt["ending"]["exited"]["code"], 0);
    assert_eq!(site.status(), LockState::Unlocked);
    // The run has gone; its watchdog has not.
    fs::remove_file(site.path("home/stand-in-mode")).unwrap();
    site.settle();
    site.assert_all_is_well("after the watchdog's next attempt");
    let mut seen = Vec::new();
    audit::show(&site.path("state/audit.jsonl"), |record| {
        seen.push(format!("{} {}", record.what, record.outcome));
    })
    .unwrap();
    assert!(
        seen.contains(&"keychain-lock failed".to_owned()),
        "{seen:?}"
    );
    assert!(seen.contains(&"run done".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "keychain-lock done");
}

#[test]
fn what_a_dead_run_left_open_and_cannot_be_closed_is_refused_and_others_go_on() {
    let site = Site::new(Kind::MacOs);
    let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
    until("the job runs", || {
        site.has("job") && job_of(run.id()).is_some()
    });
    let job = job_of(run.id()).unwrap();
    // A run that is stopped does not close when it loses its watchdog.
    kill(run.id(), Signal::STOP);
    kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
    kill(run.id(), Signal::KILL);
    run.wait().unwrap();
    // Nobody waits for a watchdog whose run is gone, and until it has ended too the run is not dead.
    site.settle();
    assert_eq!(site.status(), LockState::Unlocked);
    site.machine.misbehave("lie lock-keychain");
    let refused = site.run().arg("true").output().unwrap();
    assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
    let said = text(&refused.stderr);
    until("its command has ended", || !lives(job));
    // Another keychain is none of its business.
    let other = site.machine.keychain_named("other.p12");
    let backend = site.machine.backend(Kind::Portable);
    let settings = Settings {
        idle_timeout: Duration::from_secs(900),
    };
    backend.create(&other, &password(SECRET), settings).unwrap();
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    run.arg("--keychain")
        .arg(other.as_path())
        .args(["--backend", "portable", "--keychain-password-file"])
        .arg(site.path("password"))
        .args(["--", "true"]);
    let ran = run.output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("caution"));
    let words = ["keychain", "recover", "--format", "json"];
    let recovered = site.base(&words).output().unwrap();
    assert_eq!(recovered.status.code(), Some(12));
    let told = document(&recovered.stdout);
    assert_eq!(told["unfinished"].as_array().unwrap().len(), 1, "{told}");
    fs::remove_file(site.path("home/stand-in-mode")).unwrap();
    // The remedy works as it is printed (with the program that knows the stand-in, which no Mac has).
    let commands: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let commands: Vec<&&str> = commands
        .iter()
        .filter(|command| command.starts_with("countersign --state-dir"))
        .collect();
    assert_eq!(commands.len(), 2, "{said}");
    for command in commands {
        let words = command.strip_prefix("countersign ").unwrap();
        let script = format!("\"$@\" {words}");
        let output = through_shell(&site, &script, &site.program())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            text(&output.stderr)
        );
    }
    site.assert_all_is_well("after a recovery that could close it");
}

/// Recovers in this process.
fn recover(site: &Site, witness: &dyn Witness) -> Recovery {
    session::recover(&RecoveryRequest {
        state: &site.machine.state(),
        backends: &site.backends(),
        witness,
        clock: &SystemClock,
        by: "test",
        only_overdue: false,
    })
    .unwrap()
}

/// A log that cannot be written when something is done, for so many times.
struct Failing<'a> {
    log: &'a audit::AuditLog,
    what: Action,
    times: AtomicUsize,
}

impl Witness for Failing<'_> {
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        let is_meant = event.what == self.what && event.outcome == Outcome::Done;
        let left = |times: usize| times.checked_sub(1);
        if is_meant && self.times.fetch_update(Relaxed, Relaxed, left).is_ok() {
            let full = std::io::Error::other("no space left");
            return Err(WitnessError::new(OwnedFileError::of(
                FileStep::Write,
                Path::new("audit.jsonl"),
            )(full)));
        }
        self.log.record(event)
    }
}

#[test]
fn a_closing_is_forgotten_only_when_it_is_recorded() {
    let site = Site::new(Kind::Portable);
    let backend = site.machine.backend(Kind::Portable);
    let (log, state) = (site.log(), site.machine.state());
    let failing = |what, times| Failing {
        log: &log,
        what,
        times: AtomicUsize::new(times),
    };
    let run_with = |witness: &Failing<'_>| {
        let request = request(&site, &state, backend.as_ref(), witness, now());
        let command = JobCommand {
            program: "/bin/true".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            has_input: false,
        };
        session::run(
            request,
            Task::Run(command),
            &mut SessionReport::default(),
            &|_| {},
        )
    };
    // The second attempt is recorded.
    let ended = run_with(&failing(Action::KeychainLock, 1));
    assert!(matches!(ended, Ok(Ending::Exited(Exit::Code(0)))));
    assert_eq!(site.runs(), Vec::<PathBuf>::new());
    // No attempt is: the run fails, the keychain is closed, and the journal stays for who can record it.
    let ended = run_with(&failing(Action::KeychainLock, 99));
    let said = ended.unwrap_err().to_string();
    assert!(
        said.contains("is closed, but the closing is not recorded"),
        "{said}"
    );
    assert_eq!(site.status(), LockState::Locked);
    assert!(site.has("closed"));
    site.settle();
    let recovery = recover(&site, &failing(Action::Recover, 99));
    let said = recovery.unfinished[0].to_string();
    assert!(recovery.unfinished[0].is_closed, "{said}");
    assert!(
        said.contains("is closed, but the closing is not recorded"),
        "{said}"
    );
    assert!(site.has("closed"));
    site.settle();
    let recovery = recover(&site, &log);
    assert_eq!(recovery.finished.len(), 1);
    site.assert_all_is_well("after a recovery that could be recorded");
}

/// A log that asks which runs have the keychain open while it records that one could not be finished.
struct Onlooker<'a> {
    site: &'a Site,
    log: &'a audit::AuditLog,
    state: &'a StateDir,
    seen: Mutex<Vec<usize>>,
}

impl Witness for Onlooker<'_> {
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        if event.what == Action::Recover && event.outcome == Outcome::Failed {
            let journals = Journals::new(self.state, &SystemClock);
            let holders = journals.holders(&self.site.machine.keychain()).unwrap();
            self.seen.lock().unwrap().push(holders.len());
        }
        self.log.record(event)
    }
}

#[test]
fn a_dead_run_that_cannot_be_finished_keeps_no_other_from_closing() {
    let site = Site::new(Kind::MacOs);
    let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
    until("the job runs", || site.has("job"));
    kill(run.id(), Signal::STOP);
    kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
    kill(run.id(), Signal::KILL);
    run.wait().unwrap();
    site.settle();
    site.machine.misbehave("lie lock-keychain");
    let (log, state) = (site.log(), site.machine.state());
    let onlooker = Onlooker {
        site: &site,
        log: &log,
        state: &state,
        seen: Mutex::default(),
    };
    let recovery = recover(&site, &onlooker);
    assert_eq!(recovery.unfinished.len(), 1);
    // Whoever ends in that moment must lock the keychain, not leave it to the dead one.
    assert_eq!(*onlooker.seen.lock().unwrap(), [0]);
    fs::remove_file(site.path("home/stand-in-mode")).unwrap();
    site.recover();
    site.assert_all_is_well("after a recovery that could close it");
}

#[test]
fn a_tool_that_hangs_when_its_run_is_killed_is_ended_by_who_is_kept_waiting() {
    let site = Site::new(Kind::MacOs);
    // It waits for what never comes.
    site.machine.misbehave("wait set-keychain-settings");
    let mut run = site.run().arg("true").spawn().unwrap();
    until("the tool hangs", || site.path("home/waiting").exists());
    assert!(
        fs::read_to_string(site.machine.keychain().as_path())
            .unwrap()
            .contains("\"locked\":false")
    );
    kill(run.id(), Signal::KILL);
    run.wait().unwrap();
    site.settle();
    site.assert_all_is_well("after a tool that hung");
    let tools: Vec<_> = fs::read_dir(site.path("state/tools")).unwrap().collect();
    assert!(tools.is_empty(), "{tools:?}");
}

#[test]
fn the_command_of_a_killed_run_is_ended_although_others_have_their_turn() {
    over_both(|site| {
        let script = "trap '' TERM; while :; do sleep 0.05; done";
        let mut run = site.run().args(["sh", "-c", script]).spawn().unwrap();
        until("the job runs", || {
            site.has("job") && job_of(run.id()).is_some()
        });
        let job = job_of(run.id()).unwrap();
        while_it_is_anothers_turn(&site, |_| {
            kill(run.id(), Signal::KILL);
            run.wait().unwrap();
            until("its command has ended", || !lives(job));
        });
        site.settle();
        site.assert_all_is_well("after the turn");
    });
}

#[test]
fn a_tool_that_outlives_its_run_is_waited_for_before_the_keychain_is_closed() {
    for step in ["unlock-keychain", "set-keychain-settings", "list-keychains"] {
        let site = Site::new(Kind::MacOs);
        site.machine.misbehave(&format!("wait {step}"));
        let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the tool waits", || site.path("home/waiting").exists());
        kill(run.id(), Signal::KILL);
        run.wait().unwrap();
        // The tool holds the dead run's turn, so the watchdog waits until it has opened the keychain or written the
        // list.
        let turn = File::open(site.path("state/windows.lock")).unwrap();
        assert!(turn.try_lock().is_err(), "{step}");
        assert!(!site.audit().contains("watchdog"), "{step}");
        File::create(site.path("home/go-on")).unwrap();
        site.settle();
        site.assert_all_is_well(step);
    }
}
