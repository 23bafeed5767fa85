//! Any bytes as a certificate: no panic, and what was read is what the bytes are, down to the manifest's line about it.
#![no_main]

use countersign::apple::anchors::certificates_from_pem;
use countersign::apple::ber::{Reader, Tag};
use countersign::apple::certificate::{Certificate, MAX_BYTES};
use countersign::context::manifest::PinnedCertificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificates) = certificates_from_pem(bytes) {
        assert!(!certificates.is_empty());
    }
    let certificate = match Certificate::from_der(bytes) {
        Ok(certificate) => certificate,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(bytes.len() <= MAX_BYTES);
    assert_eq!(*certificate.der, *bytes);
    let again = Certificate::from_der(&certificate.der).expect("its own encoding");
    assert_eq!(again.sha256, certificate.sha256);
    assert_eq!(again.kind, certificate.kind);
    // A name that is compared to find an issuer must be an element of the file and nothing more.
    for name in [certificate.subject(), certificate.issuer()] {
        let mut reader = Reader::new(name);
        if reader.read(Tag::SEQUENCE, "a name").is_ok() {
            assert!(reader.is_at_end());
        }
        assert!(
            bytes
                .windows(name.len().max(1))
                .any(|window| window == name)
        );
    }
    assert_eq!(
        certificate.is_self_issued(),
        certificate.subject() == certificate.issuer()
    );
    let _ = certificate.verify_issued_by(&certificate);
    assert!(certificate.serial_last_six().len() <= 6);
    assert!(certificate.markers().len() <= bytes.len());
    let _ = certificate.issuer_name();
    let pinned = PinnedCertificate::from(&certificate);
    let json = serde_json::to_string(&pinned).expect("it is JSON");
    let back: PinnedCertificate = serde_json::from_str(&json).expect("what was written is read");
    assert_eq!(back, pinned);
});
