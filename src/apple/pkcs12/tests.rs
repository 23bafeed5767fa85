//! Files made with the crate that writes them, read by what reads them here.

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive,
    PrivateKeyChain,
};

use super::algorithms::{Algorithms, MacKind, Part, ReadableBy, Scheme};
use super::diagnosis::{Diagnosis, why_import_failed};
use super::writing::keystore;
use super::*;
use crate::base::error::{ErrorCode, Explain as _};
use crate::base::ids::CertSha256;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn secret() -> Password {
    password("correct horse")
}

fn identity(key: &PrivateKey, name: &str, issuer: &str) -> Pkcs12Identity {
    Pkcs12Identity {
        certificate_der: mint::certificate(name, issuer, key),
        friendly_name: None,
        chain: Vec::new(),
        key: key.clone(),
    }
}

fn authority(name: &str, issuer: &str) -> Vec<u8> {
    mint::certificate(name, issuer, &mint::ec_key())
}

#[test]
fn both_forms_hold_the_same_and_say_how_they_are_protected() {
    let root = authority("Root", "Root");
    let middle = authority("Middle", "Root");
    let mut one = identity(
        mint::rsa_key(),
        "Apple Distribution: Example (TEAM)",
        "Middle",
    );
    one.friendly_name = Some("the key".to_owned());
    one.chain = vec![middle.clone(), root.clone()];
    let stranger = authority("Stranger", "Stranger");

    let modern = write(
        std::slice::from_ref(&one),
        std::slice::from_ref(&stranger),
        &secret(),
        Form::Modern,
    )
    .unwrap();
    let contents = read(&modern, &secret()).unwrap();
    assert_eq!(
        contents.algorithms.to_string(),
        "HMAC-SHA256 (20000 iterations); PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (20000 iterations)"
    );
    assert!(matches!(
        contents.algorithms.readable_by(),
        ReadableBy::MacOs15 { .. }
    ));

    let every = contents.convert(&secret(), Form::EveryMac).unwrap();
    let contents = read(&every, &secret()).unwrap();
    assert_eq!(contents.algorithms.readable_by(), ReadableBy::EveryMac);
    assert_eq!(
        contents.algorithms.mac.as_ref().unwrap().kind,
        MacKind::HmacSha1
    );
    assert!(
        contents
            .algorithms
            .encryption
            .iter()
            .all(|part| part.scheme == Scheme::PbeSha1TripleDes)
    );
    assert!(
        contents
            .algorithms
            .encryption
            .iter()
            .any(|part| part.part == Part::Key)
    );

    assert_eq!(contents.identities.len(), 1);
    let found = &contents.identities[0];
    assert_eq!(found.certificate_der, one.certificate_der);
    assert_eq!(found.key.expose(), one.key.expose());
    assert_eq!(found.friendly_name.as_deref(), Some("the key"));
    assert_eq!(found.label(), "Apple Distribution: Example (TEAM)");
    assert_eq!(found.chain, [middle, root]);
    assert_eq!(contents.other_certificates, [stranger]);
    assert!(contents.lone_keys.is_empty());
}

#[test]
fn keys_find_their_certificates_by_public_key_whatever_the_labels_say() {
    let first = identity(mint::rsa_key(), "First", "CA");
    let second = identity(&mint::ec_key(), "Second", "CA");
    // A file whose labels are crossed: each key carries the id and the name of the other's certificate.
    let mut store = KeyStore::new();
    for (key, certificate) in [(&first, &second), (&second, &first)] {
        store.add_entry(
            &certificate.label(),
            KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(
                certificate.sha1().as_bytes().as_slice(),
                p12_keystore::PrivateKey::from_der(key.key.expose()).unwrap(),
                [Certificate::from_der(&certificate.certificate_der).unwrap()],
            )),
        );
    }
    let bytes = store
        .writer("p")
        .encryption_iterations(1)
        .mac_iterations(1)
        .write()
        .unwrap();
    let contents = read(&bytes, &password("p")).unwrap();
    assert_eq!(contents.identities.len(), 2);
    for wanted in [&first, &second] {
        let found = contents.identity(wanted.sha256()).unwrap();
        assert_eq!(found.key.expose(), wanted.key.expose());
    }
}

#[test]
fn several_identities_are_all_listed_and_one_is_chosen_by_fingerprint() {
    let all: Vec<_> = ["One", "Two", "Three"]
        .iter()
        .map(|name| identity(&mint::ec_key(), name, "CA"))
        .collect();
    let bytes = write(&all, &[], &secret(), Form::EveryMac).unwrap();
    let contents = read(&bytes, &secret()).unwrap();
    assert_eq!(contents.identities.len(), 3);
    let two = contents.identity(all[1].sha256()).unwrap();
    assert_eq!(two.label(), "Two");
    let error = contents.identity(CertSha256::of(b"none")).unwrap_err();
    assert!(matches!(error, Pkcs12Error::NotThere { .. }), "{error}");
}

