//! A job that keeps the locks of its run, or stops whoever would close, so that the keychain would stay open.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use countersign::host::keychain::LockState;
use countersign::ledger::audit;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use support::machine::Kind;
use support::site::{
    Site, document, job_of, kill, lives, minds, over_both, text, until, watchdog_of,
};

/// A run whose command goes on, and everybody who belongs to it.
struct Running {
    run: Child,
    watchdog: u32,
    job: u32,
    lease: File,
}

/// Whether the process group of every job is written: whoever is stopped before that leaves an empty file.
fn is_written(runs: &[PathBuf]) -> bool {
    let is_job = |path: &&PathBuf| path.extension().is_some_and(|suffix| suffix == "job");
    let mut jobs = runs.iter().filter(is_job).peekable();
    let is_filled = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() > 0);
    jobs.peek().is_some() && jobs.all(is_filled)
}

fn start(site: &Site, flags: &[&str]) -> Running {
    let before = site.runs().len();
    let mut run = site.run_with(flags);
    let run = run
        .args(["sleep", "600"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the job runs", || {
        site.runs().len() >= before + 3 && job_of(run.id()).is_some() && is_written(&site.runs())
    });
    let leases = site.runs();
    let mut leases: Vec<_> = leases
        .iter()
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "lease"))
        .collect();
    leases.sort();
    Running {
        watchdog: watchdog_of(run.id()).unwrap(),
        job: job_of(run.id()).unwrap(),
        lease: File::open(leases.last().unwrap()).unwrap(),
        run,
    }
}

impl Running {
    /// Stops everybody who would close.
    fn stop(&self) {
        kill(self.run.id(), Signal::STOP);
        kill(self.watchdog, Signal::STOP);
    }

    /// Kills everybody who would close, and takes their lease.
    fn kill_and_take_lease(&mut self) {
        kill(self.run.id(), Signal::STOP);
        kill(self.watchdog, Signal::KILL);
        kill(self.run.id(), Signal::KILL);
        self.run.wait().unwrap();
        until("the watchdog has ended", || self.lease.try_lock().is_ok());
    }

    /// Nobody of them is left.
    fn assert_ended(mut self) {
        self.run.wait().unwrap();
        until("all have ended", || {
            !lives(self.watchdog) && !lives(self.job)
        });
    }
}

/// The records of an action: their outcome and their details.
fn records(site: &Site, what: &str) -> Vec<(String, std::collections::BTreeMap<String, String>)> {
    let mut found = Vec::new();
    audit::show(&site.path("state/audit.jsonl"), |record| {
        if record.what == what {
            found.push((record.outcome.to_string(), record.details));
        }
    })
    .unwrap();
    found
}

/// The one record that says who closed what was overdue.
#[track_caller]
fn assert_recorded(site: &Site, by: &str) {
    let records = records(site, "overdue");
    assert_eq!(records.len(), 1, "{records:?}");
    let (outcome, details) = &records[0];
    assert_eq!(outcome, "done");
    assert_eq!(details["by"], by);
    assert_eq!(details["was-open"], "true");
}

/// Whoever would close is stopped, the window is over, and `passer_by` comes along.
fn past_its_end(by: &str, passer_by: impl Fn(&Site) -> Output + Sync) {
    over_both(|site| {
        let running = start(&site, &[]);
        running.stop();
        site.let_windows_end();
        assert_eq!(site.status(), LockState::Unlocked);
        let output = passer_by(&site);
        assert_eq!(site.status(), LockState::Locked, "{}", text(&output.stderr));
        running.assert_ended();
        assert_recorded(&site, by);
        site.assert_all_is_well(by);
    });
}

#[test]
fn past_its_end_a_run_closes_what_others_left_open() {
    past_its_end("run", |site| {
        let output = site.run().arg("true").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("whose window ended long ago"));
        output
    });
}

#[test]
fn past_its_end_a_gate_closes_what_others_left_open() {
    past_its_end("gate", |site| {
        let gate = ["gate", "--without", "profiles,identities,targets"];
        let output = site.base(&gate).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("whose window ended long ago"));
        output
    });
}

