//! Products without an Xcode project: declared in the policy, pinned by freezing, judged by every verb alike.

use std::fs;

use countersign::base::ids::CertSha256;
use forge::certificate::Identity;
use forge::find_identity;
use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes};

use crate::scene::rocket;

const HELPER: &str = "com.acme.helper";
const GROUPS: &str = "keychain-access-groups";
const CONTAINERS: &str = "com.apple.developer.icloud-container-identifiers";

fn helper() -> ProfileSpec {
    ProfileSpec::mac(Kind::DeveloperId, HELPER)
}

fn entitlements(key: &str, value: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n<key>{key}</key>\n\
         <array><string>{value}</string></array>\n</dict>\n</plist>\n"
    )
}

/// What the policy declares.
fn declared(name: &str, bundle_id: &str, profile: &ProfileSpec) -> String {
    format!(
        "\n[[products]]\nname = \"{name}\"\nbundle_id = \"{bundle_id}\"\n\
         entitlements = \"../packaging/helper.entitlements\"\nprofile = \"{}\"\n",
        profile.uuid
    )
}

fn declare(workshop: &Workshop, text: &str) {
    let policy = String::from_utf8(workshop.read("manifests/signing.toml")).unwrap();
    let policy = policy.split("\n[[products]]").next().unwrap().to_owned();
    workshop.write("manifests/signing.toml", policy + text);
}

/// A workshop with one declared product whose claim its profile grants.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    let spec = helper();
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    fs::create_dir(workshop.path("packaging")).unwrap();
    let claims = entitlements(GROUPS, "ACME4CI001.com.acme.helper");
    workshop.write("packaging/helper.entitlements", claims);
    declare(&workshop, &declared("helper", HELPER, &spec));
    workshop
}

fn run(workshop: &Workshop, words: &str) -> Ran {
    let words: Vec<&str> = words.split(' ').collect();
    workshop.run(&[&words[..], &["--format", "json"]].concat())
}

const VERBS: [&str; 2] = ["targets check", "gate --without identities"];

/// Both the check and the gate block with this code, at this line of the file.
#[track_caller]
fn all_block(workshop: &Workshop, code: &str, file: &str, line: &str) {
    for verb in VERBS {
        let document = run(workshop, verb).exits(10).json();
        let mut findings = document["findings"].as_array().unwrap().iter();
        let found = findings
            .find(|it| it["code"] == code && it["severity"] == "block")
            .unwrap_or_else(|| panic!("{verb}: {document:#}"));
        assert_eq!(found["place"]["target"], "helper", "{found:#}");
        let at = found["place"]["file"].as_str().unwrap();
        assert!(at.ends_with(file), "{at}");
        let text = String::from_utf8(workshop.read(file)).unwrap();
        let number = usize::try_from(found["place"]["line"].as_u64().unwrap()).unwrap();
        let told = text.lines().nth(number - 1).unwrap();
        assert!(told.contains(line), "{verb}: line {number} is {told:?}");
    }
}

#[test]
fn a_declared_product_is_pinned_and_cleared_by_every_verb_without_a_project() {
    let workshop = workshop();
    let frozen = run(&workshop, "manifest freeze").exits(0).json();
    assert_eq!(frozen["manifest"]["products"], 1);
    for verb in VERBS {
        run(&workshop, verb).exits(0);
    }
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let pinned = &manifest["products"][0];
    assert_eq!(pinned["profile"], helper().uuid.to_string());
    assert_eq!(pinned["entitlements"], "../packaging/helper.entitlements");
    let exported = workshop
        .run(&["targets", "export", "--as", "json"])
        .exits(0);
    let plan: Json = serde_json::from_str(&exported.out).unwrap();
    assert_eq!(&plan["products"][0], pinned);
    // What xcodebuild takes names targets of a project.
    workshop
        .run(&["targets", "export", "--as", "xcconfig"])
        .exits(10)
        .says(&["plan-not-exportable"]);
    workshop
        .run(&["targets", "check"])
        .exits(0)
        .says(&["helper"]);
}

#[test]
fn a_claim_that_the_profile_does_not_grant_blocks_freezing_and_everything_after() {
    let workshop = workshop();
    run(&workshop, "manifest freeze").exits(0);
    let claims = entitlements(CONTAINERS, "iCloud.com.acme.helper");
    workshop.write("packaging/helper.entitlements", claims);
    let refused = run(&workshop, "manifest freeze").exits(10).json();
    assert!(
        codes(&refused)
            .iter()
            .any(|it| it == "entitlement-not-granted")
    );
    let file = "packaging/helper.entitlements";
    all_block(&workshop, "entitlement-not-granted", file, CONTAINERS);
}

#[test]
fn a_file_of_entitlements_that_is_not_there_or_no_property_list_blocks() {
    let workshop = workshop();
    run(&workshop, "manifest freeze").exits(0);
    let policy = "manifests/signing.toml";
    workshop.write("packaging/helper.entitlements", "<html>not found</html>");
    all_block(
        &workshop,
        "entitlements-unreadable",
        policy,
        "entitlements =",
    );
    fs::remove_file(workshop.path("packaging/helper.entitlements")).unwrap();
    all_block(
        &workshop,
        "entitlements-unreadable",
        policy,
        "entitlements =",
    );
    run(&workshop, "manifest freeze").exits(10);
}

