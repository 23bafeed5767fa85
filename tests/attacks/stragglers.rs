//! Processes that a job leaves behind for the next one.

#![cfg(target_os = "linux")]

use std::fs;

use rustix::process::Signal;
use support::machine::{Kind, WAIVING};
use support::site::{Site, kill, lives, text, until};

/// Runs a job that starts `daemon` (a shell's words, which write the number of the daemon into a file) and ends when that
/// is written. Says the number.
fn leaves(site: &Site, daemon: &str) -> u32 {
    let mark = site.path("daemon");
    let _ = fs::remove_file(&mark);
    let mark = mark.display();
    let daemon = daemon.replace("MARK", &mark.to_string());
    let script = format!("{daemon}\nuntil test -s '{mark}'; do :; done");
    let output = site.run().args(["sh", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let number = fs::read_to_string(site.path("daemon")).unwrap();
    number.trim().parse().unwrap()
}

#[test]
fn a_daemon_that_leaves_its_session_its_environment_and_its_parent_is_ended_and_named() {
    let site = Site::new(Kind::Portable);
    for daemon in [
        "setsid sh -c 'echo $$ >MARK; exec sleep 600' >/dev/null 2>&1 &",
        // Twice forked, without the run's id, deaf to what it is asked.
        "(env -i setsid sh -c 'trap \"\" TERM HUP; echo $$ >MARK; while :; do sleep 600; done' >/dev/null 2>&1 &)",
    ] {
        let number = leaves(&site, daemon);
        assert!(!lives(number), "{daemon}");
        // Of the receipts of one second nobody can tell which is the last.
        let receipts = site.receipts();
        let mut stragglers = receipts
            .iter()
            .flat_map(|receipt| receipt["stragglers"].as_array().unwrap());
        let named = stragglers.find(|one| one["process"] == number);
        let named = named.unwrap_or_else(|| panic!("{receipts:?}"));
        assert_eq!(named["ended"], true, "{named}");
        let name = named["name"].as_str().unwrap();
        assert!(["sh", "sleep"].contains(&name), "{named}");
        for receipt in &receipts {
            assert!(
                !receipt.to_string().contains("sleep 600"),
                "no arguments are told: {receipt}"
            );
        }
        let record = format!("{name} ({number})");
        assert!(site.audit().contains(&record), "{record}");
    }
    site.assert_all_is_well("after all");
}

#[test]
fn a_daemon_is_left_running_and_named_where_the_policy_says_so() {
    let site = Site::new(Kind::Portable);
    let policy = format!("{WAIVING}[session]\non_stragglers = \"report\"\n");
    fs::write(site.path("signing.toml"), policy).unwrap();
    let number = leaves(
        &site,
        "setsid sh -c 'echo $$ >MARK; exec sleep 600' >/dev/null 2>&1 &",
    );
    assert!(lives(number));
    let receipt = site.receipts().pop().unwrap();
    assert_eq!(receipt["stragglers"][0]["process"], number);
    assert_eq!(receipt["stragglers"][0]["ended"], false);
    kill(number, Signal::KILL);
    until("it ends", || !lives(number));
}

#[test]
fn what_ends_while_the_job_runs_is_buried() {
    let site = Site::new(Kind::Portable);
    // Orphans that end at once. By then they are children of the run, which the job can see; it gives up in the end.
    let script = "for i in 1 2 3 4 5 6 7 8; do (true & ); done\n\
        zombies() { cat /proc/[0-9]*/stat 2>/dev/null | grep -c \") Z $PPID \"; }\n\
        tries=0; until test $(zombies) = 0; do tries=$((tries + 1)); test $tries -lt 3000 || exit 1; done";
    let output = site.run().args(["sh", "-c", script]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let receipt = site.receipts().pop().unwrap();
    assert_eq!(
        receipt["stragglers"].as_array().unwrap().len(),
        0,
        "{receipt}"
    );
}
