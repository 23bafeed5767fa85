//! The manifest keeps what it was frozen for: later commands judge the same, and say so where they cannot.

use std::fs;

use forge::fixtures::products;
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::{Value as Json, json};
use support::workshop::{Ran, Workshop, codes};

use crate::scene::{SHARE, SPECIFIER, rocket, scene, without};
use crate::schemes::scheme;

/// Acme's project with a second application, which is signed with a profile that is nowhere.
fn with_example() -> ProjectSpec {
    rocket().target(
        TargetSpec::new("Example", Product::App, "com.acme.example").with(SPECIFIER, "Example"),
    )
}

/// A workshop with both applications, each with a scheme.
fn two_schemes() -> Workshop {
    let workshop = scene(&with_example(), &products());
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    scheme(&workshop, "Example", "Debug", &["Example"]);
    workshop
}

fn run(workshop: &Workshop, words: &str) -> Ran {
    let words: Vec<&str> = words.split(' ').collect();
    workshop.run(
        &[
            &words[..],
            &["--project", "Acme.xcodeproj", "--format", "json"],
        ]
        .concat(),
    )
}

fn gate(workshop: &Workshop) -> Ran {
    run(workshop, "gate --without identities")
}

fn severity<'a>(document: &'a Json, code: &str) -> Option<&'a str> {
    let mut findings = document["findings"].as_array().unwrap().iter();
    findings.find(|it| it["code"] == code)?["severity"].as_str()
}

#[test]
fn the_scheme_that_was_frozen_is_judged_by_every_verb() {
    let workshop = two_schemes();
    run(&workshop, "manifest freeze").exits(10);
    run(&workshop, "manifest freeze --scheme Rocket").exits(0);
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let kept = json!({"scheme": "Rocket", "configurations": ["Release"], "unmapped": []});
    assert_eq!(manifest["archive"], kept);
    let checked = run(&workshop, "targets check").exits(0).json();
    assert_eq!(checked["archive"]["scheme"], "Rocket");
    run(&workshop, "targets export --as xcargs").exits(0);
    let judged = gate(&workshop).exits(0).json();
    assert_eq!(severity(&judged, "scheme-not-pinned"), None);
}

#[test]
fn another_scheme_than_the_frozen_one_is_said() {
    let workshop = two_schemes();
    run(&workshop, "manifest freeze --scheme Rocket").exits(0);
    let other = run(&workshop, "targets check --scheme Example")
        .exits(10)
        .json();
    assert_eq!(severity(&other, "scheme-not-pinned"), Some("warn"));
    // Freezing without its name would pin something else.
    let again = run(&workshop, "manifest freeze").exits(10).json();
    assert_eq!(severity(&again, "scheme-not-pinned"), Some("warn"));
    let folder = workshop.path("Acme.xcodeproj/xcshareddata/xcschemes");
    fs::rename(
        folder.join("Rocket.xcscheme"),
        folder.join("Space.xcscheme"),
    )
    .unwrap();
    let renamed = run(&workshop, "targets check").json();
    assert_eq!(
        renamed["archive"]["scheme"], "Rocket",
        "Xcode makes one for the application"
    );
    let workshop = scene(&with_example(), &products());
    scheme(&workshop, "Ship it", "Release", &["Rocket"]);
    let freeze = [
        "manifest",
        "freeze",
        "--project",
        "Acme.xcodeproj",
        "--scheme",
        "Ship it",
    ];
    workshop.run(&freeze).exits(0);
    fs::remove_dir_all(workshop.path("Acme.xcodeproj/xcshareddata")).unwrap();
    let gone = gate(&workshop).json();
    assert_eq!(severity(&gone, "scheme-not-pinned"), Some("warn"));
}

#[test]
fn a_target_that_was_let_be_without_a_profile_is_let_be_by_every_verb() {
    let workshop = scene(&rocket(), &without(SHARE));
    run(
        &workshop,
        "manifest freeze --allow-unmapped Share --allow-unmapped Rocket",
    )
    .exits(0);
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    assert_eq!(
        manifest["archive"]["unmapped"],
        json!(["Share"]),
        "what is unmapped, and no more"
    );
    let checked = run(&workshop, "targets check").exits(0).json();
    assert_eq!(severity(&checked, "target-unmapped"), Some("warn"));
    let judged = gate(&workshop).exits(0).json();
    assert_eq!(severity(&judged, "target-unmapped"), Some("warn"));
    // Another one that loses its profile still blocks.
    let more = rocket()
        .target(TargetSpec::new("Clock", Product::App, "com.acme.clock").with(SPECIFIER, "Clock"));
    more.write(&workshop.path(""));
    let judged = gate(&workshop).exits(10).json();
    assert_eq!(severity(&judged, "target-unmapped"), Some("block"));
}

#[test]
fn a_manifest_of_the_first_version_gates_and_freezing_upgrades_it() {
    let workshop = scene(&rocket(), &products());
    run(&workshop, "manifest freeze").exits(0);
    let mut manifest: Json =
        serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let fields = manifest.as_object_mut().unwrap();
    let schema = fields.insert("schema".to_owned(), "countersign.manifest.v1".into());
    assert_eq!(schema, Some("countersign.manifest.v2".into()));
    let second = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    let archive = second.find("  \"archive\"").unwrap();
    let targets = second.find("  \"targets\"").unwrap();
    let products = second.find(",\n  \"products\"").unwrap();
    let first = [&second[..archive], &second[targets..products], "\n}\n"].concat();
    let first = first.replacen("manifest.v2", "manifest.v1", 1);
    workshop.write("manifests/profiles.json", &first);
    let judged = gate(&workshop).exits(0).json();
    assert!(
        codes(&judged)
            .iter()
            .all(|code| code != "scheme-not-pinned")
    );
    let frozen = run(&workshop, "manifest freeze").exits(0).json();
    assert_eq!(frozen["manifest"]["revision"], 2);
    let upgraded = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    assert_eq!(
        upgraded,
        second.replacen("\"revision\": 1", "\"revision\": 2", 1)
    );
}
