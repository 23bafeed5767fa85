//! Real captures of `security find-identity`, and what becomes of each.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as its cases may"
)]

use std::path::{Path, PathBuf};

use countersign::apple::identity::{IdentityError, IdentityListing, digest};

fn outputs() -> Option<PathBuf> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/outputs"
    ));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("skipped: {} is not here", folder.display());
    None
}

fn parse(name: &str) -> Option<Result<IdentityListing, IdentityError>> {
    let bytes = std::fs::read(outputs()?.join(name)).unwrap();
    Some(IdentityListing::parse(&bytes))
}

#[test]
fn an_empty_keychain_is_an_empty_listing() {
    let Some(listing) = parse("find-identity__none-valid__vorssaint-1232.txt") else {
        return;
    };
    let listing = listing.unwrap();
    assert!(listing.valid.is_empty());
    assert_eq!(listing.matching, None);
}

#[test]
fn the_form_with_a_policy_tells_untrusted_from_valid() {
    let Some(listing) = parse("find-identity__policy-x509-basic-not-trusted__tunnel-doc.txt")
    else {
        return;
    };
    let listing = listing.unwrap();
    assert_eq!(listing.policy.as_deref(), Some("X.509 Basic"));
    let matching = listing.matching.unwrap();
    assert_eq!(matching.len(), 1);
    assert_eq!(matching[0].label, "user-mac");
    assert_eq!(
        matching[0].problem.as_deref(),
        Some("CSSMERR_TP_NOT_TRUSTED")
    );
    assert!(listing.valid.is_empty());
}

#[test]
fn captures_without_a_final_line_end_are_whole() {
    for (name, labels) in [
        (
            "openbakery__gradle-xcodePlugin__libxcode__src__test__Resource__security-find-identity-multiple.txt",
            &[
                "iPhone Distribution: Example Ltd (XXXYYYZZZ)",
                "Mac Developer: John Appleseed (AAABBBCCC)",
                "iPhone Developer: John Appleseed (DDDEEEFFF)",
                "Developer ID Application: Example Ltd",
            ][..],
        ),
        (
            "openbakery__gradle-xcodePlugin__libxcode__src__test__Resource__security-find-identity-single.txt",
            &["Developer ID Application: MyCompany"],
        ),
    ] {
        let Some(listing) = parse(name) else { return };
        let listing = listing.unwrap();
        let found: Vec<&str> = listing.valid.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(found, labels, "{name}");
        assert!(listing.valid.iter().all(|row| row.problem.is_none()));
    }
}

#[test]
fn captures_that_people_redacted_are_refused_by_line() {
    for (name, fingerprint) in [
        (
            "find-identity__not-trusted-all__vorssaint-1232.txt",
            "DF40E24B...",
        ),
        (
            "find-identity__email-as-name__create-dmg-50.txt",
            "9XXXXX304D7307XXXX981678FAXXXX50AA5XXX08",
        ),
    ] {
        let Some(listing) = parse(name) else { return };
        assert_eq!(
            listing.unwrap_err(),
            IdentityError::Redacted {
                line: 1,
                fingerprint: fingerprint.into()
            },
            "{name}"
        );
    }
}

#[test]
fn every_other_capture_is_refused_and_none_panics() {
    let Some(folder) = outputs() else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let listing = IdentityListing::parse(&bytes);
        let name = path.file_name().unwrap().to_string_lossy();
        if !name.contains("find-identity") {
            assert!(listing.is_err(), "{name} was taken for a listing");
        }
        if let Ok(listing) = listing {
            let written = listing.to_string();
            assert_eq!(
                IdentityListing::parse(written.as_bytes()).as_ref(),
                Ok(&listing)
            );
            assert_eq!(
                written.trim_end(),
                String::from_utf8_lossy(&bytes).trim_end(),
                "{name}"
            );
            assert_eq!(digest::compatible(&bytes).to_string().len(), 40);
        }
    }
}
