//! A directory in which the built program runs: a policy that believes Acme's authority, Acme's profiles, a captured
//! `find-identity`; and an environment in which nothing stands but a home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign::context::manifest::{Content, Manifest};
use serde_json::Value as Json;

use crate::machine::WAIVING;
use crate::start;

use forge::find_identity;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};

/// The words of a gate with the captured identities and without targets.
pub const GATE: [&str; 5] = [
    "gate",
    "--identities",
    "identities.txt",
    "--without",
    "targets",
];

/// The policy of every workshop, unless a test writes another.
pub const POLICY: &str = "version = 1\n\n[profiles]\ndirectories = [\"../profiles\"]\ntrust_anchors = [\"../anchors.pem\"]\n";

/// A directory for one test, gone afterwards.
pub struct Workshop {
    directory: tempfile::TempDir,
}

/// What became of one run.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Ended with this code; shows everything if not.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.out, self.err
        );
        self
    }

    /// Standard output as JSON; a document of ours keeps to its schema.
    #[track_caller]
    pub fn json(&self) -> Json {
        document(&self.out)
    }

    /// Standard error as JSON, likewise.
    #[track_caller]
    pub fn error_json(&self) -> Json {
        document(&self.err)
    }

    /// Both streams, with runs of white space as one blank: sentences are found wherever they were wrapped.
    pub fn text(&self) -> String {
        let both = format!("{} {}", self.out, self.err);
        both.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Says each of these somewhere.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let text = self.text();
        for part in parts {
            assert!(
                text.contains(part),
                "nothing of {part:?} in:\n{}\n{}",
                self.out,
                self.err
            );
        }
        self
    }
}

#[track_caller]
fn document(text: &str) -> Json {
    let document = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    crate::schema::holds_if_ours(&document);
    document
}

/// The codes of the findings of a JSON document.
pub fn codes(document: &Json) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

impl Workshop {
    /// A workshop with a policy and no profiles.
    pub fn new() -> Self {
        let workshop = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for folder in ["home", "manifests", "profiles"] {
            fs::create_dir(workshop.path(folder)).unwrap();
        }
        workshop.write("manifests/signing.toml", POLICY);
        workshop.write("anchors.pem", Hierarchy::acme().anchors_pem());
        let distribution = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution));
        workshop.write("identities.txt", find_identity::valid(&[&distribution]));
        workshop
    }

    /// With Acme's three distribution profiles installed.
    pub fn stocked() -> Self {
        let workshop = Self::new();
        for spec in stock() {
            workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
        }
        workshop
    }

    /// The same, frozen.
    pub fn frozen() -> Self {
        let workshop = Self::stocked();
        workshop.run(&["manifest", "freeze"]).exits(0);
        workshop
    }

    /// Lets the policy allow to waive everything that can be waived, also for a run.
    pub fn allow_waivers(&self) {
        let policy = fs::read_to_string(self.path("manifests/signing.toml")).unwrap();
        let gate = WAIVING.strip_prefix("version = 1\n").unwrap();
        self.write("manifests/signing.toml", policy + gate);
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Reads a file.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The files in a folder, by name.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The program, about to run here with an environment of its own.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = start::countersign(&self.path("home"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Ran {
        ran(&mut self.command(arguments))
    }

    /// Changes what the manifest says, and writes it as freezing would write that.
    pub fn edit_manifest(&self, edit: impl FnOnce(&mut Content)) {
        let manifest = Manifest::parse(&self.read("manifests/profiles.json")).unwrap();
        let mut content = manifest.content().clone();
        edit(&mut content);
        self.write("manifests/profiles.json", content.to_bytes());
    }

    /// Runs the gate with the captured identities and without targets, and these arguments.
    pub fn gate(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.gate_command(arguments))
    }

    /// What [`Workshop::gate`] runs.
    pub fn gate_command(&self, arguments: &[&str]) -> Command {
        self.command(&[&GATE, arguments].concat())
    }
}

/// Makes a pipe by name. By the tool: the system call is not to be had on macOS without C.
pub fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What a stocked workshop has installed: each for the one distribution certificate.
pub fn stock() -> Vec<ProfileSpec> {
    vec![
        ProfileSpec::ios(Kind::AppStore, "com.acme.rocket"),
        ProfileSpec::ios(Kind::AppStore, "com.acme.rocket.widgets"),
        ProfileSpec::mac(Kind::AppStore, "com.acme.rocket"),
    ]
}
