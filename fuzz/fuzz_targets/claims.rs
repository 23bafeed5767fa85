//! The outer layer's property list, XML or binary, before any signature is looked at: no panic, no unbounded work.
#![no_main]

use countersign::apple::certificate::Certificate;
use countersign::apple::claims::{OuterPlist, PlistError};
use countersign::apple::{cms, der_profile};
use countersign::base::ids::CertSha256;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let outer = match OuterPlist::read(content) {
        Ok(outer) => outer,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let PlistError::Malformed(error) = &error {
                let lines = content.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(
                    error.at.line.is_none_or(|line| (1..=lines).contains(&line)),
                    "{error}"
                );
            }
            return;
        }
    };
    let fingerprints: Vec<_> = outer
        .certificate_ders
        .iter()
        .map(|der| CertSha256::of(der))
        .collect();
    assert_eq!(
        outer.claims.certificates.clone().unwrap_or_default(),
        fingerprints
    );
    for der in &outer.certificate_ders {
        let _ = Certificate::from_der(der);
    }
    if let Some(inner) = outer.inner.as_deref()
        && let Ok(message) = cms::parse(inner)
    {
        let _ = der_profile::parse(message.content.as_deref().unwrap_or_default());
    }
    assert_eq!(
        OuterPlist::read(content).expect("again").claims,
        outer.claims
    );
});
