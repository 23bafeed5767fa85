//! The committed fixtures are what the forge mints, and each edge case gets the verdict that stands beside it.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::identity::IdentityListing;
use countersign::apple::pkcs12;
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::secret::Password;
use support::machine::sole_identity;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(path: &str) -> Vec<u8> {
    let file = root().join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn files_in(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let name =
        |entry: std::fs::DirEntry| format!("{folder}/{}", entry.file_name().to_str().unwrap());
    entries.map(|entry| name(entry.unwrap())).collect()
}

/// Proves against Acme's committed anchors.
fn verifier() -> Verifier {
    Verifier::new(Anchors::with_extra(
        certificates_from_pem(&read("acme/anchors.pem")).unwrap(),
    ))
}

#[test]
fn the_committed_files_are_what_the_forge_mints() {
    let minted = forge::fixtures::all();
    for (path, bytes) in &minted {
        assert!(
            forge::fixtures::same(path, &read(path), bytes),
            "{path} is not what the forge mints: run scripts/make-fixtures"
        );
    }
    for folder in ["acme/profiles", "edge"] {
        let below = format!("{folder}/");
        let expected = minted
            .iter()
            .map(|(path, _)| path.clone())
            .filter(|path| path.starts_with(&below));
        assert_eq!(
            files_in(folder),
            expected.collect(),
            "files that nobody mints"
        );
    }
}

#[test]
fn every_edge_case_gets_its_verdict() {
    let verifier = verifier();
    let mut judged = 0;
    for path in files_in("edge")
        .iter()
        .filter(|path| path.contains("provision"))
    {
        let (stem, _) = path.rsplit_once('.').unwrap();
        let verdict = String::from_utf8(read(&format!("{stem}.verdict"))).unwrap();
        assert_eq!(judge(&read(path), &verifier), verdict.trim(), "{path}");
        judged += 1;
    }
    assert_eq!(judged, forge::fixtures::edge_cases().len());
}

/// The verdict as the files beside the edge cases spell it.
fn judge(file: &[u8], verifier: &Verifier) -> String {
    let codes = |findings: &[Finding]| {
        // The codes that matter, each once, in their order; that the anchors are a rehearsal's goes without saying.
        let mut codes: Vec<&str> = Vec::new();
        for finding in findings {
            let rehearsal =
                finding.code == Code::ProfileAnchorNotApple && finding.severity != Severity::Block;
            if !rehearsal && !codes.contains(&finding.code.as_str()) {
                codes.push(finding.code.as_str());
            }
        }
        codes.join(" ")
    };
    match profile::prove(file, verifier) {
        Ok(profile) => format!("proven {}", codes(profile.remarks()))
            .trim()
            .to_owned(),
        Err(unproven) => codes(&unproven.findings),
    }
}

#[test]
fn acme_s_profiles_prove_and_agree_with_its_identity() {
    let verifier = verifier();
    let p12 = pkcs12::read(
        &read("acme/distribution.p12"),
        &Password::from_file_bytes(read("acme/distribution.p12.password")).unwrap(),
    )
    .unwrap();
    let identity = sole_identity(&p12);
    assert_eq!(identity.chain.len(), 2);
    let listing = IdentityListing::parse(&read("acme/find-identity.txt")).unwrap();
    assert_eq!(
        Vec::from_iter(listing.valid_certificates()),
        [identity.sha1()]
    );
    let mut names = BTreeSet::new();
    for path in files_in("acme/profiles") {
        let profile = match profile::prove(&read(&path), &verifier) {
            Ok(profile) => profile,
            Err(unproven) => panic!("{path}: {:#?}", unproven.findings),
        };
        assert_eq!(
            format!("acme/profiles/{}", profile.fields().file_name()),
            path
        );
        assert_eq!(profile.certificates()[0].sha256, identity.sha256());
        names.insert(profile.fields().name.to_string());
    }
    assert_eq!(
        Vec::from_iter(names),
        [
            "iOS App Store - App",
            "iOS App Store - Extensions-Share",
            "iOS App Store - Extensions-Widgets",
            "iOS App Store - WatchApp",
        ]
    );
}

#[test]
fn nothing_of_it_proves_under_apple_s_anchors() {
    let verifier = Verifier::new(Anchors::apple());
    for path in files_in("acme/profiles")
        .into_iter()
        .chain(files_in("edge"))
    {
        assert!(profile::prove(&read(&path), &verifier).is_err(), "{path}");
    }
}
