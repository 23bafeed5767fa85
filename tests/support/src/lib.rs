//! What several test crates share: Acme's anchors, the real data where it is at hand, finding codes as words, and the
//! places where tests run: a [`workshop`] for the program, a [`machine`] for keychains and runs. Programs [`start`] with what
//! the test builds. A [`browser`] shows pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::new_without_default,
    reason = "it panics where a test would, it runs the built program, and a directory is made by name"
)]

pub mod browser;
#[cfg(target_os = "linux")]
pub mod keeper;
pub mod log;
pub mod machine;
pub mod schema;
#[cfg(target_os = "linux")]
pub mod site;
pub mod start;
#[cfg(target_os = "linux")]
pub mod user;
pub mod workshop;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::profile::{self, Profile};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::{Finding, Severity};
use countersign::context::gate::facts::{Evidence, HostEvidence, Namespace};

use forge::hierarchy::Hierarchy;
use forge::profile::{Kind, ProfileSpec};

/// The bundle id of Acme's app.
pub const ROCKET: &str = "com.acme.rocket";

/// Believes Apple's roots and these hierarchies'.
pub fn verifier_of(hierarchies: &[&Hierarchy]) -> Verifier {
    let extra = hierarchies
        .iter()
        .flat_map(|hierarchy| hierarchy.anchors())
        .map(|der| Certificate::from_der(&der).unwrap());
    Verifier::new(Anchors::with_extra(extra))
}

/// Believes Apple's roots and Acme's.
pub fn verifier() -> Verifier {
    verifier_of(&[Hierarchy::acme()])
}

/// An honest iOS App Store profile of Acme's app.
pub fn rocket() -> ProfileSpec {
    ProfileSpec::ios(Kind::AppStore, ROCKET)
}

/// Proves what a specification mints; panics with the reasons if it is not proven.
pub fn proven(spec: &ProfileSpec) -> Profile {
    match profile::prove(&spec.mint(), &verifier()) {
        Ok(profile) => profile,
        Err(unproven) => panic!("{} is not proven: {:#?}", spec.name, unproven.findings),
    }
}

/// What a process sees of itself that nobody put anything into, on a machine without containers.
pub fn evidence() -> Evidence {
    Evidence {
        host: HostEvidence::SelfDeclared,
        preloaded: Some(Vec::new()),
        user_namespace: Namespace::First,
        uts_namespace: Namespace::First,
    }
}

/// The codes of the findings that block, in their order, each once.
pub fn blocking(findings: &[Finding]) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for finding in findings {
        if finding.severity == Severity::Block && !codes.contains(&finding.code.as_str()) {
            codes.push(finding.code.as_str());
        }
    }
    codes
}

/// The directory of the root package: its fixtures, documents and manifests.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let support = Path::new(env!("CARGO_MANIFEST_DIR"));
        support.ancestors().nth(2).unwrap().to_owned()
    });
    &ROOT
}

/// Where cargo puts what it builds in the profile of these tests: `target/debug`.
pub(crate) fn built() -> PathBuf {
    // target/debug/deps/test-hash
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

/// The built program. Cargo builds it before a test crate of the root package runs.
pub fn program() -> PathBuf {
    built().join("countersign")
}

/// A folder of the real data, if it is at hand; says so if it is not.
pub fn data(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// Every file below `folder`, sorted; says so if the folder is not here.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            eprintln!("skipped: {} is not here", folder.display());
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files below `folder` that are named like profiles, sorted.
pub fn profiles_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = files_below(folder);
    found.retain(|path| {
        path.extension()
            .is_some_and(|e| e == "mobileprovision" || e == "provisionprofile")
    });
    found
}

/// Copies a folder with all that is in it; links stay links.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_folder(&entry.path(), &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
