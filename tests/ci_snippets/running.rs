//! The steps run: what is reviewed goes through, what is not is stopped, and a git that fails ends the step.

use std::fs;

use crate::site::{SECRET, Site};
use crate::snippet::{Purpose, Step, steps, steps_for};

/// A site for a step: Bitrise's makes its own keychain.
fn site_for(step: &Step) -> Site {
    let makes_keychain = step.script.contains("keychain create");
    let is_archive = step.purpose() == Purpose::Archive;
    let site = match is_archive && !makes_keychain {
        true => Site::with_keychain(),
        false => Site::new(),
    };
    if step.file == "xcode-cloud/ci_pre_xcodebuild.sh" {
        let all = steps();
        let before = all.iter().find(|step| step.purpose() == Purpose::Install);
        site.run(before.unwrap()).exits(0);
    }
    site
}

#[test]
fn a_pull_request_that_leaves_the_pins_alone_is_cleared() {
    for step in steps_for(Purpose::PullRequest) {
        let site = site_for(&step);
        site.run(&step).exits(0).says(&["cleared", "identities"]);
        let calls = site.calls();
        assert!(
            calls.contains("cargo install --locked --git https://"),
            "{calls}"
        );
        assert!(!calls.contains("xcodebuild"), "{calls}");
    }
}

#[test]
fn a_pull_request_that_changes_a_pin_or_the_project_is_blocked() {
    for step in steps_for(Purpose::PullRequest) {
        let site = site_for(&step);
        let policy = "manifests/signing.toml";
        site.change(policy, "version = 1", "version  = 1");
        site.run(&step).exits(10).says(&["policy-digest-mismatch"]);
        site.git(&site.path("clone"), "checkout -q .");

        site.change(
            "manifests/profiles.json",
            "\"revision\": 1",
            "\"revision\": 9",
        );
        site.run(&step)
            .exits(10)
            .says(&["manifest-digest-mismatch"]);
        site.git(&site.path("clone"), "checkout -q .");

        let project = "fixtures/acme/Acme.xcodeproj/project.pbxproj";
        site.change(project, "com.acme.rocket.share", "com.acme.rocket.stolen");
        site.run(&step)
            .exits(10)
            .says(&["com.acme.rocket.stolen", "target-bundle-mismatch"]);
    }
}

#[test]
fn a_scheduled_job_fails_when_a_rotation_must_begin() {
    for step in steps_for(Purpose::Rotation) {
        let site = site_for(&step);
        site.run(&step).exits(0);
        // More than thirty years ahead, everything that is pinned today must be renewed.
        let sooner = step.script.replace("--due 30d", "--due 12000d");
        let sooner = Step {
            script: sooner,
            file: step.file.clone(),
        };
        site.run(&sooner)
            .exits(10)
            .says(&["successor-missing", "begun by"]);
    }
}

#[test]
fn an_archive_is_made_with_the_planned_profiles_and_leaves_a_receipt() {
    for step in steps_for(Purpose::Archive) {
        let site = site_for(&step);
        site.run(&step).exits(0).says(&["archived"]);
        let calls = site.calls();
        let archive = "xcodebuild archive -project fixtures/acme/Acme.xcodeproj -scheme Acme -xcconfig build/signing.xcconfig";
        assert!(calls.contains(archive), "{}: {calls}", step.file);
        let settings = fs::read_to_string(site.checkout("build/signing.xcconfig")).unwrap();
        assert!(
            settings.contains("PROVISIONING_PROFILE_SPECIFIER"),
            "{settings}"
        );
        let receipt = fs::read(site.checkout("build/receipt.json")).unwrap();
        let receipt: serde_json::Value = serde_json::from_slice(&receipt).unwrap();
        assert_eq!(receipt["exit"], 0, "{}", step.file);
        assert!(!calls.contains(SECRET), "{}: {calls}", step.file);
    }
}

#[test]
fn an_archive_by_another_policy_or_manifest_is_not_begun() {
    for step in steps_for(Purpose::Archive) {
        for (file, from, to, code) in [
            (
                "manifests/signing.toml",
                "version = 1",
                "version = 1 ",
                "policy-digest-mismatch",
            ),
            (
                "manifests/profiles.json",
                "\"revision\": 1",
                "\"revision\": 9",
                "manifest-digest-mismatch",
            ),
        ] {
            let site = site_for(&step);
            site.change(file, from, to);
            site.run(&step).exits(10).says(&[code]);
            assert!(!site.calls().contains("xcodebuild"), "{}", step.file);
            assert!(
                site.checkout("build/receipt.json").exists(),
                "{}",
                step.file
            );
        }
    }
}

#[test]
fn a_git_that_fails_ends_the_step_before_the_gate() {
    for step in steps().iter().filter(|step| step.asks_the_gate()) {
        let site = site_for(step);
        // The protected branch holds no manifest yet.
        site.git(&site.path("origin"), "checkout -q main");
        site.git(&site.path("origin"), "rm -q manifests/profiles.json");
        site.git(&site.path("origin"), "commit -q -m none");
        let ran = site.run(step).exits(128);
        assert!(
            !ran.text().contains("cleared") && !ran.text().contains("BLOCKED"),
            "{ran:?}"
        );
        // There is no such repository any more.
        fs::rename(site.path("origin"), site.path("moved")).unwrap();
        site.run(step).exits(128);
        assert!(!site.calls().contains("xcodebuild"), "{}", step.file);
    }
}

#[test]
fn xcode_cloud_gates_the_archive_alone() {
    let all = steps();
    let step = all
        .iter()
        .find(|step| step.file == "xcode-cloud/ci_pre_xcodebuild.sh");
    let step = step.unwrap();
    let script = format!(
        "export CI_XCODEBUILD_ACTION=test-without-building\n{}",
        step.script
    );
    let site = Site::new();
    let tests = Step {
        file: step.file.clone(),
        script,
    };
    let ran = site.run(&tests).exits(0);
    assert_eq!(ran.text().trim(), "", "nothing was gated");
}
