//! One door: a value that a constructor would refuse cannot come in through serde either.
//!
//! Journals, watchdog messages, manifests and records are files that somebody may have written over. What is read from
//! them must have passed the same check as what a person types.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::path::{Path, PathBuf};

use countersign::base::digest::Digest;
use countersign::base::ids::{
    BundleId, BundlePattern, CertSha1, CertSha256, ConfigurationName, FileSha256, HostName,
    ProfileUuid, RegionName, TargetName, TeamId,
};
use countersign::host::keychain::{Backends, KeychainPath};
use countersign::host::process::ProcessGroup;
use countersign::host::run_id::RunId;
use countersign::host::state_dir::StateDir;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Holds what a constructor says of a text against what serde says of it.
fn both_doors<T: DeserializeOwned>(
    name: &str,
    construct: impl Fn(&str) -> bool,
    accepted: &str,
    refused: &[&str],
) {
    let through_serde = |text: &str| serde_json::from_value::<T>(json!(text)).is_ok();
    assert!(construct(accepted), "{name} is made of {accepted:?}");
    assert!(through_serde(accepted), "{name} is read from {accepted:?}");
    for text in refused {
        assert!(!construct(text), "{name} is not made of {text:?}");
        assert!(!through_serde(text), "{name} is not read from {text:?}");
    }
}

fn parses<T: std::str::FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

#[test]
fn a_text_that_the_constructor_refuses_is_refused_by_serde() {
    let control = "a\nb";
    let long = "x".repeat(300);
    both_doors::<TeamId>("TeamId", parses::<TeamId>, "QMQYCKL255", &["", "A B", "Ä"]);
    both_doors::<BundleId>(
        "BundleId",
        parses::<BundleId>,
        "com.example.app",
        &["", "com.example.*", "a b", &long],
    );
    both_doors::<BundlePattern>(
        "BundlePattern",
        parses::<BundlePattern>,
        "com.example.*",
        &["", "com.*.app", "a b"],
    );
    both_doors::<TargetName>(
        "TargetName",
        parses::<TargetName>,
        "App",
        &["", control, &long],
    );
    both_doors::<ConfigurationName>(
        "ConfigurationName",
        parses::<ConfigurationName>,
        "Release",
        &["", control, &long],
    );
    both_doors::<HostName>(
        "HostName",
        parses::<HostName>,
        "signer-01",
        &["", "a b", &long],
    );
    both_doors::<RegionName>(
        "RegionName",
        parses::<RegionName>,
        "us-east",
        &["", "a/b", &long],
    );
    let uuid = "026760ef-f2cd-4ba8-bf44-a3697149965e";
    both_doors::<ProfileUuid>(
        "ProfileUuid",
        parses::<ProfileUuid>,
        uuid,
        &["", "../../etc/passwd"],
    );
    let (sha1, sha256) = ("0a".repeat(20), "0a".repeat(32));
    both_doors::<CertSha1>("CertSha1", parses::<CertSha1>, &sha1, &["", &sha256, "0a0"]);
    both_doors::<CertSha256>("CertSha256", parses::<CertSha256>, &sha256, &["", &sha1]);
    both_doors::<FileSha256>("FileSha256", parses::<FileSha256>, &sha256, &["", &sha1]);
    both_doors::<Digest>(
        "Digest",
        parses::<Digest>,
        &format!("sha256:{sha256}"),
        &["", "sha256:00"],
    );
    both_doors::<RunId>(
        "RunId",
        parses::<RunId>,
        "20260301T120000Z-9f86d081884c7d65",
        &["", "..", "20260301T120000Z-9f86d081884c7d6/"],
    );
    both_doors::<KeychainPath>(
        "KeychainPath",
        |text| KeychainPath::new(Path::new(text)).is_ok(),
        "/nowhere/ci.p12",
        &[
            "",
            "ci.p12",
            "login.keychain-db",
            "/nowhere/login.keychain-db",
            "/Library/Keychains/System.keychain",
            "/nowhere/../ci.p12",
            "/nowhere/a\"b.p12",
        ],
    );
    both_doors::<StateDir>(
        "StateDir",
        |text| StateDir::new(text).is_ok(),
        "/nowhere/state",
        &["", "state", "../state"],
    );
}

#[test]
fn backends_are_made_of_absolute_paths_and_a_login_name() {
    let made = |tools: Option<&str>, home: &str, user: &str| {
        Backends::new(Path::new(home), user, tools.map(PathBuf::from)).is_ok()
    };
    assert!(made(None, "/Users/ci", "ci"));
    assert!(made(Some("/opt/tools"), "/Users/ci", "ci"));
    assert!(!made(Some("tools"), "/Users/ci", "ci"), "relative tools");
    assert!(!made(None, "home", "ci"), "a relative home");
    assert!(!made(None, "/Users/ci", ""), "no user");
    assert!(!made(None, "/Users/ci", "a\nb"), "a user of two lines");
}

