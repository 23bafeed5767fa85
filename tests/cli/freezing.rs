//! Freezing, verifying and comparing manifests.

use std::fs;
use std::path::Path;

use forge::flaw::{Flaw, Layer};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::workshop::{Workshop, stock};

#[test]
fn freezing_twice_gives_the_same_bytes_and_touches_nothing_else() {
    let workshop = Workshop::stocked();
    let before = workshop.list("profiles");
    workshop
        .run(&["manifest", "freeze"])
        .exits(0)
        .says(&["frozen", "revision 1, 3 profiles"]);
    let first = workshop.read("manifests/profiles.json");
    workshop
        .run(&["manifest", "freeze"])
        .exits(0)
        .says(&["unchanged", "revision 1"]);
    assert_eq!(workshop.read("manifests/profiles.json"), first);
    assert_eq!(workshop.list("profiles"), before);
    assert_eq!(
        workshop.list("manifests"),
        ["profiles.json", "signing.toml"]
    );
}

#[test]
fn a_shuffled_and_renamed_copy_freezes_to_the_same_bytes() {
    let workshop = Workshop::frozen();
    fs::create_dir(workshop.path("copy")).unwrap();
    for (number, name) in workshop.list("profiles").iter().rev().enumerate() {
        let extension = Path::new(name).extension().unwrap().to_str().unwrap();
        workshop.write(
            format!("copy/{number}.{extension}"),
            workshop.read(format!("profiles/{name}")),
        );
    }
    workshop
        .run(&["manifest", "freeze", "copy", "-o", "copy.json"])
        .exits(0);
    assert_eq!(
        workshop.read("copy.json"),
        workshop.read("manifests/profiles.json")
    );
}

#[test]
fn the_revision_rises_by_one_when_the_content_changes() {
    let workshop = Workshop::frozen();
    let revision = || -> Json {
        let json: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
        json["revision"].clone()
    };
    assert_eq!(revision(), 1);
    let more = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket");
    workshop.write(format!("profiles/{}", more.file_name()), more.mint());
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 2);
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 2);
    fs::remove_file(workshop.path(format!("profiles/{}", more.file_name()))).unwrap();
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 3);
}

#[test]
fn one_unproven_profile_stops_freezing_and_leaves_the_old_manifest() {
    let workshop = Workshop::frozen();
    let before = workshop.read("manifests/profiles.json");
    let forged = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket").with(Flaw::Forged(Layer::Outer));
    workshop.write("profiles/forged.mobileprovision", forged.mint());
    let ran = workshop.run(&["manifest", "freeze"]).exits(10).says(&[
        "not frozen",
        "profile-not-trusted",
        "forged.mobileprovision",
    ]);
    assert!(ran.out.starts_with("BLOCKED  "), "{}", ran.out);
    assert!(ran.out.contains("\nnext: countersign "), "{}", ran.out);
    let document = workshop
        .run(&["manifest", "freeze", "--format", "json"])
        .exits(10)
        .json();
    assert!(
        ran.text().contains(document["headline"].as_str().unwrap()),
        "{}",
        ran.out
    );
    assert!(document["next"].is_string(), "{document:#}");
    assert_eq!(workshop.read("manifests/profiles.json"), before);
}

#[test]
fn verify_compares_the_manifest_with_the_files() {
    let workshop = Workshop::frozen();
    workshop
        .run(&["manifest", "verify"])
        .exits(0)
        .says(&["verified"]);
    let text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    workshop.write(
        "manifests/profiles.json",
        text.replacen("iOS App Store com.acme.rocket", "Another Name", 1),
    );
    workshop
        .run(&["manifest", "verify"])
        .exits(10)
        .says(&["manifest-entry-differs", "/profiles/1/name"]);
}

#[test]
fn diff_says_what_changed_and_insists_on_a_higher_revision() {
    let workshop = Workshop::frozen();
    let old = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    let changed = old.replacen("\"state\": \"active\"", "\"state\": \"retiring\"", 1);
    workshop.write("old.json", &old);
    workshop.write(
        "new.json",
        changed.replacen("\"revision\": 1", "\"revision\": 2", 1),
    );
    workshop.write("stale.json", &changed);
    workshop
        .run(&["manifest", "diff", "old.json", "old.json"])
        .exits(0)
        .says(&["nothing changed"]);
    workshop
        .run(&["manifest", "diff", "old.json", "new.json"])
        .exits(0)
        .says(&["1 change", "/state"]);
    workshop
        .run(&["manifest", "diff", "old.json", "stale.json"])
        .exits(10)
        .says(&["manifest-stale-revision"]);
}

#[test]
fn an_expired_certificate_is_the_cause_that_its_profiles_follow_from() {
    let workshop = Workshop::new();
    let (from, to) = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    let leaf = LeafSpec::new(LeafKind::AppleDistribution).valid(from, to);
    for spec in stock() {
        let spec = spec.certificates(&[Hierarchy::acme().developer(&leaf)]);
        let spec = spec.valid(from, to);
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let ran = workshop.run(&["manifest", "freeze"]).exits(10);
    let said = ran.text();
    assert!(said.contains("and 3 profiles with it"), "{said}");
    assert!(said.contains("block certificate-expired"), "{said}");
    assert!(said.contains("follows 3 × profile-expired"), "{said}");
    // One that has a valid certificate can be renewed as it is.
    let workshop = Workshop::new();
    for spec in stock() {
        let spec = spec.valid(from, to);
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let said = workshop.run(&["manifest", "freeze"]).exits(10).text();
    assert!(!said.contains("certificate-expired"), "{said}");
}
