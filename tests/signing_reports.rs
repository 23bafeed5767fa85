//! Signing failures as people reported them: what `targets check` must say of each, and what it must not.
//!
//! The inputs are not ours and lie beside the repository; where they are absent, this test says so and passes. Each kind also
//! has a test of its own in `tests/targets`, whose inputs the test builds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::start;
use support::workshop::ran;

/// A report, and the finding that must come out: its code, its severity, and what its message, place or hint holds.
struct Reported {
    folder: &'static str,
    code: &'static str,
    severity: &'static str,
    says: &'static [&'static str],
    /// Codes that must not block beside it.
    never: &'static [&'static str],
}

const fn reported(
    folder: &'static str,
    severity: &'static str,
    code: &'static str,
    says: &'static [&'static str],
) -> Reported {
    Reported {
        folder,
        code,
        severity,
        says,
        never: &[],
    }
}

const REPORTED: &[Reported] = &[
    reported(
        "01-framework-gets-specifier",
        "block",
        "specifier-not-supported",
        &["Kit", "PROVISIONING_PROFILE_SPECIFIER"],
    ),
    reported(
        "02-automatic-with-distribution-identity",
        "block",
        "identity-style-conflict",
        &["Apple Distribution"],
    ),
    reported(
        "03-no-development-team",
        "block",
        "development-team-missing",
        &["Share", "ABCDE12345"],
    ),
    reported(
        "05-xcode-managed-profile",
        "block",
        "profile-xcode-managed",
        &["managed by Xcode"],
    ),
    reported(
        "06-extension-id-not-prefixed",
        "block",
        "bundle-id-not-prefixed",
        &["com.customer.app"],
    ),
    Reported {
        never: &[
            "target-unmapped",
            "target-bundle-mismatch",
            "target-kind-mismatch",
        ],
        ..reported(
            "17-unsigned-ci-build",
            "info",
            "target-unsigned",
            &["not signed"],
        )
    },
    reported(
        "18-expired-profile-exported",
        "warn",
        "profile-expired",
        &["expired"],
    ),
    reported(
        "23-get-task-allow-release",
        "block",
        "entitlement-not-granted",
        &["debugger"],
    ),
    reported(
        "24-tvos-with-ios-profile",
        "block",
        "target-platform-mismatch",
        &["iOS", "tvos"],
    ),
    reported(
        "26-developer-id-keychain-group-no-profile",
        "block",
        "target-unmapped",
        &["keychain-access-groups"],
    ),
    reported(
        "29-mac-group-without-profile",
        "warn",
        "app-group-not-provisioned",
        &["group.com.example.app"],
    ),
    reported(
        "R-E6-all-automatic-no-identity",
        "block",
        "automatic-signing-unusable",
        &["automatic"],
    ),
    reported(
        "R-M1-mac-ios-style-app-group",
        "warn",
        "app-group-not-provisioned",
        &["group."],
    ),
];

fn reports() -> Option<PathBuf> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/reports"
    ));
    if root.is_dir() {
        return Some(root.to_owned());
    }
    eprintln!("skipped: {} is not here", root.display());
    None
}

/// What `targets check` says of the report in `folder`: its exit code and its document.
fn check(folder: &Path) -> (i32, Json) {
    let (code, text, errors) = targets(folder, &["check", "--format", "json"]);
    let document =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
    (code, document)
}

/// Runs a `targets` command on the Release configuration of the report in `folder`.
fn targets(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let project = std::fs::read_dir(folder).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.ends_with(".xcodeproj").then_some(name)
    });
    let home = tempfile::tempdir().unwrap();
    let mut command = start::countersign(home.path());
    for policy in ["signing.toml", "pol.toml"] {
        if folder.join(policy).is_file() {
            command.args(["--policy", policy]);
        }
    }
    let profiles = match folder.join("profiles").is_dir() {
        true => folder.join("profiles"),
        false => home.path().to_owned(),
    };
    let ran = ran(command
        .arg("--profiles")
        .arg(profiles)
        .arg("targets")
        .args(words)
        .args(["--configuration", "Release", "--project"])
        .arg(project.unwrap())
        .current_dir(folder));
    (ran.code, ran.out, ran.err)
}

#[test]
fn each_report_is_told_as_what_it_is() {
    let Some(reports) = reports() else {
        return;
    };
    for it in REPORTED {
        let (code, document) = check(&reports.join(it.folder));
        let findings = document["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["code"] == it.code);
        let found = found.unwrap_or_else(|| panic!("{}: {document:#}", it.folder));
        assert_eq!(found["severity"], it.severity, "{}: {found:#}", it.folder);
        for part in it.says {
            assert!(
                found.to_string().contains(part),
                "{}: no {part} in {found:#}",
                it.folder
            );
        }
        if it.severity == "block" {
            assert_eq!(code, 10, "{}", it.folder);
        }
        if it.code == "target-unsigned" {
            assert_eq!((code, &document["verdict"]), (0, &"unsigned".into()));
        }
        for finding in findings
            .iter()
            .filter(|finding| finding["severity"] == "block")
        {
            let code = finding["code"].as_str().unwrap();
            assert!(!it.never.contains(&code), "{}: {finding:#}", it.folder);
        }
    }
}

#[test]
fn what_has_expired_is_not_exported() {
    let Some(reports) = reports() else {
        return;
    };
    let folder = reports.join("18-expired-profile-exported");
    for form in ["xcargs", "xcconfig", "export-options", "json"] {
        let (code, text, errors) = targets(&folder, &["export", "--as", form]);
        assert_eq!((code, text.as_str()), (10, ""), "{errors}");
        assert!(errors.contains("profile-expired"), "{errors}");
    }
}
