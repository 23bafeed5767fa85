//! Whatever `security find-identity` seems to have printed: no panic, and a listing that was believed writes itself
//! in the same grammar.
#![no_main]

use countersign::apple::identity::IdentityListing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|captured: &[u8]| {
    let Ok(listing) = IdentityListing::parse(captured) else {
        return;
    };
    for rows in listing.matching.iter().chain([&listing.valid]) {
        assert!((1..).zip(rows).all(|(index, row)| row.index == index));
    }
    assert!(listing.valid_certificates().len() <= listing.valid.len());
    let written = listing.to_string();
    assert_eq!(IdentityListing::parse(written.as_bytes()), Ok(listing));
});
