//! Acme's signer, rehearsed in a directory of its own: the bundled policy, manifest, profiles and project, and a portable
//! keychain that holds the bundled identity. A run here is judged whole: nothing is waived.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use support::workshop::{Ran, ran};
use support::{copy_folder, start};

/// The policy of every signer, unless a test writes another.
pub(crate) const POLICY: &str = "version = 1\n[profiles]\ndirectories = [\"../profiles\"]\n\
     trust_anchors = [\"../anchors.pem\"]\n[keychain]\npath = \"../ci.p12\"\n";

/// A directory with everything that a job of Acme's needs.
pub(crate) struct Signer {
    directory: tempfile::TempDir,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let signer = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        copy_folder(&support::root().join("fixtures/acme"), &signer.path(""));
        for folder in ["home", "manifests"] {
            fs::create_dir(signer.path(folder)).unwrap();
        }
        let manifest = support::root().join("manifests/profiles.json");
        fs::copy(manifest, signer.path("manifests/profiles.json")).unwrap();
        signer.write("manifests/signing.toml", POLICY);
        signer.call(&["keychain", "create"]).exits(0);
        let import = [
            "keychain",
            "import",
            "distribution.p12",
            "--password-file",
            "distribution.p12.password",
        ];
        signer.call(&import).exits(0);
        signer
    }

    /// A path in it.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The program with these words, about to run here.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = start::countersign(&self.path("home"));
        command
            .args(["--state-dir", "state"])
            .args(words)
            .current_dir(self.directory.path())
            .env("PATH", start::PATH)
            .stdin(Stdio::null());
        command
    }

    /// Calls the program.
    pub(crate) fn call(&self, words: &[&str]) -> Ran {
        ran(&mut self.command(words))
    }

    /// The gate on everything, with these flags.
    pub(crate) fn gate(&self, flags: &[&str]) -> Ran {
        let gate = [
            "gate",
            "--project",
            "Acme.xcodeproj",
            "--keychain",
            "ci.p12",
        ];
        self.call(&[&gate, flags].concat())
    }

    /// `run` on everything, with these flags, up to and with `--`.
    pub(crate) fn run_with(&self, flags: &[&str]) -> Command {
        let run = ["run", "--project", "Acme.xcodeproj"];
        self.command(&[&run, flags, &["--"]].concat())
    }

    /// The receipt of the run that recorded last.
    pub(crate) fn receipt(&self) -> Json {
        let records = self.log();
        let run = records
            .iter()
            .rev()
            .find_map(|record| record["run"].as_str());
        let path = self.path(format!("state/receipts/{}.json", run.unwrap()));
        let receipt = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        support::schema::holds_if_ours(&receipt);
        receipt
    }

    /// The records of an action, oldest first.
    pub(crate) fn records(&self, action: &str) -> Vec<Json> {
        let mut records = self.log();
        records.retain(|record| record["what"] == action);
        records
    }

    /// As [`Signer::records`], also while the log is not there yet or somebody writes to it.
    pub(crate) fn records_if_any(&self, action: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default();
        let word = format!("\"what\":\"{action}\"");
        let lines = log.lines().filter(|line| line.contains(&word));
        lines.map(str::to_owned).collect()
    }

    fn log(&self) -> Vec<Json> {
        let log = fs::read_to_string(self.path("state/audit.jsonl")).unwrap();
        log.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// No keychain was ever opened here.
    #[track_caller]
    pub(crate) fn was_never_opened(&self) {
        let opened = self.records("keychain-unlock");
        assert!(opened.is_empty(), "{opened:#?}");
        let keychains = fs::read_dir(self.path("state/open"));
        for keychain in keychains.into_iter().flatten() {
            let shown = fs::read_dir(keychain.unwrap().path()).unwrap();
            assert_eq!(shown.count(), 0);
        }
    }
}

/// The codes that a report in JSON holds.
pub(crate) fn codes(report: &Json) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}
