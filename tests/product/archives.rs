//! Archives: an `.ipa` is read where it lies, and a hostile one is refused; an `.xcarchive` holds the product.

use std::fs;

use countersign::apple::code_signature::product::Product as _;
use countersign::apple::code_signature::verify::verify;
use countersign::base::error::Explain as _;
use countersign::host::product::archive::ArchiveProduct;
use countersign::host::product::folder::FolderProduct;
use forge::bundle::{ios_app_with_everything, ipa, xcarchive};
use forge::bundle_flaw::ipa_flaws;

use crate::{codes, distribution, judged, verifier};

#[test]
fn an_ipa_is_verified_as_the_app_in_it_is() {
    let app = ios_app_with_everything(&distribution()).sign();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Rocket.ipa");
    fs::write(&path, ipa(&app)).unwrap();
    let product = ArchiveProduct::list(&path).unwrap();
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    let identifiers = |report: &countersign::apple::code_signature::verify::Report| {
        let items = report.items.iter();
        let mut all: Vec<_> = items
            .map(|item| item.identifier().map(str::to_owned))
            .collect();
        all.sort();
        all
    };
    assert_eq!(identifiers(&report), identifiers(&judged(&app)));
}

#[test]
fn an_xcarchive_holds_the_product_and_is_none() {
    let app = ios_app_with_everything(&distribution()).sign();
    let folder = tempfile::tempdir().unwrap();
    let path = xcarchive(&app).write_to(folder.path()).unwrap();
    let product = FolderProduct::list(&path).unwrap();
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert!(
        report
            .items
            .iter()
            .all(|item| item.path.starts_with("Products/"))
    );
}

/// Refused when it is listed, or a finding that blocks: never passed, never without end.
#[test]
fn a_hostile_ipa_is_refused() {
    let app = ios_app_with_everything(&distribution()).sign();
    let folder = tempfile::tempdir().unwrap();
    for flaw in ipa_flaws(&app) {
        let path = folder.path().join("Broken.ipa");
        fs::write(&path, &flaw.bytes).unwrap();
        match ArchiveProduct::list(&path) {
            Err(error) => {
                assert!(
                    error.to_string().contains("Broken.ipa"),
                    "{}: {error}",
                    flaw.name
                );
                assert!(error.hint().is_some(), "{}: {error}", flaw.name);
            }
            Ok(product) => {
                let report = verify(
                    &product,
                    &verifier(),
                    "2026-06-01T00:00:00Z".parse().unwrap(),
                );
                assert!(!codes(&report).is_empty(), "{} is passed", flaw.name);
            }
        }
    }
}

/// A device unpacks while it receives: it would see an entry that the index does not name.
#[test]
fn an_entry_that_the_index_does_not_name_is_refused() {
    let app = ios_app_with_everything(&distribution()).sign();
    let mut bytes = ipa(&app);
    let end = bytes.len() - 22;
    let offset = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap());
    // A local header (APPNOTE 4.3.7) of a stored file of four bytes.
    let name = b"Payload/Rocket.app/extra";
    let mut hidden = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0".to_vec();
    hidden.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    hidden.extend([0, 0]);
    hidden.extend(name);
    hidden.extend(b"evil");
    let moved = offset + u32::try_from(hidden.len()).unwrap();
    bytes[end + 16..end + 20].copy_from_slice(&moved.to_le_bytes());
    let at = usize::try_from(offset).unwrap();
    bytes.splice(at..at, hidden);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Hidden.ipa");
    fs::write(&path, bytes).unwrap();
    let error = ArchiveProduct::list(&path).unwrap_err();
    assert!(error.to_string().contains("does not name"), "{error}");
}

/// The entries of an archive's index: the name, and where its own header and its place in the index lie (APPNOTE 4.3.12).
fn entries(bytes: &[u8]) -> Vec<(String, usize, usize)> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let end = bytes.len() - 22;
    let mut at = word(end + 16);
    let mut found = Vec::new();
    while at < end {
        let name = half(at + 28);
        let text = String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap();
        found.push((text, word(at + 42), at));
        at += 46 + name + half(at + 30) + half(at + 32);
    }
    found
}

/// A device unpacks no entry whose checksum is another: a build that was damaged on its way passes every signature and is refused
/// at the end.
#[test]
fn an_entry_with_another_checksum_is_named() {
    let app = ios_app_with_everything(&distribution()).sign();
    let bytes = ipa(&app);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Damaged.ipa");
    let mut passed = Vec::new();
    for (name, local, central) in entries(&bytes) {
        if name.ends_with('/') {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[local + 14] ^= 1;
        damaged[central + 16] ^= 1;
        fs::write(&path, damaged).unwrap();
        let product = ArchiveProduct::list(&path).unwrap();
        let report = verify(
            &product,
            &verifier(),
            "2026-06-01T00:00:00Z".parse().unwrap(),
        );
        let findings = report.findings();
        let about = |finding: &&countersign::base::finding::Finding| {
            finding.place.file.as_deref() == Some(&name)
        };
        match findings.iter().find(about) {
            Some(finding) => assert!(
                finding.code.as_str() != "product-unreadable"
                    || finding
                        .found
                        .as_deref()
                        .unwrap_or_default()
                        .contains("checksum"),
                "{name}: {findings:#?}"
            ),
            None if codes(&report).is_empty() => passed.push(name),
            None => panic!("{name} is not named: {findings:#?}"),
        }
        assert!(findings.iter().all(|it| it.hint.is_some()), "{findings:#?}");
    }
    // What nothing seals is not read.
    assert_eq!(passed, ["Payload/Rocket.app/PkgInfo"]);
}

/// An input of the fuzzer's: what cannot be unpacked was told without a remedy.
#[test]
fn each_finding_about_an_entry_that_cannot_be_unpacked_has_a_hint() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/fuzz/ipa/longer-than-its-index.ipa"
    );
    let product = ArchiveProduct::list(path.as_ref()).unwrap();
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    let findings = report.findings();
    assert!(findings.iter().any(|it| {
        let found = it.found.as_deref().unwrap_or_default();
        found.contains("longer than the index")
    }));
    assert!(findings.iter().all(|it| it.hint.is_some()), "{findings:#?}");
}

/// An input of the fuzzer's: a packed stream that ends before its promised size read as a file that ends there.
#[test]
fn an_entry_that_is_shorter_than_the_index_says_cannot_be_read() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/fuzz/ipa/shorter-than-its-index.ipa"
    );
    let product = ArchiveProduct::list(path.as_ref()).unwrap();
    let mut contents = product.open("Payload/Rocket.app/Info.plist").unwrap();
    let (mut at, mut buffer) = (0, [0; 256]);
    let error = loop {
        match contents.read_at(at, &mut buffer) {
            Ok(0) => panic!("it ends at {at} of {}", contents.size()),
            Ok(found) => at += u64::try_from(found).unwrap(),
            Err(error) => break error,
        }
    };
    assert!(error.reason.contains("shorter than the index"), "{error:?}");
}
