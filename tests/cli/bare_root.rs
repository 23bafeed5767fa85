//! From nothing to a gate where there is nothing: an environment that names a home directory which does not exist, and no other file
//! than the program, a project and its profiles.
//!
//! The same claims hold of the built program in an empty environment, and of the static program for Linux in an empty root
//! (`unshare -r chroot`). The latter takes minutes to build: `scripts/static` builds it, and names it to this test in
//! `STATIC_PROGRAM`.

use std::fs;
use std::path::PathBuf;

use forge::fixtures::{products, project};
use forge::hierarchy::Hierarchy;
use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, codes, ran};

const POLICY: &str = "manifests/signing.toml";
const MANIFEST: &str = "manifests/profiles.json";

/// A root with Acme's project, or a folder that would be one.
struct Bare {
    root: tempfile::TempDir,
    /// Whether the static program runs inside of it; else the built one runs with it as its working directory.
    is_root: bool,
}

impl Bare {
    fn new(program: Option<&PathBuf>) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".github")).unwrap();
        project().write(root.path());
        if let Some(program) = program {
            fs::copy(program, root.path().join("countersign")).unwrap();
        }
        Self {
            root,
            is_root: program.is_some(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = match self.is_root {
            true => start::command("unshare", self.root.path()),
            false => start::countersign(self.root.path()),
        };
        command.current_dir(self.root.path());
        command.env(
            "HOME",
            match self.is_root {
                true => PathBuf::from("/home"),
                false => self.path("home"),
            },
        );
        if self.is_root {
            command.env("PATH", start::PATH).args(["-r", "chroot"]);
            command.arg(self.root.path()).arg("/countersign");
        }
        ran(command.args(words))
    }

    fn json(&self, words: &[&str], code: i32) -> Json {
        let words = [words, &["--format", "json"]].concat();
        self.run(&words).exits(code).json()
    }
}

fn blocking(document: &Json) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap().iter();
    let blocking = findings.filter(|it| it["severity"] == "block");
    blocking
        .map(|it| it["code"].as_str().unwrap().to_owned())
        .collect()
}

/// With no profile at hand, what each target needs is told, and there is a policy and a workflow, and no manifest.
fn tells_what_is_needed(program: Option<&PathBuf>) {
    let bare = Bare::new(program);
    let document = bare.json(&["init", "--yes"], 10);
    assert_eq!(codes(&document), ["target-unmapped"]);
    let targets = document["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 4);
    for target in targets {
        let needed = format!(
            "a profile for {}, team ACME4CI001",
            target["bundle_id"].as_str().unwrap()
        );
        assert!(
            target["missing"].as_str().unwrap().starts_with(&needed),
            "{target:#}"
        );
    }
    assert!(bare.path(POLICY).exists() && bare.path(".github/workflows/countersign.yml").exists());
    assert!(!bare.path(MANIFEST).exists());
    let policy = fs::read_to_string(bare.path(POLICY)).unwrap();
    assert!(policy.contains("# Each runner has its own keys. Hosted runners cannot be named"));
    assert!(policy.contains("kind = \"per-runner\""), "{policy}");
}

/// With its profiles, the gate misses nothing but the identities, and clears without them.
fn misses_nothing_but_the_identities(program: Option<&PathBuf>) {
    let bare = Bare::new(program);
    fs::create_dir(bare.path("profiles")).unwrap();
    for spec in products() {
        fs::write(bare.path("profiles").join(spec.file_name()), spec.mint()).unwrap();
    }
    // Acme's authority is none of Apple's, so the policy that init writes is told of it.
    bare.run(&["init", "--yes"]).exits(10);
    fs::write(bare.path("anchors.pem"), Hierarchy::acme().anchors_pem()).unwrap();
    let policy = fs::read_to_string(bare.path(POLICY)).unwrap();
    let anchored = policy.replace("trust_anchors = []", "trust_anchors = [\"../anchors.pem\"]");
    fs::write(bare.path(POLICY), &anchored).unwrap();
    // And where the profiles lie, which it could not prove before: until then the gate does not find them, and init says so.
    let told = bare.json(&["init", "--yes"], 10);
    assert_eq!(blocking(&told), ["profile-missing"; 4], "{told:#}");
    let found = fs::read_to_string(bare.path("manifests/signing.toml.new")).unwrap();
    let line = "directories = [\"../profiles\"]";
    assert!(found.contains(line), "{found}");
    fs::write(
        bare.path(POLICY),
        anchored.replace("directories = []", line),
    )
    .unwrap();

    let gate = bare.json(&["gate"], 10);
    assert_eq!(blocking(&gate), ["identities-unobserved"]);
    assert_eq!(gate["found_project"], "Acme.xcodeproj");
    let waived = bare.json(&["gate", "--without", "identities"], 0);
    assert_eq!(waived["verdict"], "cleared");
    assert_eq!(waived["waived"], serde_json::json!(["identities"]));
}

#[test]
fn in_an_empty_environment_init_tells_what_each_target_needs() {
    tells_what_is_needed(None);
}

#[test]
fn in_an_empty_environment_the_gate_misses_nothing_but_the_identities() {
    misses_nothing_but_the_identities(None);
}

#[test]
fn without_a_home_directory_init_looks_into_the_repository_and_says_so() {
    let bare = Bare::new(None);
    let mut command = start::countersign(bare.root.path());
    command.env_remove("HOME").current_dir(bare.root.path());
    ran(command.arg("init")).exits(10).says(&[
        "the home directory is unknown, so Xcode's directories of profiles are not looked into",
        "no profile is at hand",
    ]);
}

/// The static program, where it is built and this machine lets us enter a root.
fn static_program() -> Option<PathBuf> {
    let Some(program) = std::env::var_os("STATIC_PROGRAM").map(PathBuf::from) else {
        eprintln!("skipped: STATIC_PROGRAM names no static program (scripts/static builds one)");
        return None;
    };
    let bare = Bare::new(Some(&program));
    let ran = bare.run(&["--version"]);
    if ran.code != 0 {
        eprintln!(
            "skipped: this machine lets nobody enter an empty root: {}",
            ran.err.trim()
        );
        return None;
    }
    Some(program)
}

#[test]
fn in_an_empty_root_the_static_program_does_the_same() {
    if let Some(program) = static_program() {
        tells_what_is_needed(Some(&program));
        misses_nothing_but_the_identities(Some(&program));
    }
}
