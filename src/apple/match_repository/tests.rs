use std::fs;
use std::path::{Path, PathBuf};

use super::identities::{StoredCertificate, StoredKey, of_key, pair};
use super::*;
use crate::apple::pkcs12;
use crate::base::secret::Password;

const TREES: [&str; 3] = ["v1-md5", "v1-sha256", "v2"];

/// What of each tree is read; `fixtures/match/make` made all of it with fastlane's own code.
const FILES: [&str; 7] = [
    "certs/development/TESTKEY001.cer",
    "certs/development/TESTKEY001.p12",
    "certs/distribution/ACMEDIST01.cer",
    "certs/distribution/ACMEDIST01.p12",
    "certs/enterprise/TESTKEY002.cer",
    "certs/enterprise/TESTKEY002.p12",
    "profiles/appstore/AppStore_com.acme.rocket.mobileprovision",
];

fn fixture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/match");
    fs::read(root.join(name)).unwrap()
}

fn password() -> Password {
    Password::from_file_bytes(fixture("password")).unwrap()
}

fn content(name: &str) -> Content {
    Content::of_name(Path::new(name)).unwrap()
}

#[test]
fn every_container_that_match_writes_opens_to_what_it_was_made_of() {
    for tree in TREES {
        for file in FILES {
            let sealed = fixture(&format!("{tree}/{file}"));
            let opened = decrypt(&sealed, content(file), Some(&password())).unwrap();
            let opened = opened.unwrap();
            assert_eq!(
                opened.expose(),
                fixture(&format!("plain/{file}")),
                "{tree}/{file}"
            );
            assert_eq!(format!("{opened:?}"), "Decrypted(…)");
        }
    }
}

#[test]
fn what_is_not_encrypted_is_said_to_be_so_and_needs_no_password() {
    for file in FILES {
        let plain = fixture(&format!("plain/{file}"));
        assert_eq!(version(&plain), Ok(None), "{file}");
        assert!(decrypt(&plain, content(file), None).unwrap().is_none());
    }
    assert_eq!(version(b""), Ok(None));
    assert_eq!(version(b"U2Fs"), Ok(None));
}

#[test]
fn without_a_password_the_version_is_named_and_with_a_wrong_one_nothing_is_given() {
    let wrong = Password::new("wrong".to_owned());
    for tree in TREES {
        for file in FILES {
            let sealed = fixture(&format!("{tree}/{file}"));
            let expected = content(file);
            let error = decrypt(&sealed, expected, None).unwrap_err();
            assert!(matches!(error, DecryptError::NoPassword(_)), "{error:?}");
            let error = decrypt(&sealed, expected, Some(&wrong)).unwrap_err();
            match tree {
                "v2" => assert_eq!(error, DecryptError::WrongPassword(Version::V2)),
                _ => assert!(
                    matches!(error, DecryptError::NothingReads { .. }),
                    "{error:?}"
                ),
            }
            assert!(!error.to_string().contains("rehearsal"), "{error}");
        }
    }
}

/// One wrong key in 256 leaves a padding that looks right: what comes out must not pass for a key.
#[test]
fn a_result_of_version_1_counts_only_if_it_reads_as_what_the_name_says() {
    let sealed = fixture("v1-md5/certs/development/TESTKEY001.p12");
    for number in 0..2_000 {
        let wrong = Password::new(format!("wrong {number}"));
        let error = decrypt(&sealed, Content::Key, Some(&wrong)).unwrap_err();
        assert!(
            matches!(error, DecryptError::NothingReads { .. }),
            "{number}"
        );
    }
    // The right password, and a name that says something else.
    let error = decrypt(&sealed, Content::Profile, Some(&password())).unwrap_err();
    assert!(
        error.to_string().contains("a provisioning profile"),
        "{error}"
    );
}

#[test]
fn a_version_that_is_not_known_and_a_cut_file_are_named() {
    let container = |bytes: &[u8]| base64(bytes).into_bytes();
    let later = container(b"match_encrypted_v3__0123456789");
    let error = decrypt(&later, Content::Key, Some(&password())).unwrap_err();
    assert_eq!(error, DecryptError::UnknownVersion("3".to_owned()));
    let cut = |bytes: &[u8]| decrypt(&container(bytes), Content::Key, Some(&password()));
    for bytes in [
        &b"match_encrypted_v2__salt"[..],
        b"match_encrypted_v2__saltsalttagtag",
        b"Salted__saltsalt01234567",
        b"Salted__saltsaltsaltsaltsalt",
    ] {
        let error = cut(bytes).unwrap_err();
        assert!(matches!(error, DecryptError::Damaged { .. }), "{error:?}");
    }
    let mut sealed = fixture("v2/certs/development/TESTKEY001.p12");
    sealed.extend_from_slice(b"!");
    let error = decrypt(&sealed, Content::Key, Some(&password())).unwrap_err();
    assert!(error.to_string().contains("base64"), "{error}");
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(bytes)
}

