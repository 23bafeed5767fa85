//! Products that `rcodesign` signed, which shares no code with us: they are cleared, and damage to what is nested is refused.
//!
//! `scripts/make-product-fixtures` makes them. The deep one is the proof that nested code is sealed by requirements as others do it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::path::{Path, PathBuf};

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::code_signature::code_resources::SealKind;
use countersign::apple::code_signature::verify::{Item, Report, verify};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::blocks;
use countersign::host::product::folder::FolderProduct;
use forge::bundle::mac_app;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;
use support::{copy_folder, root};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    root().join("fixtures/products")
}

fn judged(path: &Path) -> Report {
    let pem = fs::read(fixtures().join("root.pem")).unwrap();
    let anchors = Anchors::with_extra(certificates_from_pem(&pem).unwrap());
    let product = FolderProduct::list(path).unwrap();
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    verify(&product, &Verifier::new(anchors), now)
}

fn codes(report: &Report) -> Vec<&'static str> {
    let findings = report.findings();
    let blocking = findings.iter().filter(|finding| blocks(finding));
    let mut codes: Vec<&str> = blocking.map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A copy of an app, and where it lies.
fn copied(kind: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("Rocket.app");
    copy_folder(&fixtures().join(kind).join("Rocket.app"), &app);
    (folder, app)
}

/// What blocks when a copy is changed.
fn broken(kind: &str, change: impl FnOnce(&Path)) -> Vec<&'static str> {
    let (_folder, app) = copied(kind);
    change(&app);
    codes(&judged(&app))
}

fn paths(report: &Report) -> Vec<&str> {
    report.items.iter().map(|item| &*item.path).collect()
}

const FRAMEWORK: &str = "Contents/Frameworks/RocketKit.framework";
const HELPER: &str = "Contents/Helpers/rocket-helper";

#[test]
fn a_deep_app_is_cleared_and_its_nested_code_is_sealed_by_requirements() {
    let report = judged(&fixtures().join("mac/Rocket.app"));
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(report.codesign(), None);
    let app = &report.items[0];
    assert_eq!(app.path, "");
    let mut nested: Vec<&str> = app
        .sealed_code
        .iter()
        .map(|position| &*report.items[*position].path)
        .collect();
    nested.sort_unstable();
    assert!(nested[0].starts_with(FRAMEWORK), "{nested:?}");
    assert_eq!(nested[1..], [HELPER]);
    let seals = &app.seal.as_ref().unwrap().seals;
    for path in ["Frameworks/RocketKit.framework", "Helpers/rocket-helper"] {
        let (_, seal) = seals.iter().find(|(found, _)| &***found == path).unwrap();
        assert!(matches!(seal.kind, SealKind::Nested { .. }), "{path}");
    }
    assert!(
        report
            .items
            .iter()
            .all(|item| item.team() == Some("ACME4CI001"))
    );
    assert_eq!(app.slices.len(), 2);
}

#[test]
fn a_flat_app_is_cleared_and_what_is_nested_is_judged_on_its_own() {
    let report = judged(&fixtures().join("ios/Rocket.app"));
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(report.codesign(), None);
    let nested = [
        "Frameworks/RocketKit.framework",
        "PlugIns/RocketWidget.appex",
    ];
    assert_eq!(paths(&report), [&[""][..], &nested[..]].concat());
    assert!(report.items[0].sealed_code.is_empty());
    assert!(report.items.iter().all(|item| !Item::is_unsigned(item)));
}

#[test]
fn nested_code_of_another_signer_is_refused() {
    // The same framework by the same team, signed for another purpose: its requirement names the certificate.
    let other = SigningIdentity::acme(LeafKind::AppleDevelopment);
    let folder = tempfile::tempdir().unwrap();
    let theirs = mac_app(&other).with_framework("RocketKit").sign();
    let theirs = theirs.bundle.write_to(folder.path()).unwrap();
    let found = broken("mac", |app| {
        fs::remove_dir_all(app.join(FRAMEWORK)).unwrap();
        copy_folder(&theirs.join(FRAMEWORK), &app.join(FRAMEWORK));
    });
    assert!(found.contains(&"nested-code-changed"), "{found:?}");
}

#[test]
fn nested_code_in_the_place_of_other_code_of_the_same_signer_is_refused() {
    let found = broken("mac", |app| {
        let library = app.join(FRAMEWORK).join("Versions/A/RocketKit");
        fs::copy(library, app.join(HELPER)).unwrap();
    });
    assert!(found.contains(&"nested-code-changed"), "{found:?}");
}

#[test]
fn nested_code_that_is_gone_is_refused() {
    for path in [FRAMEWORK, HELPER] {
        let found = broken("mac", |app| {
            let path = app.join(path);
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        });
        assert_eq!(found, ["resource-missing"], "{path}");
    }
    let found = broken("ios", |app| {
        fs::remove_dir_all(app.join("PlugIns/RocketWidget.appex")).unwrap();
    });
    assert_eq!(found, ["resource-missing"]);
}

#[test]
fn a_byte_of_nested_code_is_refused() {
    for (kind, file, expected) in [
        (
            "mac",
            format!("{FRAMEWORK}/Versions/A/RocketKit"),
            &["code-page-changed"][..],
        ),
        ("mac", HELPER.to_owned(), &["code-page-changed"]),
        (
            "ios",
            "Frameworks/RocketKit.framework/RocketKit".to_owned(),
            &["code-page-changed", "resource-changed"],
        ),
    ] {
        let found = broken(kind, |app| {
            let file = app.join(&file);
            let mut bytes = fs::read(&file).unwrap();
            // Behind the load commands, before the signature.
            bytes[3_000] ^= 1;
            fs::write(file, bytes).unwrap();
        });
        for code in expected {
            assert!(found.contains(code), "{file}: {found:?}");
        }
    }
}

#[test]
fn a_file_added_to_a_nested_bundle_is_refused() {
    for (kind, file) in [
        ("mac", format!("{FRAMEWORK}/Versions/A/Resources/more.txt")),
        ("ios", "PlugIns/RocketWidget.appex/more.txt".to_owned()),
    ] {
        let found = broken(kind, |app| fs::write(app.join(&file), "more").unwrap());
        assert_eq!(found, ["resource-added"], "{file}");
    }
}
