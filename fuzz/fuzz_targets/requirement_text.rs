//! Requirements as seals and people write them: a text that was read prints as one that is read as the same requirement, and a
//! question to it ends.
#![no_main]

use countersign::apple::code_signature::requirement::evaluate::Code;
use countersign::apple::code_signature::requirement::text::{MAX_BYTES, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(written) = std::str::from_utf8(bytes) else {
        return;
    };
    let requirement = match parse(written) {
        Ok(requirement) => requirement,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let printed = requirement.to_string();
    // An empty value is printed as nothing, as Apple's printer does.
    if printed.len() <= MAX_BYTES && !written.contains("\"\"") {
        assert_eq!(parse(&printed), Ok(requirement.clone()), "{printed}");
    }
    let _ = requirement.ask(&Code {
        identifier: "com.acme.rocket",
        cdhashes: &[[0; 20]],
        platform: 0,
        chain: &[],
        info: None,
        entitlements: None,
    });
});