#[test]
fn identities_of_one_name_do_not_overwrite_each_other() {
    let all: Vec<_> = (0..3)
        .map(|_| identity(&mint::ec_key(), "Apple Distribution: Example (TEAM)", "CA"))
        .collect();
    let bytes = write(&all, &[], &secret(), Form::Modern).unwrap();
    assert_eq!(read(&bytes, &secret()).unwrap().identities.len(), 3);
}

#[test]
fn a_renewed_certificate_with_its_old_key_makes_two_identities() {
    let key = mint::ec_key();
    let old = identity(&key, "Old", "CA");
    let new = identity(&key, "New", "CA");
    let bytes = write(&[old.clone(), new.clone()], &[], &secret(), Form::EveryMac).unwrap();
    let contents = read(&bytes, &secret()).unwrap();
    assert_eq!(contents.identities.len(), 2);
    assert_eq!(
        contents
            .algorithms
            .encryption
            .iter()
            .filter(|part| part.part == Part::Key)
            .count(),
        1,
        "the key is in the file once: a duplicate makes an import fail"
    );
    assert!(contents.identity(old.sha256()).is_ok());
    assert!(contents.identity(new.sha256()).is_ok());
}

#[test]
fn shared_chains_are_written_once() {
    let ca = authority("CA", "CA");
    let mut all: Vec<_> = ["One", "Two"]
        .iter()
        .map(|name| identity(&mint::ec_key(), name, "CA"))
        .collect();
    for identity in &mut all {
        identity.chain = vec![ca.clone()];
    }
    let bytes = write(&all, std::slice::from_ref(&ca), &secret(), Form::Modern).unwrap();
    let archive = Pkcs12Archive::from_pkcs12(&bytes, secret().expose()).unwrap();
    assert_eq!(archive.certs.len(), 3);
    let contents = read(&bytes, &secret()).unwrap();
    assert!(
        contents
            .identities
            .iter()
            .all(|identity| identity.chain == [ca.clone()])
    );
    assert!(contents.other_certificates.is_empty());
}

#[test]
fn the_key_identifier_chooses_between_issuers_of_one_name() {
    let wrong = mint::certificate_with_ids("CA", "Root", &mint::ec_key(), Some(b"wrong"), None);
    let right = mint::certificate_with_ids("CA", "Root", &mint::ec_key(), Some(b"right"), None);
    let key = mint::ec_key();
    let leaf = Pkcs12Identity {
        certificate_der: mint::certificate_with_ids("Leaf", "CA", &key, None, Some(b"right")),
        friendly_name: None,
        chain: vec![wrong.clone(), right.clone()],
        key,
    };
    let bytes = write(&[leaf], &[], &secret(), Form::Modern).unwrap();
    let contents = read(&bytes, &secret()).unwrap();
    assert_eq!(contents.identities[0].chain, [right]);
    assert_eq!(contents.other_certificates, [wrong]);
}

