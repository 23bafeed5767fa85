//! A keychain that is held open from the command line.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::Signal;
use support::machine::Kind;

use crate::site::{document, kill, over_both, text};

#[test]
fn a_keychain_is_held_open_shown_and_closed_from_the_command_line() {
    over_both(|site| {
        let mut unlock = site.base(&["keychain", "unlock"]);
        site.keychain_flags(&mut unlock);
        let mut unlock = unlock
            .args(["--without", "profiles,identities,targets"])
            .arg("--keychain-password-file")
            .arg(site.path("password"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(unlock.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("COUNTERSIGN_RUN_ID=") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0);
        }
        let run = line.trim().split_once('=').unwrap().1.to_owned();
        let status = site.keychain(&["keychain", "status"]);
        let shown = text(&status.stdout);
        assert!(shown.starts_with("unlocked"), "{shown}");
        assert!(
            shown.contains(&format!("open for run {run} until")),
            "{shown}"
        );
        let status = site.keychain(&["keychain", "status", "--format", "json"]);
        let shown = document(&status.stdout);
        assert_eq!(shown["open_for"][0]["run"], run);
        assert_eq!(shown["identities"].as_array().unwrap().len(), 1);
        kill(unlock.id(), Signal::INT);
        assert_eq!(unlock.wait().unwrap().code(), Some(130));
        let status = site.keychain(&["keychain", "status"]);
        assert!(text(&status.stdout).starts_with("locked"));
        site.assert_all_is_well("after unlock");
    });
}

#[test]
fn closing_needs_no_policy_and_never_claims_what_is_not_so() {
    over_both(|site| {
        fs::write(site.path("signing.toml"), "<<<<<<< ours\n").unwrap();
        let locked = site.keychain(&["keychain", "lock"]);
        assert_eq!(locked.status.code(), Some(0), "{}", text(&locked.stderr));
        assert!(text(&locked.stdout).contains("locked"));
        assert!(site.recover().status.success());
        let mut lock = site.base(&["keychain", "lock"]);
        let missing = match site.kind {
            Kind::Portable => lock.args(["--backend", "portable"]),
            Kind::MacOs => lock.args(["--backend", "macos"]),
        };
        let missing = missing
            .arg("--keychain")
            .arg(site.path("typo.keychain-db"))
            .output()
            .unwrap();
        assert_eq!(missing.status.code(), Some(12));
        assert!(text(&missing.stderr).contains("no keychain"));
    });
}
