//! The example that the README walks through: Acme's policy, manifest, profiles, identity and project, as committed,
//! pass the gate from the project's root on any machine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::path::{Path, PathBuf};
use std::process::Output;

use support::start;

/// Runs the program at `root` with an empty environment.
fn countersign(root: &Path, home: &Path, arguments: &[&str]) -> Output {
    start::countersign(home)
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const GATE: [&str; 9] = [
    "gate",
    "--host",
    "signer-01.acme.example",
    "--identities",
    "fixtures/acme/distribution.p12",
    "--password-file",
    "fixtures/acme/distribution.p12.password",
    "--project",
    "fixtures/acme/Acme.xcodeproj",
];

#[test]
fn the_example_passes_the_gate() {
    let home = tempfile::tempdir().unwrap();
    let output = countersign(&root(), home.path(), &GATE);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_example_s_host_is_not_just_any_host() {
    let home = tempfile::tempdir().unwrap();
    let mut gate = GATE;
    gate[2] = "builder-07.acme.example";
    let output = countersign(&root(), home.path(), &gate);
    assert_eq!(output.status.code(), Some(10));
    assert!(String::from_utf8_lossy(&output.stdout).contains("host-not-allowed"));
}

/// Freezing again gives the committed bytes: the manifest belongs to the fixtures.
#[test]
fn the_example_s_manifest_is_what_freeze_writes() {
    let home = tempfile::tempdir().unwrap();
    let committed = std::fs::read(root().join("manifests/profiles.json")).unwrap();
    let manifest = home.path().join("profiles.json");
    let freeze = [
        "manifest",
        "freeze",
        "fixtures/acme/profiles",
        "--project",
        "fixtures/acme/Acme.xcodeproj",
        "-o",
        manifest.to_str().unwrap(),
    ];
    let output = countersign(&root(), home.path(), &freeze);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut frozen: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&committed).unwrap();
    // The revision counts how often the content changed since the first freeze; a fresh one begins at the first.
    frozen["revision"] = expected["revision"].clone();
    assert_eq!(frozen, expected, "run scripts/make-fixtures");
}