fn stored_key(name: &str) -> StoredKey {
    StoredKey::read(name.to_owned(), &fixture(&format!("plain/{name}")), None).unwrap()
}

fn stored_certificate(name: &str) -> StoredCertificate {
    StoredCertificate {
        file: name.to_owned(),
        der: fixture(&format!("plain/{name}")),
    }
}

#[test]
fn keys_in_every_form_find_their_certificates_by_the_public_key() {
    let keys: Vec<StoredKey> = FILES
        .iter()
        .filter(|file| file.ends_with(".p12"))
        .map(|file| stored_key(file))
        .collect();
    let certificates: Vec<StoredCertificate> = FILES
        .iter()
        .filter(|file| file.ends_with(".cer"))
        .map(|file| stored_certificate(file))
        .collect();
    let paired = pair(&keys, &certificates);
    assert_eq!(paired.identities.len(), 3);
    assert!(paired.without_key.is_empty() && paired.without_certificate.is_empty());
    // What is put together can be written as a file that a keychain imports.
    let one_time = Password::new("one-time".to_owned());
    let form = pkcs12::Form::EveryMac;
    let file = pkcs12::write_one_time(&paired.identities, &one_time, form).unwrap();
    assert_eq!(pkcs12::read(&file, &one_time).unwrap().identities.len(), 3);

    let alone = pair(&keys[..1], &certificates[1..]);
    assert!(alone.identities.is_empty() || alone.without_key.len() == 2);
    assert_eq!(alone.without_certificate, [keys[0].file.clone()]);
}

#[test]
fn a_key_with_no_certificate_and_one_with_another_key_s_are_told_apart() {
    let key = stored_key("certs/development/TESTKEY001.p12");
    let own = stored_certificate("certs/development/TESTKEY001.cer");
    assert_eq!(of_key(&key, Some(&own), "own.cer").unwrap().len(), 1);
    let error = of_key(&key, None, "none.cer").unwrap_err();
    assert!(error.to_string().contains("none.cer"), "{error}");
    let other = stored_certificate("certs/distribution/ACMEDIST01.cer");
    let error = of_key(&key, Some(&other), "other.cer").unwrap_err();
    assert!(error.to_string().contains("another public key"), "{error}");
}

#[test]
fn pem_that_is_of_no_use_is_refused_with_the_reason() {
    let key = String::from_utf8(fixture("plain/certs/development/TESTKEY001.p12")).unwrap();
    let read = |text: &str| StoredKey::read("key.p12".to_owned(), text.as_bytes(), None);
    let damaged = key.replace("MIGH", "AAAA");
    assert!(
        read(&damaged)
            .unwrap_err()
            .to_string()
            .contains("signs no code")
    );
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(
        read(&encrypted)
            .unwrap_err()
            .to_string()
            .contains("passphrase")
    );
    let error = read("just text").unwrap_err();
    assert!(error.to_string().contains("expected a PKCS#12"), "{error}");
}

/// The key of TESTKEY001.p12, as `openssl ec` writes it.
const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIDiey6WktOY+1pEd9Y0S8dxpGlpYJQObG0oiBcL3bsWQoAoGCCqGSM49
AwEHoUQDQgAE9MU0oeIAkw7pHO5HBr7AtkYx9x7d7CMNNOAr7aw0TUVWtSPr9xrG
leZ2VXqtK7VEmSEJMzJNa86ATqF+gABTgg==
-----END EC PRIVATE KEY-----
";

#[test]
fn a_key_of_sec1_and_one_of_pkcs8_are_the_same_key() {
    let key = StoredKey::read("key.p12".to_owned(), SEC1.as_bytes(), None).unwrap();
    let own = stored_certificate("certs/development/TESTKEY001.cer");
    assert_eq!(of_key(&key, Some(&own), "own.cer").unwrap().len(), 1);
}
