//! A project that contradicts what the manifest pins for it: `xcodebuild` does what the project says.

use forge::certificate::Identity;
use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::ProfileSpec;
use forge::project::{ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop};

use crate::scene::{SPECIFIER, blocking, frozen, gate, only, rocket};

/// What `targets check` and the gate say of `project` where the manifest pins that of Acme: both the same.
fn both(workshop: &Workshop, project: &ProjectSpec, code: i32) -> [Json; 2] {
    project.write(&workshop.path(""));
    let check = against_the_manifest(workshop, "check", &["--format", "json"]);
    [check.exits(code).json(), gate(workshop).exits(code).json()]
}

fn against_the_manifest(workshop: &Workshop, verb: &str, arguments: &[&str]) -> Ran {
    let fixed = ["targets", verb, "--project", "Acme.xcodeproj"];
    workshop.run(&[&fixed[..], arguments].concat())
}

fn share(change: impl FnOnce(TargetSpec) -> TargetSpec) -> ProjectSpec {
    rocket().change("Share", change)
}

#[test]
fn a_pinned_project_that_became_automatic_blocks_at_the_style() {
    let workshop = frozen(&rocket(), &products());
    let automatic = rocket()
        .change_all(|target| target.without(SPECIFIER).without("CODE_SIGN_IDENTITY"))
        .release("CODE_SIGN_STYLE", "Automatic");
    for document in both(&workshop, &automatic, 10) {
        let told = blocking(&workshop, &document);
        assert!(!told.is_empty());
        for told in told {
            assert_eq!(
                told.code(),
                "automatic-signing-unusable",
                "{:#}",
                told.finding
            );
            assert!(
                told.line.contains("CODE_SIGN_STYLE = Automatic"),
                "{}",
                told.line
            );
        }
    }
    // What is said over the project is what builds.
    let manual = [
        "--setting",
        "CODE_SIGN_STYLE=Manual",
        "--setting",
        "CODE_SIGN_IDENTITY=Apple Distribution",
    ];
    against_the_manifest(&workshop, "check", &manual).exits(0);
    // And the export says it over the project.
    against_the_manifest(&workshop, "export", &["--as", "xcconfig"]).exits(0);
}

#[test]
fn the_policy_may_give_a_profile_to_an_automatic_project_that_is_built_with_the_export() {
    let workshop = frozen(&rocket(), &products());
    let rules = products()
        .into_iter()
        .zip(["Rocket", "Share", "Widgets", "Watch"]);
    let rules: String = rules
        .map(|(profile, target)| {
            format!(
                "\n[[targets]]\ntarget = \"{target}\"\nconfiguration = \"Release\"\nprofile = \"{}\"\n",
                profile.uuid
            )
        })
        .collect();
    let policy = format!("{}{rules}", support::workshop::POLICY);
    workshop.write("manifests/signing.toml", policy);
    let automatic = rocket()
        .change_all(|target| target.without(SPECIFIER).without("CODE_SIGN_IDENTITY"))
        .release("CODE_SIGN_STYLE", "Automatic");
    both(&workshop, &automatic, 0);
}

#[test]
fn an_identity_of_another_kind_than_the_pinned_profile_blocks_at_its_line() {
    let workshop = frozen(&rocket(), &products());
    for identity in [
        "Apple Development",
        "iPhone Developer",
        "Developer ID Application",
    ] {
        let project = share(|share| share.release("CODE_SIGN_IDENTITY", identity));
        for document in both(&workshop, &project, 10) {
            let told = blocking(&workshop, &document);
            let told = only(told, "identity-profile-conflict", "Share", identity);
            assert!(
                told.message().contains("the manifest"),
                "{}",
                told.message()
            );
        }
        against_the_manifest(&workshop, "export", &["--as", "xcargs"]).exits(0);
    }
    for identity in ["iPhone Distribution", "Apple Distribution"] {
        let project = share(|share| share.release("CODE_SIGN_IDENTITY", identity));
        both(&workshop, &project, 0);
    }
}

/// Two certificates of Acme, and its profiles, which all hold both.
fn two_certificates() -> ([Identity; 2], Vec<ProfileSpec>) {
    let leaf = |name: &str, until: &str| {
        let leaf = LeafSpec::new(LeafKind::AppleDistribution);
        Hierarchy::acme().developer(&leaf.valid("2026-01-01T00:00:00Z", until).labelled(name))
    };
    let both = [
        leaf("old", "2044-01-01T00:00:00Z"),
        leaf("new", "2045-01-01T00:00:00Z"),
    ];
    let profiles = products().into_iter();
    let profiles = profiles.map(|profile| profile.certificates(&both));
    (both.clone(), profiles.collect())
}

#[test]
fn another_certificate_of_the_pinned_profile_blocks_at_its_line() {
    let ([old, new], profiles) = two_certificates();
    let sha1 = |identity: &Identity| identity.sha1_hex().to_ascii_uppercase();
    let pinned = share(|share| share.release("CODE_SIGN_IDENTITY", &sha1(&new)));
    let workshop = frozen(&pinned, &profiles);
    let check = |project: &ProjectSpec, code: i32| {
        project.write(&workshop.path(""));
        let check = against_the_manifest(&workshop, "check", &["--format", "json"]);
        check.exits(code).json()
    };
    check(&pinned, 0);
    // What Xcode chooses by name may be the pinned one.
    check(&rocket(), 0);
    let other = share(|share| share.release("CODE_SIGN_IDENTITY", &sha1(&old)));
    let told = blocking(&workshop, &check(&other, 10));
    let told = only(told, "identity-profile-conflict", "Share", &sha1(&old));
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(
        hint.contains(&new.sha1_hex().to_ascii_lowercase()),
        "{hint}"
    );
}
