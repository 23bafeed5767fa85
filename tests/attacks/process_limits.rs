//! A machine that gives no more processes, threads, descriptors or memory when the keychain must close.
//!
//! Root has no such limits, so a user who is not root runs, and only root can become one: elsewhere these are skipped.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Output, Stdio};

use countersign::host::keychain::LockState;
use countersign::ledger::audit;
use rustix::process::Signal;
use support::machine::Kind;
use support::site::{Site, kill, text, until, waiting_tools};
use support::user::{FILL, User};

/// Holds a claim over both kinds of keychains, each with a user of its own.
fn as_a_user(claim: impl Fn(&Site, &User) + Sync) {
    for kind in Kind::ALL {
        let site = Site::new(kind);
        if let Some(user) = User::of(&site) {
            claim(&site, &user);
        }
    }
}

/// A run of `script` by `user`, within limits.
fn run(site: &Site, user: &User, limits: &[&str], script: &str) -> Command {
    let mut run = site.run();
    run.args(["sh", "-c", script]);
    user.starts(site, limits, &run)
}

/// What a run that came to its end has written, whatever it could do: a receipt, and a record of what it opened.
#[track_caller]
fn assert_accounted(site: &Site, output: &Output, when: &str) {
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "{when}: {said}");
    assert_ne!(output.status.code(), Some(101), "{when}: {said}");
    let verification = audit::verify(&site.path("state/audit.jsonl"), &[]).unwrap();
    assert!(verification.holds(), "{when}: {:?}", verification.flaws);
    let mut is_open = false;
    audit::show(&site.path("state/audit.jsonl"), |record| {
        match record.what.as_str() {
            "keychain-unlock" => is_open = true,
            "run" => is_open = false,
            _ => {}
        }
    })
    .unwrap();
    assert!(!is_open, "{when}: {said}: {}", site.audit());
}

/// Runs with at most so much of something, from the tightest on: whatever there is too little of, the keychain is closed at the
/// end. The last is enough.
fn within_each(of: &str, limits: &[u64]) {
    as_a_user(|site, user| {
        for (at, most) in limits.iter().enumerate() {
            let limit = format!("--{of}={most}");
            let output = run(site, user, &[&limit], "exit 7").output().unwrap();
            let when = format!("{:?}: {limit}: {}", site.kind, text(&output.stderr));
            // Who died of it has left that to others.
            site.settle();
            site.recover_as(user);
            assert_eq!(site.status(), LockState::Locked, "{when}");
            site.assert_all_is_well(&when);
            if output.status.code().is_some() {
                assert_accounted(site, &output, &when);
            }
            if at + 1 == limits.len() {
                assert_eq!(output.status.code(), Some(7), "{when}");
            }
        }
    });
}

#[test]
fn at_whatever_limit_of_processes_a_keychain_is_closed() {
    within_each("nproc", &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 64]);
}

#[test]
fn at_whatever_limit_of_descriptors_a_keychain_is_closed() {
    within_each(
        "nofile",
        &[4, 8, 12, 15, 18, 20, 22, 24, 26, 28, 30, 33, 36, 40, 128],
    );
}

#[test]
fn at_whatever_limit_of_memory_a_keychain_is_closed() {
    let megabytes = [8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 2_000];
    within_each("as", &megabytes.map(|most| most << 20));
}

/// A portable keychain's run is done with it; a tool of macOS cannot be started to take the keychain out of the search list.
fn without_tools(site: &Site, code: i32) -> i32 {
    match site.kind {
        Kind::Portable => code,
        Kind::MacOs => 12,
    }
}

/// What could not be started can be: whoever still has something to do comes to the end.
fn free(site: &Site, user: &User, when: &str) {
    user.end_others();
    site.settle();
    site.recover_as(user);
    site.assert_all_is_well(when);
}

