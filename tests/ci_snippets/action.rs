//! What `action.yml` does: installs only what is verified, and runs the gate.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use support::workshop::{Ran, ran};
use support::{root, start};

use crate::packaging::{packed, script};
use crate::site::Site;

/// GitHub's program: it downloads from a folder, and its verdict on an attestation is given.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >>"$CALLS"
case $1 in
  release)
    while [ $# -gt 1 ]; do [ "$1" = --dir ] && cp "$RELEASE"/* "$2"; shift; done ;;
  attestation) exit "$ATTESTED" ;;
esac
"#;

/// A release whose program says that it ran.
struct Release {
    work: tempfile::TempDir,
    folder: PathBuf,
}

impl Release {
    fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        let program = "#!/bin/sh\necho ran >>\"$CALLS\"\necho countersign 0.9.9\n";
        let folder = packed(work.path(), program);
        let gh = work.path().join("gh");
        fs::write(&gh, GH).unwrap();
        fs::set_permissions(gh, fs::Permissions::from_mode(0o755)).unwrap();
        Self { work, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn installed(&self, version: &str, attested: &str) -> Ran {
        let mut install = script("install", self.work.path());
        let path = format!("{}:{}", self.work.path().display(), start::PATH);
        install
            .arg(version)
            .arg(self.path("bin"))
            .env("PATH", path)
            .env("CALLS", self.path("calls"))
            .env("RELEASE", &self.folder)
            .env("ATTESTED", attested);
        ran(&mut install)
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    /// Nothing of it ran, and nothing is there to run.
    fn left_nothing(&self) {
        assert!(!self.calls().contains("ran"), "{}", self.calls());
        assert!(!self.path("bin/countersign").exists());
    }
}

#[test]
fn a_release_with_checksum_and_attestation_is_installed() {
    let release = Release::new();
    release
        .installed("0.9.9", "0")
        .exits(0)
        .says(&["countersign 0.9.9"]);
    assert!(release.path("bin/countersign").exists());
    let calls = release.calls();
    let place = |word: &str| calls.lines().position(|line| line.contains(word)).unwrap();
    let verify = calls.lines().nth(place("attestation")).unwrap();
    for part in [
        "--signer-workflow",
        ".github/workflows/release.yml",
        "--source-ref refs/tags/v0.9.9",
    ] {
        assert!(verify.contains(part), "{verify}");
    }
    assert!(place("attestation") < place("ran"), "{calls}");
}

#[test]
fn an_archive_with_another_checksum_does_not_run() {
    let release = Release::new();
    for entry in fs::read_dir(&release.folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut bytes = fs::read(&path).unwrap();
            bytes.push(0);
            fs::write(&path, bytes).unwrap();
        }
    }
    release
        .installed("0.9.9", "0")
        .exits(1)
        .says(&["checksum", "nothing of it was run"]);
    release.left_nothing();
}

#[test]
fn an_archive_whose_checksum_is_not_listed_once_does_not_run() {
    let release = Release::new();
    let sums = release.folder.join("SHA256SUMS");
    let listed = fs::read_to_string(&sums).unwrap();
    for other in [
        String::new(),
        listed.repeat(2),
        listed.replace("countersign", "other"),
    ] {
        fs::write(&sums, other).unwrap();
        release.installed("0.9.9", "0").exits(1).says(&["checksum"]);
        release.left_nothing();
    }
}

#[test]
fn an_archive_that_nobody_attests_does_not_run() {
    let release = Release::new();
    release
        .installed("0.9.9", "1")
        .exits(1)
        .says(&["nothing proves", "nothing of it was run"]);
    release.left_nothing();
}

#[test]
fn a_version_is_three_numbers() {
    let release = Release::new();
    for bad in [
        "v0.9.9",
        "0.9",
        "latest",
        "../../evil",
        "0.9.9 --repo evil/evil",
    ] {
        release
            .installed(bad, "0")
            .exits(2)
            .says(&["three numbers"]);
    }
    assert_eq!(release.calls(), "");
}

/// Runs the gate as the action does.
fn gate(site: &Site, variables: &[(&str, &str)]) -> Ran {
    let mut gate = site.command(&root().join("packaging/gate"));
    let program = support::program();
    let programs = program.parent().unwrap();
    let path = format!("{}:{}", programs.display(), start::PATH);
    gate.env("PATH", path)
        .env("RECEIPTS", site.path("receipts"))
        .env_remove("SCHEME")
        .envs(variables.iter().copied());
    ran(&mut gate)
}

fn has(site: &Site, name: &str) -> bool {
    site.path("receipts").join(name).exists()
}

#[test]
fn the_action_gives_a_verdict_and_leaves_its_envelope() {
    let site = Site::new();
    let policy = ("POLICY", "manifests/signing.toml");
    let without = ("WITHOUT", "identities");
    gate(&site, &[policy, without]).exits(0);
    assert!(has(&site, "envelope.json"));
    gate(&site, &[policy])
        .exits(10)
        .says(&["identities-unobserved"]);
    gate(&site, &[policy, without]).exits(0);
    site.change(policy.1, "version = 1", "version  = 1");
    gate(&site, &[policy, without])
        .exits(10)
        .says(&["policy-digest-mismatch"]);
    assert!(!has(&site, "envelope.json"), "that of the earlier verdict");
    gate(&site, &[policy, without, ("PINNED_REF", "nowhere")]).exits(128);
}

#[test]
fn the_action_runs_a_command_with_the_keychain_open_and_leaves_a_receipt() {
    let site = Site::with_keychain();
    let command = "echo \"revision $COUNTERSIGN_RUN_REVISION\"\nfalse | true\necho not reached";
    let ran = gate(&site, &[("COMMAND", command)])
        .exits(1)
        .says(&["revision 1"]);
    assert!(!ran.out.contains("not reached"), "it ends where it fails");
    assert!(has(&site, "receipt.json"));
}