#[test]
fn a_process_group_that_means_other_processes_is_not_read() {
    let read = |group: i64| {
        let json = json!({"process": group, "started": {"boot": "b", "at": 1}});
        serde_json::from_value::<ProcessGroup>(json).is_ok()
    };
    assert!(read(4_711));
    for bad in [-4_711, -1, 0, 1] {
        assert!(!read(bad), "{bad}");
    }
}

/// Functions that return `Result<Self, …>` and are no constructors: they read a file or a line through serde, and nobody else
/// does.
const READERS: &[(&str, &str)] = &[("SettingsFile", "read"), ("Link", "read")];

#[test]
fn no_type_is_deserialized_past_a_constructor_that_can_refuse() {
    let mut files = Vec::new();
    source_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut seen = 0;
    let mut offences = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for name in plainly_deserialized(code) {
            seen += 1;
            for constructor in refusing_constructors(code, &name) {
                if !READERS.contains(&(name.as_str(), constructor.as_str())) {
                    offences.push(format!("{}: {name} past {constructor}", file.display()));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
    assert!(
        seen > 10,
        "only {seen} types found: does the search still fit the source?"
    );
}

#[test]
fn the_search_finds_what_it_is_for() {
    let source = r#"
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Open(PathBuf);

impl Open {
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    pub fn new(path: &Path) -> Result<Self, Error> {
        check(path)?;
        Ok(Self(path.to_owned()))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Closed(String);

impl FromStr for Closed {
    type Err = Error;
}

#[derive(Deserialize)]
pub(super) struct Parsed {
    text: String,
}

impl FromStr for Parsed {
    type Err = Error;
}

#[derive(Deserialize)]
pub enum Word {
    One,
}

impl FromStr for Word {
    type Err = Error;
}
"#;
    let found = plainly_deserialized(source);
    assert_eq!(found, ["Open", "Parsed"]);
    assert_eq!(refusing_constructors(source, "Open"), ["new"]);
    assert_eq!(refusing_constructors(source, "Parsed"), ["FromStr"]);
}

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The types that derive `Deserialize` and name no conversion. Enums without fields are left out: serde reads no other
/// words than their variants'.
fn plainly_deserialized(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("#[derive(") {
        let after = &code[at..];
        let derives = &after[..after.find(")]").unwrap()];
        if !derives
            .split(['(', ','])
            .any(|word| word.trim() == "Deserialize")
        {
            continue;
        }
        let (attributes, item) = split_at_item(after);
        if attributes.contains("try_from =") || attributes.contains("from =") {
            continue;
        }
        let body = &item[..item.find("\n}").map_or(item.len(), |end| end + 2)];
        let mut words = item.split(|c: char| !c.is_alphanumeric() && c != '_');
        let kind = words
            .find(|word| ["struct", "enum"].contains(word))
            .unwrap();
        let has_fields = kind == "struct" || body.contains('(') || body.matches('{').count() > 1;
        if has_fields {
            names.push(words.next().unwrap().to_owned());
        }
    }
    names
}

/// What stands before `struct` or `enum`, and the rest from there on.
fn split_at_item(code: &str) -> (&str, &str) {
    let lines = code.split_inclusive('\n');
    let mut length = 0;
    for line in lines {
        let word = line
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub(in crate::host) ");
        let word = word
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ")
            .trim_start();
        if word.starts_with("struct ") || word.starts_with("enum ") {
            break;
        }
        length += line.len();
    }
    code.split_at(length)
}

/// The functions of `impl name` that return `Result<Self, …>`, and the traits that make one of a text or another value.
fn refusing_constructors(code: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for head in [
        format!("\nimpl {name} {{"),
        format!("\nimpl<'a> {name}<'a> {{"),
    ] {
        for (at, _) in code.match_indices(&head) {
            let body = &code[at..];
            let body = &body[..body.find("\n}").unwrap_or(body.len())];
            for (function, _) in body.match_indices("fn ") {
                let signature = &body[function + 3..];
                let signature = &signature[..signature.find('{').unwrap_or(signature.len())];
                let returns_itself = signature.contains("-> Result<Self")
                    || signature.contains(&format!("-> Result<{name}"));
                if returns_itself {
                    let end = signature.find(['(', '<']).unwrap();
                    found.push(signature[..end].to_owned());
                }
            }
        }
    }
    for line in code.lines() {
        for door in ["FromStr", "TryFrom"] {
            if line.starts_with("impl")
                && line.contains(door)
                && line.contains(&format!(" for {name} "))
            {
                found.push(door.to_owned());
            }
        }
    }
    found
}