#[test]
fn past_its_end_a_look_at_the_status_closes_what_others_left_open_and_is_not_fine() {
    past_its_end("status", |site| {
        let output = site.keychain(&["keychain", "status", "--format", "json"]);
        assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
        let status = document(&output.stdout);
        assert_eq!(status["state"], "locked");
        assert_eq!(status["open_for"].as_array().unwrap().len(), 0);
        assert_eq!(status["findings"][0]["code"], "window-overdue");
        assert_eq!(status["overdue"][0]["was_open"], true);
        let again = site.keychain(&["keychain", "status"]);
        assert_eq!(again.status.code(), Some(0));
        output
    });
}

#[test]
fn past_its_end_a_recovery_closes_what_others_left_open() {
    past_its_end("recover", |site| {
        let output = site.recover();
        let recovery = document(&output.stdout);
        assert_eq!(recovery["recovered"][0]["overdue"], true);
        output
    });
}

#[test]
fn past_its_end_the_watchdog_of_another_run_closes_what_others_left_open() {
    over_both(|site| {
        let overdue = start(&site, &[]);
        let mut other = start(&site, &[]);
        overdue.stop();
        let end = (Timestamp::now() - SignedDuration::from_hours(1)).to_string();
        site.rewrite_journals(|journal| {
            if journal["session"]["process"] == overdue.run.id() {
                journal["deadline"]["until"] = end.as_str().into();
            }
        });
        kill(other.run.id(), Signal::KILL);
        other.run.wait().unwrap();
        until("the watchdog has gone", || !lives(other.watchdog));
        assert_eq!(site.status(), LockState::Locked);
        overdue.assert_ended();
        assert!(!lives(other.job));
        let records = records(&site, "overdue");
        assert_eq!(records[0].1["by"], "watchdog");
        site.assert_all_is_well("after the other's watchdog");
    });
}

/// As it happens: nobody touches a journal, and the window comes to its end.
#[test]
fn a_window_that_nobody_closes_is_overdue_fifteen_seconds_after_its_end() {
    let site = Site::new(Kind::Portable);
    let mut running = start(&site, &["--window", "2s"]);
    running.kill_and_take_lease();
    // Who is gone holds nothing, so the first to come along would close. Two who are stopped look alive until the end.
    let site_of_stopped = Site::new(Kind::Portable);
    let stopped = start(&site_of_stopped, &["--window", "2s"]);
    stopped.stop();
    let mut said = String::new();
    until("somebody closes it", || {
        let status = site_of_stopped.keychain(&["keychain", "status"]);
        said = text(&status.stdout) + &text(&status.stderr);
        status.status.code() == Some(10)
    });
    assert_eq!(site_of_stopped.status(), LockState::Locked, "{said}");
    stopped.assert_ended();
    assert_recorded(&site_of_stopped, "status");
    site_of_stopped.assert_all_is_well("after the end");
    let status = site.keychain(&["keychain", "status"]);
    assert_eq!(status.status.code(), Some(10), "{}", text(&status.stdout));
    assert_eq!(site.status(), LockState::Locked);
    site.assert_all_is_well("after the end of who was killed");
}

#[test]
fn a_lease_that_is_kept_makes_nobody_live_who_was_killed() {
    over_both(|site| {
        let mut running = start(&site, &[]);
        running.kill_and_take_lease();
        let status = site.keychain(&["keychain", "status", "--format", "json"]);
        assert_eq!(status.status.code(), Some(10));
        let shown = document(&status.stdout);
        assert_eq!(shown["findings"][0]["code"], "keychain-left-open");
        // Long before the end of its window.
        let recovery = document(&site.recover().stdout);
        assert_eq!(recovery["recovered"][0]["overdue"], false);
        assert_eq!(records(&site, "recover")[0].1["lease-kept"], "true");
        running.assert_ended();
        site.assert_all_is_well("after a recovery");
    });
}

