//! `docs/rotation.md` is what happens: its commands run, in its order.

use std::fs;

use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, ran};

use crate::site::{IDS, Site, old, successor};

/// The lines of the blocks of shell in the guide.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(support::root().join("docs/rotation.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(ToOwned::to_owned).collect()
}

fn call(site: &Site, words: &[&str]) -> Ran {
    let mut command = start::countersign(&site.path("home"));
    command
        .args(["--state-dir", "state"])
        .args(words)
        .current_dir(site.path(""));
    ran(&mut command)
}

fn next_step(site: &Site) -> String {
    let status = call(site, &["rotate", "status", "--format", "json"]).exits(0);
    let status: Json = status.json();
    status["next_step"].as_str().unwrap().to_owned()
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let site = Site::new();
    fs::create_dir(site.path("home")).unwrap();
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    // A reader waits for a week here.
    site.write(
        "manifests/signing.toml",
        policy + "[rotation]\ngrace = \"0s\"\n",
    );
    let commands = commands();
    assert!(commands.len() >= 12, "{commands:#?}");
    let start = site.picture();
    for command in &commands {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[..2], ["countersign", "rotate"], "{command}");
        let is_dry = words.contains(&"--dry-run");
        let before = site.picture();
        call(&site, &words[1..]).exits(0);
        let (is_changed, step) = (site.picture() != before, next_step(&site));
        match (words[2], is_dry) {
            ("plan" | "rehearse" | "status", _) | (_, true) => assert!(!is_changed, "{command}"),
            ("stage" | "rollback", false) => assert_eq!(step, "promote", "{command}"),
            ("promote", false) => assert_eq!(step, "retire", "{command}"),
            ("retire", false) => assert_eq!(step, "nothing", "{command}"),
            _ => panic!("an unknown step: {command}"),
        }
    }
    let end = site.picture();
    assert_ne!(end, start);
    for id in IDS {
        assert!(end.1.contains_key(&successor(id).file_name()));
        assert!(!end.1.contains_key(&old(id).file_name()));
    }
}

#[test]
fn the_plan_tells_what_issued_the_certificates_and_when_that_expires() {
    let site = Site::new();
    fs::create_dir(site.path("home")).unwrap();
    let plan = call(&site, &["rotate", "plan", "--successors", "successors"]).exits(0);
    plan.says(&[
        "intermediates Acme Rehearsal Worldwide Developer Relations",
        "which issued 1 certificate, expires at a time that is not known here",
    ]);
}
