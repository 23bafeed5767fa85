//! What several of the tests need: Acme's anchors, the real data where it is at hand, and finding codes as words.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test crate takes what it needs of it, and it panics where a test would"
)]

use std::path::{Path, PathBuf};

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::profile::{self, Profile};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::{Finding, Severity};

use crate::forge::hierarchy::Hierarchy;
use crate::forge::profile::{Kind, ProfileSpec};

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

/// A folder of the real data, if it is at hand; says so if it is not.
pub fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}
