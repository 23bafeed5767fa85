//! The inner layer's payload: no panic, errors point into it, and its form in definite lengths says the same.
#![no_main]

use countersign::apple::ber::{Reader, Tag};
use countersign::apple::der_profile::{self, DerProfileError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let claims = match der_profile::parse(payload) {
        Ok(claims) => claims,
        Err(error) => {
            if let DerProfileError::Encoding(at) | DerProfileError::Key { error: at, .. } = &error {
                assert!(at.offset <= payload.len(), "{error}");
            }
            return assert!(!error.to_string().is_empty());
        }
    };
    assert!(
        claims.repeated_keys.is_empty(),
        "a repeated key is refused here"
    );
    let set = Reader::new(payload).any("a SET").expect("it was read");
    if let Ok(definite) = set.to_definite(Tag::SET, usize::MAX) {
        assert_eq!(der_profile::parse(&definite).as_ref(), Ok(&claims));
    }
});
