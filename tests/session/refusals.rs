//! What opens nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::base::event::Outcome;
use countersign::host::keychain::LockState;
use countersign::host::permit::{NotCleared, OpenPermit};
use countersign::ledger::audit;
use jiff::SignedDuration;
use support::machine::{Kind, cleared_at, host, now, plan_digest};
use support::start;

use crate::site::{SECRET, Site, import, over_both, text};

#[test]
fn a_blocked_gate_opens_nothing_and_says_so_in_the_receipt() {
    over_both(|site| {
        let mut command = site.base(&[
            "run",
            "--minimum-revision",
            "8",
            "--without",
            "profiles,identities,targets",
        ]);
        site.keychain_flags(&mut command);
        command
            .arg("--keychain-password-file")
            .arg(site.path("password"));
        command.arg("--receipt").arg(site.path("receipt.json"));
        let output = command
            .args(["--", "touch"])
            .arg(site.path("ran"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
        assert!(!site.path("ran").exists());
        let receipt = fs::read_to_string(site.path("receipt.json")).unwrap();
        assert!(receipt.contains("manifest-stale-revision"), "{receipt}");
        assert!(site.audit().contains("\"refused\""));
        site.assert_all_is_well("after a blocked gate");
    });
}

#[test]
fn what_cannot_be_opened_is_refused_and_the_policys_command_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        fs::write(site.path("password"), "wrong").unwrap();
        let output = site
            .run()
            .arg("touch")
            .arg(site.path("ran"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("does not open"));
        assert!(!site.path("ran").exists());
        assert!(paged.exists());
        site.assert_all_is_well("after a wrong password");
    });
}

#[test]
fn a_keychain_that_is_missing_is_a_recorded_refusal_with_a_receipt_and_somebody_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let destroyed = site.keychain(&["keychain", "destroy", "--yes"]);
        assert!(destroyed.status.success(), "{}", text(&destroyed.stderr));
        for waived in ["profiles,targets", "profiles,identities,targets"] {
            let mut run = site.base(&["run", "--without", waived]);
            site.keychain_flags(&mut run);
            run.arg("--keychain-password-file")
                .arg(site.path("password"))
                .args(["--", "true"]);
            let output = run.output().unwrap();
            assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
            assert!(text(&output.stderr).contains("keychain create"));
            fs::remove_file(&paged).unwrap();
        }
        let receipts = site.receipts();
        assert_eq!(receipts.len(), 2);
        for receipt in receipts {
            assert!(receipt["error"].as_str().unwrap().contains("no keychain"));
            assert!(receipt.get("window").is_none());
            assert_eq!(receipt["exit"], 12);
        }
        let mut refusals = 0;
        audit::show(&site.path("state/audit.jsonl"), |record| {
            refusals += u32::from(record.what == "run" && record.outcome == Outcome::Refused);
        })
        .unwrap();
        assert_eq!(refusals, 2);
    });
}

#[test]
fn the_default_keychain_is_neither_opened_nor_closed() {
    let site = Site::new(Kind::MacOs);
    let keychain = site.machine.keychain();
    fs::write(site.path("home/default-keychain"), keychain.as_str()).unwrap();
    let unlock = start::command(site.path("bin/security"), &site.path("home"))
        .args(["unlock-keychain", "-p", SECRET, keychain.as_str()])
        .status();
    assert!(unlock.unwrap().success());
    let mut destroy = site.base(&["keychain", "destroy", "--yes"]);
    site.keychain_flags(&mut destroy);
    let mut run = site.run();
    run.arg("true");
    for mut command in [run, import(&site), destroy] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(12));
        assert!(text(&output.stderr).contains("default keychain"));
        assert_eq!(site.status(), LockState::Unlocked, "it is the person's own");
    }
    assert!(site.audit().contains("\"refused\""));
}