#[test]
fn a_policy_that_declares_something_else_than_the_manifest_pins_blocks() {
    let workshop = workshop();
    let other = ProfileSpec::mac(Kind::DeveloperId, "com.acme.*");
    workshop.write(format!("profiles/{}", other.file_name()), other.mint());
    run(&workshop, "manifest freeze").exits(0);
    let policy = "manifests/signing.toml";
    declare(&workshop, &declared("helper", HELPER, &other));
    all_block(&workshop, "product-differs", policy, "profile =");
    declare(&workshop, &declared("helper", "com.acme.other", &other));
    all_block(&workshop, "product-differs", policy, "profile =");
    declare(&workshop, &declared("helper", "com.acme.other", &helper()));
    all_block(&workshop, "product-differs", policy, "bundle_id =");
    let moved = declared("helper", HELPER, &helper());
    fs::write(workshop.path("packaging/other.entitlements"), "").unwrap();
    declare(&workshop, &moved.replace("helper.ent", "other.ent"));
    all_block(&workshop, "product-differs", policy, "entitlements =");
    declare(&workshop, &declared("updater", HELPER, &helper()));
    // The one is not pinned, the other not declared.
    let gated = run(&workshop, VERBS[1]).exits(10).json();
    let differing = codes(&gated);
    let differing = differing.iter().filter(|code| *code == "product-differs");
    assert_eq!(differing.count(), 2);
    run(&workshop, VERBS[0]).exits(10);
    run(&workshop, "manifest freeze").exits(0);
    run(&workshop, VERBS[0]).exits(0);
}

#[test]
fn a_product_of_another_bundle_id_an_expired_or_an_absent_profile_blocks() {
    let workshop = workshop();
    declare(&workshop, &declared("helper", "com.acme.other", &helper()));
    let refused = run(&workshop, "manifest freeze").exits(10).json();
    assert!(
        codes(&refused)
            .iter()
            .any(|it| it == "target-bundle-mismatch")
    );
    let absent = ProfileSpec::mac(Kind::DeveloperId, "com.acme.absent");
    declare(&workshop, &declared("helper", HELPER, &absent));
    let refused = run(&workshop, "manifest freeze").exits(10).json();
    assert!(codes(&refused).iter().any(|it| it == "target-unmapped"));
    let old = helper()
        .named("Old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", old.file_name()), old.mint());
    declare(&workshop, &declared("helper", HELPER, &old));
    let refused = run(&workshop, "manifest freeze").exits(10).json();
    assert!(codes(&refused).iter().any(|it| it == "profile-expired"));
}

#[test]
fn a_manifest_that_pins_targets_too_is_not_cleared_without_their_project() {
    let workshop = workshop();
    rocket().write(&workshop.path(""));
    for spec in products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    run(&workshop, "manifest freeze --project Acme.xcodeproj").exits(0);
    let gated = run(&workshop, VERBS[1]).exits(10).json();
    assert!(codes(&gated).iter().any(|it| it == "targets-unobserved"));
    run(
        &workshop,
        "gate --without identities --project Acme.xcodeproj",
    )
    .exits(0);
    run(&workshop, "targets check").exits(2);
    let checked = run(&workshop, "targets check --project Acme.xcodeproj")
        .exits(0)
        .json();
    assert_eq!(checked["products"][0]["name"], "helper");
}

#[test]
fn of_two_certificates_the_one_whose_key_is_here_signs_the_product() {
    let [old, new] = ["2027-01-01T00:00:00Z", "2030-01-01T00:00:00Z"].map(|until| {
        let leaf = LeafSpec::new(LeafKind::DeveloperIdApplication);
        let leaf = leaf.valid("2026-01-01T00:00:00Z", until).labelled(until);
        Hierarchy::acme().developer(&leaf)
    });
    let workshop = workshop();
    let both = helper().certificates(&[old.clone(), new.clone()]);
    workshop.write(format!("profiles/{}", helper().file_name()), both.mint());
    let chosen = |at_hand: &Identity| {
        workshop.write("keys.txt", find_identity::valid(&[at_hand]));
        let checked = run(
            &workshop,
            "targets check --profiles profiles --identities keys.txt",
        );
        checked.exits(0).json()["products"][0]["certificate"].clone()
    };
    for identity in [&old, &new] {
        assert_eq!(chosen(identity), CertSha256::of(&identity.der).to_string());
    }
}

#[test]
fn the_certificate_that_a_product_is_pinned_to_is_in_its_profile_and_its_key_is_asked_for() {
    let workshop = workshop();
    run(&workshop, "manifest freeze").exits(0);
    // Another team's key is here, and not the pinned one.
    let identities = "gate --identities identities.txt";
    let gated = run(&workshop, identities).exits(10).json();
    assert!(codes(&gated).iter().any(|it| it == "identity-missing"));
    let pinned = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::DeveloperIdApplication));
    workshop.write("identities.txt", find_identity::valid(&[&pinned]));
    run(&workshop, identities).exits(0);
    let manifest = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    let (before, product) = manifest.split_once("\"products\"").unwrap();
    let certificate = CertSha256::of(&pinned.der).to_string();
    let product = product.replace(&certificate, &"0".repeat(64));
    workshop.write(
        "manifests/profiles.json",
        [before, "\"products\"", &product].concat(),
    );
    let gated = run(&workshop, identities).exits(10).json();
    let mut findings = gated["findings"].as_array().unwrap().iter();
    let found = findings
        .find(|it| it["code"] == "certificate-not-in-profile")
        .unwrap();
    assert_eq!(found["place"]["pointer"], "/products/0/certificate");
}