#[test]
fn a_run_closes_although_its_command_left_no_process_to_be_started() {
    for on_stragglers in ["end", "report"] {
        as_a_user(|site, user| {
            site.policy(&format!("[session]\non_stragglers = \"{on_stragglers}\"\n"));
            let mut run = run(site, user, &["--nproc=40"], &format!("{FILL} exit 7"));
            let output = run.output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(site.status(), LockState::Locked, "{said}");
            let codes = match on_stragglers {
                // What the command left is ended, and then there is room.
                "end" => [7, 7],
                // The tool that locked has ended, and may have left its room to the one that changes the search list.
                _ => [7, without_tools(site, 7)],
            };
            let code = output.status.code().unwrap();
            assert!(codes.contains(&code), "{code}: {said}");
            assert_accounted(site, &output, "the table is full");
            assert_eq!(site.receipts()[0]["ending"]["exited"]["code"], 7);
            free(site, user, "after a full table");
        });
    }
}

#[test]
fn a_watchdog_closes_although_no_process_can_be_started() {
    as_a_user(|site, user| {
        let full = site.path("home/full");
        let script = format!("{FILL} exec sleep 600");
        let mut run = run(site, user, &["--nproc=40"], &script);
        let mut run = run.stderr(Stdio::null()).spawn().unwrap();
        until("the table is full", || full.exists());
        kill(run.id(), Signal::KILL);
        run.wait().unwrap();
        until("the watchdog has closed", || {
            site.status() == LockState::Locked
        });
        free(site, user, "after the watchdog");
    });
}

/// A command that takes something from its run, or from the watchdog, whatever it may take by a limit.
fn starve(whom: &str, of: &str) -> String {
    let id = match whom {
        "run" => "$PPID".to_owned(),
        _ => "$(pgrep -P $PPID -f ' watchdog$')".to_owned(),
    };
    format!("prlimit --pid {id} --{of}=0:0")
}

/// What a process can be refused.
const RESOURCES: [&str; 4] = ["nofile", "nproc", "fsize", "as"];

#[test]
fn a_run_closes_although_its_command_has_taken_everything_from_it() {
    for of in RESOURCES {
        as_a_user(|site, user| {
            let script = format!("{} && exit 7", starve("run", of));
            let output = run(site, user, &[], &script).output().unwrap();
            let said = format!("{of}: {}", text(&output.stderr));
            assert!(!said.contains("panicked"), "{said}");
            if output.status.code().is_none() {
                // It died of it; then the watchdog closes.
                assert_eq!(of, "as", "{said}");
                until("the watchdog has closed", || {
                    site.status() == LockState::Locked
                });
            }
            assert_eq!(site.status(), LockState::Locked, "{said}");
            if of == "nofile" || of == "nproc" {
                let code = without_tools(site, 7);
                assert_eq!(output.status.code(), Some(code), "{said}");
                assert_accounted(site, &output, of);
                let receipt = &site.receipts()[0];
                assert_eq!(receipt["ending"]["exited"]["code"], 7);
                assert!(receipt["audit"].is_string(), "{of}: {receipt}");
            }
            free(site, user, of);
        });
    }
}

#[test]
fn a_watchdog_closes_although_a_command_has_taken_everything_from_it() {
    for of in RESOURCES {
        as_a_user(|site, user| {
            let script = format!("{} && kill -9 $PPID; sleep 600", starve("watchdog", of));
            let mut run = run(site, user, &[], &script).spawn().unwrap();
            run.wait().unwrap();
            until("the watchdog has closed", || {
                site.status() == LockState::Locked
            });
            kill_watchdogs(user);
            free(site, user, of);
        });
    }
}

/// Ends watchdogs that have closed and can do nothing more, and would try for ten minutes.
fn kill_watchdogs(user: &User) {
    for id in user.processes() {
        let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if words.ends_with(b"\0watchdog\0") {
            kill(id, Signal::KILL);
        }
    }
}

#[test]
fn a_run_closes_although_somebody_has_ended_or_stopped_the_tool_that_waits() {
    let site = Site::new(Kind::MacOs);
    for signal in [Signal::KILL, Signal::STOP] {
        let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the command runs", || site.has("job"));
        for tool in waiting_tools(run.id()) {
            kill(tool, signal);
        }
        kill(run.id(), Signal::TERM);
        run.wait().unwrap();
        assert_eq!(site.status(), LockState::Locked, "{signal:?}");
        site.settle();
        site.assert_all_is_well(&format!("{signal:?}"));
    }
}
