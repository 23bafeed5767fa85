//! What `doctor` says of a machine.

use std::fs;
use std::sync::Arc;

use countersign::base::clock::FixedClock;
use countersign::base::finding::Code;
use countersign::ops::doctor;
use countersign::ops::notice::Deaf;
use countersign::ops::world::{Places, Surroundings, World};
use support::workshop::{Workshop, codes};

/// A policy that names a host, a keychain and Acme's authority.
fn policy(host: &str) -> String {
    format!(
        "version = 1\n\n[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"{host}\"]\n\n[profiles]\n\
         directories = [\"../profiles\"]\ntrust_anchors = [\"../anchors.pem\"]\n\n[keychain]\npath = \"../ci.p12\"\n"
    )
}

fn this_host() -> String {
    countersign::host::node::host_name().unwrap().to_string()
}

#[test]
fn a_machine_as_it_should_be_is_told_in_lines_and_ends_in_0() {
    let workshop = Workshop::frozen();
    workshop.write("manifests/signing.toml", policy(&this_host()));
    let said = workshop.run(&["doctor"]).exits(0).says(&[
        "nothing on this machine would make a gate block",
        "which may hold keys",
        "this is not a Mac",
        "ci.p12, missing",
        "there is no record to compare it with",
        "a gate blocks from",
    ]);
    assert!(said.out.contains(&this_host()), "{}", said.out);
    let document = workshop
        .run(&["doctor", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["would_block"], false);
    assert_eq!(document["mac"], serde_json::Value::Null);
    assert_eq!(document["host"]["may_hold_keys"], true);
    assert_eq!(document["keychain"]["state"], "missing");
    let uses: Vec<_> = document["directories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["used_for"].as_str().unwrap(),
                it["state"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("home", "directory"),
        ("profiles", "directory"),
        ("state", "missing"),
    ];
    assert_eq!(uses, expected);
    // Three profiles and their certificate, and what is next.
    assert_eq!(document["expiries"].as_array().unwrap().len(), 4);
    assert_eq!(document["next"]["id"], document["expiries"][0]["id"]);
    // It leaves nothing behind.
    assert_eq!(workshop.list("home"), Vec::<String>::new());
}

#[test]
fn the_report_goes_into_a_file_too() {
    let workshop = Workshop::frozen();
    workshop.write("manifests/signing.toml", policy("signer-01.mesh.example"));
    let printed = workshop
        .run(&["doctor", "--format", "json", "-o", "doctor.json"])
        .exits(10)
        .json();
    let written: serde_json::Value = serde_json::from_slice(&workshop.read("doctor.json")).unwrap();
    assert_eq!(
        written["findings"][0]["code"],
        printed["findings"][0]["code"]
    );
    assert_eq!(written["expiries"], printed["expiries"]);
    let refused = workshop.run(&["doctor", "-o", "missing/doctor.json"]);
    refused.exits(11);
}

#[test]
fn a_host_that_may_not_hold_keys_blocks() {
    let workshop = Workshop::frozen();
    workshop.write("manifests/signing.toml", policy("signer-01.mesh.example"));
    let ran = workshop.run(&["doctor", "--format", "json"]).exits(10);
    let document = ran.json();
    assert_eq!(document["host"]["may_hold_keys"], false);
    assert_eq!(document["host"]["key_hosts"][0], "signer-01.mesh.example");
    assert!(codes(&document).contains(&"host-not-allowed".to_owned()));
}

#[test]
fn what_only_a_job_shows_is_not_held_against_a_machine() {
    let document = Workshop::frozen()
        .run(&["doctor", "--format", "json"])
        .exits(0)
        .json();
    for code in codes(&document) {
        assert!(!code.ends_with("-unobserved"), "{code}");
    }
}

#[test]
fn a_keychain_is_looked_into_and_stays_closed() {
    let workshop = Workshop::frozen();
    workshop.write("manifests/signing.toml", policy(&this_host()));
    workshop.run(&["keychain", "create"]).exits(0);
    let document = workshop
        .run(&["doctor", "--format", "json"])
        .exits(10)
        .json();
    assert_eq!(document["keychain"]["state"], "locked");
    assert_eq!(document["keychain"]["password_is_kept"], true);
    // An empty keychain signs for no pinned profile, and that is a fact of the machine.
    assert!(
        codes(&document).contains(&"identity-missing".to_owned()),
        "{document}"
    );
    workshop
        .run(&["keychain", "status"])
        .exits(0)
        .says(&["locked"]);
}

#[test]
fn a_machine_with_nothing_on_it_is_told_what_is_missing() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.path("manifests")).unwrap();
    let ran = workshop.run(&["doctor"]).exits(10).says(&[
        "a gate would block on this machine",
        "there is no policy at manifests/signing.toml",
        "countersign manifest freeze",
    ]);
    assert!(
        !ran.out.contains("no Xcode project is named"),
        "{}",
        ran.out
    );
}

#[test]
fn a_log_that_cannot_be_read_is_no_reason_to_believe_the_clock() {
    let workshop = Workshop::frozen();
    workshop.gate(&[]);
    let log = workshop.path("home/.local/state/countersign/audit.jsonl");
    let document = workshop
        .run(&["doctor", "--format", "json"])
        .exits(0)
        .json();
    assert!(document["clock"]["last_record"].is_string());
    fs::write(&log, "not a record\n").unwrap();
    let document = workshop
        .run(&["doctor", "--format", "json"])
        .exits(10)
        .json();
    let codes = codes(&document);
    assert!(
        codes.contains(&"record-unobserved".to_owned()),
        "{document}"
    );
}

#[test]
fn a_clock_behind_the_last_record_blocks() {
    let workshop = Workshop::frozen();
    workshop.gate(&[]);
    let at = |now: &str| {
        let places = Places {
            policy: Some(workshop.path("manifests/signing.toml")),
            manifest: Some(workshop.path("manifests/profiles.json")),
            state_dir: Some(workshop.path("home/.local/state/countersign")),
            ..Places::default()
        };
        let surroundings = Surroundings {
            home: Some(workshop.path("home")),
            ..Surroundings::default()
        };
        let clock = Arc::new(FixedClock(now.parse().unwrap()));
        let world = World::new(places, surroundings, clock, Box::new(Deaf));
        let document = doctor::doctor(&world).unwrap();
        let codes: Vec<Code> = document.findings.iter().map(|it| it.code).collect();
        (
            document.would_block,
            codes.contains(&Code::ClockBehindRecord),
        )
    };
    assert_eq!(at("2026-06-01T00:00:00Z"), (true, true));
    assert_eq!(at("2040-01-01T00:00:00Z"), (false, false));
}
