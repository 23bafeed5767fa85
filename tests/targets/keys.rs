//! The private keys at hand decide which certificate of a profile is planned: in the check, in the manifest, in the gate.

use forge::certificate::Identity;
use forge::find_identity;
use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::project::ProjectSpec;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop};

use crate::scene::{SHARE, blocking, gate, only, profile, rocket, scene, targets};

/// Acme's two certificates, the second of which lives longer.
fn certificates() -> [Identity; 2] {
    [
        ("old", "2044-01-01T00:00:00Z"),
        ("new", "2045-01-01T00:00:00Z"),
    ]
    .map(|(name, until)| {
        let leaf = LeafSpec::new(LeafKind::AppleDistribution);
        Hierarchy::acme().developer(&leaf.valid("2026-01-01T00:00:00Z", until).labelled(name))
    })
}

/// Acme's project, each of whose profiles holds both, on a machine with these keys.
fn with_keys(project: &ProjectSpec, keys: &[&Identity]) -> Workshop {
    let profiles: Vec<_> = products()
        .into_iter()
        .map(|profile| profile.certificates(&certificates()))
        .collect();
    let workshop = scene(project, &profiles);
    workshop.write("identities.txt", find_identity::valid(keys));
    workshop
}

fn freeze(workshop: &Workshop, arguments: &[&str]) -> Ran {
    let fixed = ["manifest", "freeze", "--project", "Acme.xcodeproj"];
    workshop.run(&[&fixed[..], arguments].concat())
}

/// The certificates that the manifest pins targets to, each once.
fn pinned(workshop: &Workshop) -> Vec<String> {
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let targets = manifest["targets"].as_array().unwrap().iter();
    let mut pinned: Vec<String> = targets
        .map(|target| target["certificate"].as_str().unwrap().to_owned())
        .collect();
    pinned.dedup();
    pinned
}

fn sha256(identity: &Identity) -> String {
    let digest = identity.sha256();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn freezing_with_identities_pins_the_certificate_whose_key_is_here() {
    let [old, new] = certificates();
    for key in [&old, &new] {
        let workshop = with_keys(&rocket(), &[key]);
        freeze(&workshop, &["--identities", "identities.txt"]).exits(0);
        assert_eq!(pinned(&workshop), [sha256(key)]);
        gate(&workshop).exits(0);
    }
    // Nobody who says which keys there are gets the one that lives longest.
    let workshop = with_keys(&rocket(), &[&old]);
    freeze(&workshop, &[]).exits(0);
    assert_eq!(pinned(&workshop), [sha256(&new)]);
}

#[test]
fn the_gate_says_whose_key_is_missing_and_that_another_of_the_profile_is_here() {
    let [old, new] = certificates();
    let workshop = with_keys(&rocket(), &[&old]);
    freeze(&workshop, &[]).exits(0);
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    assert_eq!(told.len(), 1, "told once");
    let told = &told[0];
    assert_eq!(told.code(), "identity-missing");
    let short = |identity: &Identity| identity.sha1_hex()[..8].to_ascii_uppercase();
    let says = |field: &str| told.finding[field].as_str().unwrap().to_owned();
    assert!(
        says("expected").contains(&short(&new)),
        "{:#}",
        told.finding
    );
    assert!(says("found").contains(&short(&old)), "{:#}", told.finding);
    assert!(says("hint").contains("freeze"), "{:#}", told.finding);
}

#[test]
fn freezing_for_a_machine_without_any_of_the_keys_blocks_once() {
    let stranger = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDevelopment));
    let workshop = with_keys(&rocket(), &[&stranger]);
    let refused = freeze(
        &workshop,
        &["--identities", "identities.txt", "--format", "json"],
    );
    let told = blocking(&workshop, &refused.exits(10).json());
    let told = only(told, "identity-missing", "Rocket", "CODE_SIGN_IDENTITY");
    assert!(
        told.message().contains("Rocket, Share"),
        "{}",
        told.message()
    );
    assert!(!workshop.path("manifests/profiles.json").exists());
}

#[test]
fn the_gate_plans_what_a_target_asks_for_by_fingerprint() {
    // No target is pinned, and of each profile one key is here; but Share asks for the other one.
    let [old, new] = certificates();
    let asking = |identity: &Identity| {
        let sha1 = identity.sha1_hex().to_ascii_uppercase();
        rocket().change("Share", |share| share.release("CODE_SIGN_IDENTITY", &sha1))
    };
    let workshop = with_keys(&asking(&new), &[&old]);
    workshop.run(&["manifest", "freeze"]).exits(0);
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    let line = new.sha1_hex().to_ascii_uppercase();
    only(told, "identity-missing", "Share", &line);
    asking(&old).write(&workshop.path(""));
    gate(&workshop).exits(0);
}

#[test]
fn a_p12_tells_the_keys_too() {
    let spec = forge::p12::P12Spec::new("secret", &certificates()[0]);
    let both = profile(SHARE).certificates(&certificates());
    let mut profiles = crate::scene::without(SHARE);
    profiles.push(both);
    let workshop = scene(&rocket(), &profiles);
    workshop.write("key.p12", spec.write());
    workshop.write("password", "secret\n");
    let share = [
        "--target",
        "Share",
        "--format",
        "json",
        "--identities",
        "key.p12",
    ];
    let password = ["--password-file", "password"];
    let document = targets(&workshop, "check", &[&share[..], &password].concat());
    let chosen = document.exits(0).json()["targets"][0]["chosen"]["certificate"].clone();
    assert_eq!(chosen, sha256(&certificates()[0]));
}
