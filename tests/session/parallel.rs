//! Several at once.

use std::fs::File;
use std::process::{Child, Stdio};

use countersign::host::keychain::LockState;
use countersign::ledger::audit;
use rustix::process::Signal;
use support::machine::Kind;

use crate::site::{Site, import, kill, over_both, text, until};

#[test]
fn of_two_that_make_the_same_keychain_one_does_and_its_password_is_kept() {
    let site = Site::new(Kind::MacOs);
    let keychain = site.machine.keychain_named("new.keychain-db");
    let create = || {
        let mut command = site.base(&["keychain", "create"]);
        command
            .arg("--keychain")
            .arg(keychain.as_path())
            .args(["--backend", "macos"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    };
    site.machine.misbehave("wait create-keychain");
    let first = create().spawn().unwrap();
    until("the first one makes it", || {
        site.path("home/waiting").exists()
    });
    let second = create().spawn().unwrap();
    File::create(site.path("home/go-on")).unwrap();
    assert!(first.wait_with_output().unwrap().status.success());
    let refused = second.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(12));
    assert!(text(&refused.stderr).contains("already"));
    // The password that was kept opens it.
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    run.arg("--keychain")
        .arg(keychain.as_path())
        .args(["--backend", "macos"])
        .args(["--", "true"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn while_a_run_has_it_open_a_keychain_is_neither_imported_into_nor_destroyed() {
    over_both(|site| {
        let run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the job runs", || site.has("job"));
        let refused = import(&site).output().unwrap();
        assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("is open"));
        let mut destroy = site.base(&["keychain", "destroy", "--yes"]);
        site.keychain_flags(&mut destroy);
        let refused = destroy.output().unwrap();
        assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("open for other runs"));
        assert_eq!(site.status(), LockState::Unlocked);
        kill(run.id(), Signal::TERM);
        assert_eq!(run.wait_with_output().unwrap().status.code(), Some(143));
        site.assert_all_is_well("after the run");
        assert!(import(&site).output().unwrap().status.success());
    });
}

fn sixteen_at_once(kind: Kind) {
    let site = Site::new(kind);
    let is_open = match kind {
        Kind::Portable => "test -s \"$COUNTERSIGN_P12\"",
        Kind::MacOs => {
            "grep -q '\"locked\":false' \"$COUNTERSIGN_KEYCHAIN\" && grep -q ci.keychain-db \"$HOME/search-list\""
        }
    };
    let script = format!("{is_open} && sleep 0.01 && {is_open}");
    for round in 0..20 {
        let runs: Vec<Child> = (0..16)
            .map(|_| {
                site.run()
                    .args(["sh", "-c", &script])
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{round}: {}", text(&output.stderr));
        }
        site.assert_all_is_well("after a round");
    }
    let mut seen = std::collections::BTreeMap::new();
    audit::show(&site.path("state/audit.jsonl"), |record| {
        *seen.entry((record.what, record.outcome)).or_insert(0) += 1;
    })
    .unwrap();
    for ((what, outcome), count) in &seen {
        assert_eq!(*count, 320, "{what} {outcome}");
    }
    let events = "gate, unlock twice, lock, run, inputs";
    assert_eq!(seen.len(), 6, "{events}: {seen:?}");
}

#[test]
fn sixteen_runs_at_once_of_a_portable_keychain_disturb_nothing() {
    sixteen_at_once(Kind::Portable);
}

#[test]
fn sixteen_runs_at_once_of_a_macos_keychain_disturb_nothing() {
    sixteen_at_once(Kind::MacOs);
}