#[test]
fn an_identity_that_the_gate_did_not_see_opens_nothing() {
    over_both(|site| {
        // The gate judges a capture; the keychain holds one identity more by the time that it would be opened.
        let sha1 = |n| {
            support::machine::identity(n)
                .sha1()
                .to_string()
                .to_uppercase()
        };
        let capture = site.path("identities.txt");
        let row = |n: usize| format!("  1) {} \"Countersign Test {n}\"\n", sha1(n));
        fs::write(&capture, row(1) + "     1 valid identities found\n").unwrap();
        site.policy(&format!("[identities]\nallow = [\"{}\"]\n", sha1(1)));
        let run = |site: &Site| {
            let mut run = site.base(&["run", "--without", "profiles,targets", "--identities"]);
            run.arg(&capture);
            site.keychain_flags(&mut run);
            run.arg("--keychain-password-file")
                .arg(site.path("password"))
                .args(["--", "true"]);
            run.output().unwrap()
        };
        let output = run(&site);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        assert!(import(&site).output().unwrap().status.success());
        let output = run(&site);
        assert_eq!(output.status.code(), Some(12), "{}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.contains(&sha1(2).to_lowercase()), "{said}");
        assert!(said.contains("did not see"), "{said}");
        site.assert_all_is_well("after an identity that nobody judged");
    });
}

/// Runs in another state directory: nothing is opened, and the code is 11.
fn refuses_in(site: &Site, state: &Path) {
    let mut command = site.base_in(state, &["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"));
    let output = command
        .args(["--", "touch"])
        .arg(site.path("ran"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
    assert!(!site.path("ran").exists());
    assert_eq!(site.status(), LockState::Locked);
}

#[test]
fn a_state_directory_that_cannot_be_written_opens_nothing() {
    over_both(|site| {
        // A file in the directory's place: no user, not even root, can make a directory of it.
        refuses_in(&site, &site.path("password").join("state"));
        // One that others may write to.
        let open = site.path("open-to-others");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        refuses_in(&site, &open);
    });
}

/// A tmpfs that is unmounted at the end; `None` where this user may not mount.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        if !is_mounted {
            eprintln!("skipped: this user may not mount a tmpfs");
        }
        is_mounted.then_some(Self(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_opens_nothing_and_a_gate_still_says_no() {
    over_both(|site| {
        let Some(mount) = Mount::new(site.path("small"), "size=16k,mode=700") else {
            return;
        };
        let filler = vec![0; 1 << 20];
        // As much as fits, so that nothing more does.
        let _ = fs::write(mount.0.join("filler"), filler);
        refuses_in(&site, &mount.0);
        let gate = site
            .base_in(
                &mount.0,
                &["gate", "--without", "profiles,identities,targets"],
            )
            .output()
            .unwrap();
        assert_eq!(gate.status.code(), Some(0), "{}", text(&gate.stderr));
        assert!(text(&gate.stderr).contains("not recorded"));
    });
}

#[test]
fn a_read_only_state_directory_opens_nothing_and_an_envelope_needs_its_record() {
    over_both(|site| {
        let Some(mount) = Mount::new(site.path("fixed"), "ro,mode=700") else {
            return;
        };
        refuses_in(&site, &mount.0);
        let envelope = site.path("envelope.json");
        let gate = site
            .base_in(
                &mount.0,
                &["gate", "--without", "profiles,identities,targets"],
            )
            .arg("--envelope")
            .arg(&envelope)
            .output()
            .unwrap();
        assert_eq!(gate.status.code(), Some(11), "{}", text(&gate.stderr));
        assert!(!envelope.exists());
    });
}

#[test]
fn a_stale_foreign_or_other_clearance_opens_nothing() {
    let then = now();
    let late = then + SignedDuration::from_hours(1);
    let early = then - SignedDuration::from_secs(2);
    let other_host = "laptop.example".parse().unwrap();
    let other_plan = countersign::base::digest::Digest::of(b"another plan");
    let here = host();
    let permit = |host, plan, at| OpenPermit::from_clearance(cleared_at(then), host, plan, at);
    assert!(matches!(
        permit(&here, plan_digest(), late),
        Err(NotCleared::Expired { .. })
    ));
    assert!(matches!(
        permit(&here, plan_digest(), early),
        Err(NotCleared::NotYet { .. })
    ));
    assert!(matches!(
        permit(&other_host, plan_digest(), then),
        Err(NotCleared::OtherHost { .. })
    ));
    assert!(matches!(
        permit(&here, other_plan, then),
        Err(NotCleared::OtherPlan { .. })
    ));
    assert!(permit(&here, plan_digest(), then).is_ok());
}