#[test]
fn a_wrong_password_is_told_apart_from_everything_else() {
    let bytes = write(
        &[identity(&mint::ec_key(), "One", "CA")],
        &[],
        &secret(),
        Form::Modern,
    )
    .unwrap();
    let error = read(&bytes, &password("wrong")).unwrap_err();
    assert!(
        matches!(error, Pkcs12Error::WrongPassword { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("HMAC-SHA256"), "{error}");
    assert_eq!(
        read(&bytes, &password("\u{1f512}")).unwrap_err(),
        Pkcs12Error::PasswordNotBmp
    );
    assert_eq!(
        why_import_failed(&bytes, &password("wrong"), 14),
        Diagnosis::WrongPassword
    );
    let diagnosis = why_import_failed(&bytes, &secret(), 14);
    assert!(
        matches!(&diagnosis, Diagnosis::Algorithm { macos: 14, because, modern_reads_it: true }
            if because == "HMAC-SHA256 as MAC"),
        "{diagnosis}"
    );
    assert!(
        diagnosis
            .to_string()
            .contains("the password is right, but macOS 14")
    );
    assert_eq!(
        why_import_failed(&bytes, &secret(), 15),
        Diagnosis::NotTheFile {
            macos: 15,
            needs_format: true
        }
    );
    let every = read(&bytes, &secret())
        .unwrap()
        .convert(&secret(), Form::EveryMac)
        .unwrap();
    assert_eq!(
        why_import_failed(&every, &secret(), 12),
        Diagnosis::NotTheFile {
            macos: 12,
            needs_format: false
        }
    );
    assert!(matches!(
        why_import_failed(b"", &secret(), 15),
        Diagnosis::File(_)
    ));
}

#[test]
fn passwords_that_security_cannot_take_are_refused_before_writing() {
    let contents = [identity(&mint::ec_key(), "One", "CA")];
    let write = |text: &str| write(&contents, &[], &password(text), Form::EveryMac).unwrap_err();
    assert_eq!(write(""), Pkcs12Error::EmptyPassword);
    assert_eq!(write("pässword"), Pkcs12Error::PasswordNotAscii);
}

#[test]
fn a_password_that_opens_the_file_but_not_for_security_is_named() {
    for (text, expected) in [
        ("", Diagnosis::EmptyPassword),
        ("pässword", Diagnosis::PasswordNotAscii),
    ] {
        let one = identity(&mint::ec_key(), "One", "CA");
        let bytes = keystore(&[one], &[])
            .unwrap()
            .writer(text)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .encryption_iterations(1)
            .mac_iterations(1)
            .write()
            .unwrap();
        assert_eq!(why_import_failed(&bytes, &password(text), 14), expected);
    }
}

#[test]
fn a_file_without_keys_lists_its_certificates_and_has_no_identity() {
    let ca = authority("CA", "CA");
    let mut store = KeyStore::new();
    store.add_entry(
        "ca",
        KeyStoreEntry::Certificate(Certificate::from_der(&ca).unwrap()),
    );
    let bytes = store
        .writer("p")
        .encryption_iterations(1)
        .mac_iterations(1)
        .write()
        .unwrap();
    let contents = read(&bytes, &password("p")).unwrap();
    assert_eq!(contents.other_certificates, [ca]);
    let expected = Pkcs12Error::NoIdentity {
        certificates: 1,
        lone_keys: 0,
    };
    assert!(contents.identities.is_empty());
    assert_eq!(
        contents
            .convert(&password("p"), Form::EveryMac)
            .unwrap_err(),
        expected
    );
    assert_eq!(
        why_import_failed(&bytes, &password("p"), 15),
        Diagnosis::NoKey
    );
    assert_eq!(
        super::write(&[], &[], &password("p"), Form::Modern).unwrap_err(),
        Pkcs12Error::NoIdentity {
            certificates: 0,
            lone_keys: 0
        }
    );
}

#[test]
fn a_key_without_its_certificate_stands_alone() {
    let key = mint::ec_key();
    let mut store = KeyStore::new();
    store.add_entry(
        "stray",
        KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(
            b"id".as_slice(),
            p12_keystore::PrivateKey::from_der(key.expose()).unwrap(),
            [Certificate::from_der(&authority("CA", "CA")).unwrap()],
        )),
    );
    let bytes = store
        .writer("p")
        .encryption_iterations(1)
        .mac_iterations(1)
        .write()
        .unwrap();
    let contents = read(&bytes, &password("p")).unwrap();
    assert!(
        contents.identities.is_empty(),
        "the local key id is not believed"
    );
    assert_eq!(contents.lone_keys[0].why, LoneKeyReason::NoCertificate);
    assert_eq!(
        contents.lone_keys[0].friendly_name.as_deref(),
        Some("stray")
    );
    assert_eq!(contents.lone_keys[0].algorithm, "1.2.840.10045.2.1");
}

#[test]
fn secrets_do_not_show_in_debug() {
    let one = identity(&mint::ec_key(), "One", "CA");
    let shown = format!("{one:?}");
    assert!(shown.contains("PrivateKey(…)"), "{shown}");
}

#[test]
fn every_cut_of_a_file_is_refused_and_none_panics() {
    let bytes = write(
        &[identity(&mint::ec_key(), "One", "CA")],
        &[],
        &secret(),
        Form::EveryMac,
    )
    .unwrap();
    for length in 4..bytes.len() {
        let error = Algorithms::read(&bytes[..length]).unwrap_err();
        assert_eq!(
            error,
            Pkcs12Error::Truncated {
                size: length,
                missing: bytes.len() - length
            }
        );
    }
    let mut longer = bytes.clone();
    longer.push(b'\n');
    let error = Algorithms::read(&longer).unwrap_err();
    assert!(
        error.to_string().contains("1 bytes follow the PFX"),
        "{error}"
    );
}

#[test]
fn every_flipped_byte_is_refused_or_read_and_none_panics() {
    let bytes = write(
        &[identity(&mint::ec_key(), "One", "CA")],
        &[],
        &secret(),
        Form::Modern,
    )
    .unwrap();
    // Structure only: the walk is what sees unauthenticated bytes first.
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let _ = Algorithms::read(&damaged);
        }
    }
    let mut damaged = bytes.clone();
    let middle = bytes.len() / 2;
    damaged[middle] ^= 1;
    assert!(read(&damaged, &secret()).is_err());
}

