//! A clock that was set back, a library that is preloaded, a namespace that shows another machine.

use std::fs;
use std::process::Output;

use jiff::SignedDuration;
use support::log::log_of;
use support::machine::{Kind, now};
use support::site::{Site, document, text};
use support::workshop::codes;

/// A machine whose last record was written so many seconds from now.
fn site_recorded_ahead(seconds: i64) -> Site {
    let site = Site::new(Kind::Portable);
    let mut log = log_of(3);
    log.time = now() + SignedDuration::from_secs(seconds);
    log.record();
    log.write(&site.path("state/audit.jsonl"));
    site
}

fn gate(site: &Site) -> Output {
    site.base(&["gate", "--without", "profiles,identities,targets"])
        .args(["--format", "json"])
        .output()
        .unwrap()
}

#[test]
fn a_clock_behind_the_last_record_opens_nothing() {
    let site = site_recorded_ahead(7_200);
    // The verdicts are recorded with the time that the clock tells, and that does not make it right.
    for _ in 0..3 {
        let blocked = gate(&site);
        assert_eq!(blocked.status.code(), Some(10));
        let verdict = document(&blocked.stdout);
        assert_eq!(codes(&verdict), ["clock-behind-record"], "{verdict:#}");
        let hint = verdict["findings"][0]["hint"].as_str().unwrap();
        assert!(hint.contains("countersign audit resume"), "{hint}");
    }
    let mark = site.path("mark");
    let run = site.run().arg("touch").arg(&mark).output().unwrap();
    assert_eq!(run.status.code(), Some(10), "{}", text(&run.stderr));
    assert!(!mark.exists());
    assert!(!site.audit().contains("keychain-unlock"));
    assert_eq!(site.receipts()[0]["blocked_by"][0], "clock-behind-record");
    // A rehearsal is about another time.
    let rehearsal = site
        .base(&["gate", "--without", "profiles,identities,targets"])
        .args(["--at", "2026-01-01T00:00:00Z"])
        .output()
        .unwrap();
    assert!(rehearsal.status.success());

    // The clock was ahead then, and somebody says that it is right now.
    let resumed = site.base(&["audit", "resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(gate(&site).status.success());
    let run = site.run().arg("touch").arg(&mark).status().unwrap();
    assert!(run.success() && mark.exists());
}

#[test]
fn a_clock_that_was_corrected_by_less_than_a_minute_is_right() {
    let site = site_recorded_ahead(30);
    let cleared = gate(&site);
    assert!(cleared.status.success(), "{}", text(&cleared.stdout));
    // Small steps do not add up to a large one: what counts is the latest time that was ever recorded.
    let log = fs::read_to_string(site.path("state/audit.jsonl")).unwrap();
    assert!(log.lines().last().unwrap().contains("\"latest\":"), "{log}");
}