#[test]
fn an_end_in_another_year_is_no_end() {
    let site = Site::new(Kind::Portable);
    let running = start(&site, &[]);
    running.stop();
    site.rewrite_journals(|journal| {
        journal["deadline"]["until"] = "2099-01-01T00:00:00Z".into();
        journal["deadline"]["since_boot"] = u64::MAX.into();
    });
    site.recover();
    assert_eq!(site.status(), LockState::Locked);
    running.assert_ended();
    site.assert_all_is_well("after an end that nobody had");
}

#[test]
fn a_calendar_that_is_set_back_makes_no_window_longer() {
    let site = Site::new(Kind::Portable);
    let running = start(&site, &[]);
    running.stop();
    // The machine has counted to the end; the calendar says that there is half a day left.
    let later = (Timestamp::now() + SignedDuration::from_hours(12)).to_string();
    site.rewrite_journals(|journal| {
        journal["deadline"]["until"] = later.as_str().into();
        journal["deadline"]["since_boot"] = 0.into();
    });
    site.recover();
    assert_eq!(site.status(), LockState::Locked);
    running.assert_ended();
    assert_recorded(&site, "recover");
}

#[test]
fn a_journal_that_names_a_stranger_ends_nobody() {
    let site = Site::new(Kind::Portable);
    let mut stranger = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let mut running = start(&site, &[]);
    running.kill_and_take_lease();
    site.let_windows_end();
    site.rewrite_journals(|journal| {
        for process in ["session", "watchdog"] {
            // The number is the stranger's, and the start is another's by ten seconds.
            let start = journal[process]["started"]["at"].as_u64().unwrap();
            journal[process]["process"] = stranger.id().into();
            journal[process]["started"]["at"] = (start + 1_000).into();
        }
    });
    site.recover();
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    running.assert_ended();
    site.assert_all_is_well("after a journal of a stranger");
}

#[test]
fn a_watchdog_that_is_stopped_is_lost() {
    over_both(|site| {
        let mut running = start(&site, &[]);
        kill(running.watchdog, Signal::STOP);
        assert_eq!(running.run.wait().unwrap().code(), Some(12));
        assert_eq!(site.receipts()[0]["ending"], "watchdog-lost");
        running.assert_ended();
        site.assert_all_is_well("after a watchdog that was stopped");
    });
}

#[test]
fn a_command_that_is_stopped_ends_with_its_run() {
    over_both(|site| {
        // It would end when it is told to, if it could hear.
        let script = "trap 'exit 7' TERM; while :; do sleep 0.05; done";
        let mut run = site.run().args(["sh", "-c", script]).spawn().unwrap();
        until("the job runs", || {
            site.has("job") && job_of(run.id()).is_some_and(|job| minds(job, Signal::TERM))
        });
        kill(job_of(run.id()).unwrap(), Signal::STOP);
        kill(run.id(), Signal::TERM);
        assert_eq!(run.wait().unwrap().code(), Some(7));
        site.assert_all_is_well("after a command that was stopped");
    });
}

#[test]
fn closing_waits_for_no_lock_that_a_job_holds() {
    over_both(|site| {
        let mut running = start(&site, &[]);
        // As a command can: it may open whatever its user may open.
        let lock = File::open(site.path("state/windows.lock")).unwrap();
        lock.lock().unwrap();
        kill(running.run.id(), Signal::TERM);
        assert_eq!(running.run.wait().unwrap().code(), Some(143));
        let receipt = site.receipts().remove(0);
        assert_eq!(receipt["window"]["locked"], true);
        running.assert_ended();
        site.assert_all_is_well("while the lock is held");
        // Neither does a watchdog wait, nor a recovery.
        drop(lock);
        let mut running = start(&site, &[]);
        let lock = File::open(site.path("state/windows.lock")).unwrap();
        lock.lock().unwrap();
        kill(running.run.id(), Signal::KILL);
        running.run.wait().unwrap();
        until("the watchdog has closed", || {
            site.status() == LockState::Locked
        });
        site.settle();
        drop(lock);
        let mut running = start(&site, &[]);
        let lock = File::open(site.path("state/windows.lock")).unwrap();
        lock.lock().unwrap();
        running.kill_and_take_lease();
        site.recover();
        assert_eq!(site.status(), LockState::Locked);
        running.assert_ended();
        drop(lock);
        site.assert_all_is_well("after all");
    });
}