#[test]
fn what_is_no_pkcs12_is_named() {
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"-----BEGIN CERTIFICATE-----\n", "PEM text"),
        (b"<?xml version=\"1.0\"?>", "XML"),
        (b"bplist00", "binary property list"),
        (
            b"MIIKJAIBAzCCCd4GCSqGSIb3DQEHAaCCCc8Eggn\nLMIIJxzCC",
            "base64",
        ),
        (b"\xfe\xed\xfe\xed\0\0", "Java keystore"),
        (b"kych\0\x01", "a keychain"),
        (b"hello", "some other text"),
        (b"\x30\x03\x02\x01\x00", "another version"),
        (b"\x30\x02\x30\x00", "a certificate"),
        (b"\x30\x03\x06\x01\x2a", "CMS"),
        (b"\x30\x02\x04\x00", "some other DER"),
        (b"\x30\x80\x02\x01\x03", "BER"),
        (
            b"\x30\x84\xff\xff\xff\xff\x02",
            "cut: 4294967294 bytes are missing",
        ),
        (
            b"\x30\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01",
            "impossible",
        ),
        (b"\x30", "cut: 1 bytes"),
    ] {
        let error = Algorithms::read(bytes).unwrap_err().to_string();
        assert!(error.contains(found), "{found}: {error}");
    }
    assert!(matches!(
        Algorithms::read(&vec![0x30; MAX_FILE + 1]).unwrap_err(),
        Pkcs12Error::TooLarge { .. }
    ));
}

#[test]
fn iterations_without_bound_are_refused_before_they_are_run() {
    let one = identity(&mint::ec_key(), "One", "CA");
    let with = |encryption: u32, mac: u32| {
        let store = keystore(std::slice::from_ref(&one), &[]).unwrap();
        let mut bytes = store
            .writer("p")
            .encryption_iterations(encryption)
            .mac_iterations(mac)
            .write()
            .unwrap();
        // The count is swapped for one of the same length after writing, so that the test does not run it itself.
        let cheap = [0x02, 0x02, 0x12, 0x34];
        let dear = |bytes: &[u8]| bytes.windows(4).position(|window| window == cheap);
        let mut swapped = 0;
        while let Some(at) = dear(&bytes) {
            bytes[at + 2] = 0x92;
            swapped += 1;
        }
        (bytes, swapped)
    };
    let (negative, swapped) = with(1, 0x1234);
    assert_eq!(swapped, 1);
    let error = Algorithms::read(&negative).unwrap_err();
    assert!(error.to_string().contains("not positive"), "{error}");

    let pfx = |iterations: &[u8]| mint::pfx_with_mac_iterations(iterations);
    assert!(
        Algorithms::read(&pfx(&[0x0f, 0x42, 0x40])).is_ok(),
        "a million is granted"
    );
    for too_many in [&[0x0f, 0x42, 0x41][..], &[0x7f; 4], &[0x7f; 8], &[0x7f; 20]] {
        let error = Algorithms::read(&pfx(too_many)).unwrap_err();
        assert!(matches!(error, Pkcs12Error::TooMuchWork { .. }), "{error}");
        let error = read(&pfx(too_many), &password("p")).unwrap_err();
        assert!(matches!(error, Pkcs12Error::TooMuchWork { .. }), "{error}");
    }
    assert!(Algorithms::read(&pfx(&[0])).is_err());
}

#[test]
fn errors_say_what_happened_and_hints_what_to_do() {
    for (bytes, does) in [
        (
            &b"-----BEGIN CERTIFICATE-----\n"[..],
            "openssl pkcs12 -export",
        ),
        (
            b"MIIKJAIBAzCCCd4GCSqGSIb3DQEHAaCCCc8Eggn",
            "base64 --decode",
        ),
        (b"\xfe\xed\xfe\xed\0\0", "keytool -importkeystore"),
        (b"\x30\x80\x02\x01\x03", "openssl pkcs12 -in F"),
        (b"\x30", "copy the file again"),
    ] {
        let error = Algorithms::read(bytes).unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains(does), "{hint}");
        assert!(!error.to_string().contains(does), "{error}");
        assert_eq!(error.code(), ErrorCode::FileMalformed);
    }
    let wrong = Pkcs12Error::WrongPassword {
        algorithms: "HMAC-SHA256".to_owned(),
    };
    assert_eq!(wrong.remedy(), Some(Remedy::GivePassword));
    let diagnosis = Diagnosis::File(wrong.clone());
    assert_eq!(diagnosis.to_string(), wrong.to_string());
    assert_eq!(diagnosis.hint(), wrong.hint());
}
