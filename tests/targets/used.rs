//! Freezing a project pins what the project uses, and says what it leaves out.

use std::fs;

use countersign::context::manifest::ProfileState;
use forge::fixtures::products;
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::workshop::{Workshop, codes};

use crate::scene::{SHARE, profile, rocket, scene};

const FREEZE: [&str; 4] = ["manifest", "freeze", "--project", "Acme.xcodeproj"];

fn freeze(workshop: &Workshop, more: &[&str], code: i32) -> Json {
    let words = [&FREEZE[..], more, &["--format", "json"]].concat();
    workshop.run(&words).exits(code).json()
}

fn pinned(workshop: &Workshop, file: &str) -> Vec<String> {
    let manifest: Json = serde_json::from_slice(&workshop.read(file)).unwrap();
    let profiles = manifest["profiles"].as_array().unwrap().iter();
    profiles
        .map(|it| it["uuid"].as_str().unwrap().to_owned())
        .collect()
}

fn uuids(specs: &[ProfileSpec]) -> Vec<String> {
    let mut uuids: Vec<String> = specs.iter().map(|spec| spec.uuid.to_string()).collect();
    uuids.sort();
    uuids
}

fn install(workshop: &Workshop, spec: &ProfileSpec) {
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
}

fn other() -> ProfileSpec {
    ProfileSpec::ios(Kind::AppStore, "com.acme.other")
}

fn expired() -> ProfileSpec {
    let old = ProfileSpec::ios(Kind::AppStore, "com.acme.old");
    old.valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
}

#[test]
fn only_what_the_project_is_signed_with_is_pinned() {
    let workshop = scene(&rocket(), &products());
    install(&workshop, &other());
    install(&workshop, &expired());
    workshop.write("profiles/junk.mobileprovision", "junk");
    let document = freeze(&workshop, &["-o", "new/folder/profiles.json"], 0);
    assert_eq!(
        pinned(&workshop, "new/folder/profiles.json"),
        uuids(&products())
    );
    let left_out = document["left_out"].as_array().unwrap();
    let why = |spec: &ProfileSpec| {
        let mut left_out = left_out.iter();
        let found = left_out.find(|it| it["profile"] == spec.uuid.to_string().as_str());
        found.unwrap()["why"].as_str().unwrap().to_owned()
    };
    assert_eq!(left_out.len(), 2);
    assert_eq!(why(&other()), "nothing is signed with it");
    assert_eq!(why(&expired()), "it expired on 2021-01-01");
    let junk = document["findings"].as_array().unwrap().iter();
    let junk = junk.filter(|it| {
        it["place"]["file"]
            .as_str()
            .is_some_and(|it| it.contains("junk"))
    });
    assert!(junk.clone().count() == 1 && junk.clone().all(|it| it["severity"] == "warn"));

    let document = freeze(&workshop, &["--all"], 0);
    let all = [products(), vec![other()]].concat();
    assert_eq!(pinned(&workshop, "manifests/profiles.json"), uuids(&all));
    assert_eq!(document["left_out"].as_array().unwrap().len(), 1);
    freeze(&workshop, &["--all", "--allow-expired"], 0);
    assert_eq!(
        pinned(&workshop, "manifests/profiles.json").len(),
        all.len() + 1
    );
    // Who names the file means it.
    let named = ["profiles/junk.mobileprovision", "profiles"];
    freeze(&workshop, &named, 10);
}

#[test]
fn a_target_is_not_pinned_to_a_profile_that_has_expired() {
    let mut profiles = products();
    let share = profiles
        .iter_mut()
        .find(|it| it.bundle_pattern == SHARE)
        .unwrap();
    *share = profile(SHARE).valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let workshop = scene(&rocket(), &profiles);
    let refused = freeze(&workshop, &[], 10);
    let mut findings = refused["findings"].as_array().unwrap().iter();
    let told = findings.find(|it| it["code"] == "profile-expired").unwrap();
    assert_eq!(told["severity"], "block");
    assert!(!workshop.path("manifests/profiles.json").exists());
    let allowed = freeze(&workshop, &["--allow-expired"], 0);
    assert!(codes(&allowed).iter().any(|it| it == "profile-expired"));
}

#[test]
fn without_a_project_what_has_expired_is_left_out_and_nothing_else() {
    let workshop = scene(&rocket(), &products());
    install(&workshop, &expired());
    let words = ["manifest", "freeze", "--format", "json"];
    let document = workshop.run(&words).exits(0).json();
    assert_eq!(
        pinned(&workshop, "manifests/profiles.json"),
        uuids(&products())
    );
    assert_eq!(document["left_out"][0]["why"], "it expired on 2021-01-01");
    // And nothing at all is no manifest.
    for name in workshop.list("profiles") {
        if name != expired().file_name() {
            fs::remove_file(workshop.path(format!("profiles/{name}"))).unwrap();
        }
    }
    workshop.run(&words).exits(10);
}

#[test]
fn one_of_the_same_name_is_told() {
    let workshop = scene(&rocket(), &products());
    install(&workshop, &other().named("iOS App Store - App"));
    workshop.run(&FREEZE).exits(0).says(&[
        "2 profiles have the name \"iOS App Store - App\"",
        "left out",
    ]);
}

#[test]
fn what_is_in_the_middle_of_a_rotation_stays() {
    let workshop = scene(&rocket(), &[products(), vec![other()]].concat());
    freeze(&workshop, &["--all"], 0);
    for state in [ProfileState::Incoming, ProfileState::Retiring] {
        workshop.edit_manifest(|content| {
            let mut profiles = content.profiles.iter_mut();
            let uuid = other().uuid.to_string();
            profiles
                .find(|it| it.uuid.to_string() == uuid)
                .unwrap()
                .state = state;
        });
        freeze(&workshop, &[], 0);
        let all = [products(), vec![other()]].concat();
        assert_eq!(pinned(&workshop, "manifests/profiles.json"), uuids(&all));
    }
}

#[test]
fn whoever_selects_targets_means_those_of_the_project_at_hand() {
    let workshop = scene(&rocket(), &products());
    install(&workshop, &other());
    let words = [
        "manifest",
        "freeze",
        "--configuration",
        "Release",
        "--format",
        "json",
    ];
    let document = workshop.run(&words).exits(0).json();
    assert_eq!(document["found_project"], "Acme.xcodeproj");
    assert_eq!(document["manifest"]["targets"], 4);
    assert_eq!(document["manifest"]["profiles"], 4);
}
