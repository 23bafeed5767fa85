//! When a window ends: its deadline, the watchdog, a permit that expires.

use std::fs;
use std::path::Path;

use countersign::host::permit::NotCleared;
use countersign::host::session::{self, SessionError, SessionReport, Task};
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use support::machine::{Kind, now};

use crate::site::{Site, job_of, kill, over_both, request, text, until, watchdog_of};

#[test]
fn at_the_deadline_a_child_that_minds_nothing_is_gone_and_the_code_is_13() {
    std::thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                let site = Site::new(kind);
                let script = "trap '' TERM INT HUP; while :; do sleep 1; done";
                let mut run = site
                    .run_with(&["--window", "2s"])
                    .args(["sh", "-c", script])
                    .spawn()
                    .unwrap();
                until("the job runs", || job_of(run.id()).is_some());
                let job = job_of(run.id()).unwrap();
                assert_eq!(run.wait().unwrap().code(), Some(13));
                assert!(!Path::new(&format!("/proc/{job}")).exists());
                site.assert_all_is_well("after the deadline");
                let receipt = site.receipts().remove(0);
                assert_eq!(receipt["ending"], "window-ended");
                let at = |name: &str| -> Timestamp {
                    receipt["window"][name].as_str().unwrap().parse().unwrap()
                };
                let late = at("closed").duration_since(at("until"));
                assert!(late >= SignedDuration::from_secs(10), "{late}");
                assert!(late < SignedDuration::from_secs(15), "{late}");
            });
        }
    });
}

#[test]
fn a_lost_watchdog_ends_the_run_and_somebody_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the job runs", || site.has("job"));
        kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
        assert_eq!(run.wait().unwrap().code(), Some(12));
        site.assert_all_is_well("after the watchdog's death");
        assert!(paged.exists());
        assert!(site.audit().contains("\"notify\""));
    });
}

#[test]
fn a_window_that_the_watchdog_ended_has_ended_whatever_the_command_says() {
    over_both(|site| {
        let script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let mut run = site
            .run_with(&["--window", "1s"])
            .args(["sh", "-c", script])
            .spawn()
            .unwrap();
        until("the job runs", || site.has("job"));
        kill(run.id(), Signal::STOP);
        until("the watchdog has closed", || {
            site.audit().contains("watchdog")
        });
        kill(run.id(), Signal::CONT);
        assert_eq!(run.wait().unwrap().code(), Some(13));
        assert_eq!(site.receipts()[0]["ending"], "window-ended");
        site.assert_all_is_well("after a run that was stopped");
    });
}

#[test]
fn a_window_that_ended_is_told_in_one_line_also_to_who_wants_to_hear_nothing() {
    over_both(|site| {
        for (flags, opened) in [
            (&["--window", "1s"][..], 1),
            (&["--window", "1s", "--quiet"], 0),
        ] {
            let output = site
                .run_with(flags)
                .args(["sleep", "600"])
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(13));
            let told = text(&output.stderr);
            let lines = |start: &str| told.lines().filter(|line| line.starts_with(start)).count();
            assert_eq!(lines("countersign: open until "), opened, "{told}");
            assert_eq!(lines("countersign: closed after "), 1, "{told}");
            assert!(
                told.contains(": the window ended, and the command was stopped; receipt "),
                "{told}"
            );
            assert_eq!(told.matches("window ended").count(), 1, "{told}");
        }
    });
}

#[test]
fn a_permit_that_expired_while_others_had_their_turn_opens_nothing() {
    let site = Site::new(Kind::Portable);
    let backend = site.machine.backend(Kind::Portable);
    let log = site.log();
    let state = site.machine.state();
    let then = now() - SignedDuration::from_hours(1);
    let request = request(&site, &state, backend.as_ref(), &log, then);
    let mut account = SessionReport::default();
    let ended = session::run(request, Task::Hold(&mut |_| Ok(())), &mut account, &|_| {});
    assert!(matches!(
        ended,
        Err(SessionError::NotCleared(NotCleared::Expired { .. }))
    ));
    assert_eq!(account, SessionReport::default());
    assert!(!site.audit().contains("keychain-unlock"));
    assert!(site.audit().contains("\"refused\""));
    site.assert_all_is_well("after an expired permit");
}

#[test]
fn a_short_window_beside_a_long_one_leaves_the_longer_idle_timeout() {
    let site = Site::new(Kind::MacOs);
    let mut long = site.run().args(["sleep", "600"]).spawn().unwrap();
    until("the job runs", || site.has("job"));
    let timeout = || -> u64 {
        let bytes = fs::read(site.machine.keychain().as_path()).unwrap();
        let keychain: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        keychain["timeout"].as_u64().unwrap()
    };
    let before = timeout();
    let mut short = site.run_with(&["--window", "60s"]);
    let output = short.arg("true").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let after = timeout();
    assert!(after > 60 && after + 60 >= before, "{before} {after}");
    kill(long.id(), Signal::TERM);
    long.wait().unwrap();
    site.assert_all_is_well("after both");
}
