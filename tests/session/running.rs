//! What a run gives to its command, passes on, and tells when there is nothing to run.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use countersign::host::keychain::LockState;
use countersign::ledger::audit;
use support::machine::Kind;

use crate::site::{Site, document, over_both, text};

#[test]
fn the_command_runs_while_it_is_open_and_its_code_is_passed_on() {
    over_both(|site| {
        let probe = match site.kind {
            Kind::Portable => {
                "test -s \"$COUNTERSIGN_P12\" && test -s \"$COUNTERSIGN_P12_PASSWORD_FILE\""
            }
            Kind::MacOs => "grep -q ci.keychain-db \"$HOME/search-list\"",
        };
        let script = format!(
            "{probe} || exit 90; test -n \"$COUNTERSIGN_RUN_ID\" || exit 91; test \"$COUNTERSIGN_RUN_REVISION\" = 7 || exit 92; exit 42"
        );
        let output = site.run().args(["sh", "-c", &script]).output().unwrap();
        assert_eq!(output.status.code(), Some(42), "{}", text(&output.stderr));
        let signalled = site
            .run()
            .args(["sh", "-c", "kill -9 $$"])
            .status()
            .unwrap();
        assert_eq!(signalled.code(), Some(137));
        site.assert_all_is_well("after two runs");
        let log = site.audit();
        for what in [
            "\"gate\"",
            "\"keychain-unlock\"",
            "\"keychain-lock\"",
            "\"run\"",
        ] {
            assert!(log.contains(what), "{what}");
        }
        let receipts: Vec<_> = fs::read_dir(site.path("state/receipts"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(receipts.len(), 2);
        for path in receipts {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let receipt = document(&fs::read(&path).unwrap());
            assert_eq!(receipt["schema"], "countersign.receipt.v1");
            assert_eq!(receipt["verdict"], "cleared");
            assert_eq!(receipt["window"]["locked"], true);
            let checkpoint = receipt["audit"].as_str().unwrap().parse().unwrap();
            let held = audit::verify(&site.path("state/audit.jsonl"), &[checkpoint]).unwrap();
            assert!(held.holds(), "{:?}", held.flaws);
        }
    });
}

#[test]
fn a_run_says_until_when_it_is_open_and_how_it_ended_and_nothing_if_quiet() {
    over_both(|site| {
        let output = site.run().args(["sh", "-c", "exit 3"]).output().unwrap();
        let told = text(&output.stderr);
        let lines: Vec<&str> = told.lines().collect();
        let opened = lines
            .iter()
            .position(|line| line.starts_with("countersign: open until "));
        let closed = lines
            .iter()
            .position(|line| line.starts_with("countersign: closed after "));
        assert!(opened.is_some() && opened < closed, "{told}");
        let closed = lines[closed.unwrap()];
        assert!(
            closed.contains("the command ended with 3; receipt "),
            "{told}"
        );
        let receipt = closed.rsplit(' ').next().unwrap();
        assert!(fs::exists(receipt).unwrap(), "{receipt}");
        assert!(lines[opened.unwrap()].contains("ci.keychain"), "{told}");
        let words = ["sh", "-c", "exit 3"];
        let output = site.run_with(&["--quiet"]).args(words).output().unwrap();
        assert_eq!(text(&output.stderr), "");
    });
}

#[test]
fn the_identities_of_a_locked_keychain_are_listed_digested_and_judged() {
    over_both(|site| {
        let ask = |words: &[&str]| {
            let mut command = site.base(words);
            site.keychain_flags(&mut command);
            command.output().unwrap()
        };
        let sha1 = support::machine::identity(1)
            .sha1()
            .to_string()
            .to_uppercase();
        let listed = ask(&["identity", "list"]);
        assert!(
            text(&listed.stdout).contains(&sha1),
            "{}",
            text(&listed.stderr)
        );
        let digest = ask(&["identity", "digest"]);
        let digest = text(&digest.stdout).trim().to_owned();
        assert!(digest.starts_with("sha256:"), "{digest}");
        // Nobody pinned this key: the gate says so, and tells the digest apart from another.
        let other = format!("sha256:{}", "0".repeat(64));
        for (expected, differs) in [(digest.as_str(), false), (&other, true)] {
            let gate = ask(&[
                "gate",
                "--without",
                "profiles,targets",
                "--expect-signing",
                expected,
            ]);
            assert_eq!(gate.status.code(), Some(10));
            let said = text(&gate.stdout);
            assert!(said.contains("identity-unexpected"), "{said}");
            assert_eq!(said.contains("identity-digest-mismatch"), differs, "{said}");
        }
        assert_eq!(site.status(), LockState::Locked);
    });
}

#[test]
fn a_receipt_is_never_written_over() {
    let site = Site::new(Kind::Portable);
    let receipt = site.path("receipt.json");
    let receipt_text = receipt.to_str().unwrap();
    let mut first = site.run_with(&["--receipt", receipt_text]);
    assert!(first.arg("true").status().unwrap().success());
    let before = fs::read(&receipt).unwrap();
    let output = site
        .run_with(&["--receipt", receipt_text])
        .args(["sh", "-c", "exit 0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(fs::read(&receipt).unwrap(), before);
}

#[test]
fn a_command_that_cannot_be_started_is_no_keychains_fault() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let missing = site.run().arg(site.path("missing")).output().unwrap();
        assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
        assert!(!site.audit().contains("keychain-unlock"));
        assert!(site.audit().contains("\"refused\""));
        assert_eq!(site.receipts()[0]["exit"], 2);
        let broken = site.path("broken");
        fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
        fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
        let output = site.run().arg(&broken).output().unwrap();
        assert_eq!(output.status.code(), Some(126), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("closed again"));
        assert!(!paged.exists());
        site.assert_all_is_well("after a command that did not start");
        let receipts = site.receipts();
        let receipt = receipts.iter().find(|receipt| receipt["exit"] == 126);
        assert_eq!(receipt.unwrap()["window"]["locked"], true);
        let next = site.run().arg("true").output().unwrap();
        assert!(!text(&next.stderr).contains("recovered"));
    });
}

#[test]
fn a_receipt_without_a_place_is_found_out_before_anything_is_opened() {
    let site = Site::new(Kind::Portable);
    let nowhere = site.path("nowhere/receipt.json");
    let mut run = site.run_with(&["--receipt", nowhere.to_str().unwrap()]);
    let output = run.arg("true").output().unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
    assert!(!site.audit().contains("keychain-unlock"));
}

#[test]
fn a_portable_keychain_that_its_command_deletes_leaves_no_key_behind() {
    let site = Site::new(Kind::Portable);
    let script = "rm -f \"$COUNTERSIGN_KEYCHAIN\"*";
    let output = site.run().args(["sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    site.machine.assert_clean();
    // The same when nobody was left to close it.
    let site = Site::new(Kind::Portable);
    let script = "rm -f \"$COUNTERSIGN_KEYCHAIN\"*; kill -9 $PPID; sleep 600";
    let mut run = site.run().args(["sh", "-c", script]).spawn().unwrap();
    run.wait().unwrap();
    site.settle();
    site.recover();
    site.machine.assert_clean();
}
