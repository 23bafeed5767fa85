//! Whatever a match repository stores: no panic, and what is put together is written as a PKCS#12 file and read back the same.
//!
//! PKCS#12 files have a target of their own.
#![no_main]

use countersign::apple::match_repository::identities::{StoredKey, pair};
use countersign::apple::match_repository::{Content, certificate, decrypt, version};
use countersign::apple::pkcs12::{Form, read, read_pem, write_one_time};
use countersign::base::secret::Password;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let password = Password::new("fuzz".to_owned());
    for expected in [Content::Profile, Content::Certificate, Content::Key] {
        match decrypt(bytes, expected, Some(&password)) {
            Ok(Some(opened)) => assert!(opened.expose().len() < bytes.len()),
            Ok(None) => assert_eq!(version(bytes), Ok(None)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Some(certificate) = certificate(bytes) {
        assert!(!certificate.der.is_empty());
    }
    let Ok(Some(pem)) = read_pem(bytes) else {
        return;
    };
    let key = StoredKey {
        file: "fuzz.p12".to_owned(),
        keys: pem.keys,
        certificates: pem.certificates,
    };
    let identities = pair(&[key], &[]).identities;
    if let Ok(file) = write_one_time(&identities, &password, Form::EveryMac) {
        let back = read(&file, &password).expect("what was written is read");
        assert_eq!(back.identities.len(), identities.len());
    }
});
