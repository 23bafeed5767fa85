//! Requirements as signatures hold them: what was read prints as a text that is read as the same requirement, and a question to
//! it ends.
#![no_main]

use countersign::apple::code_signature::requirement::Expression;
use countersign::apple::code_signature::requirement::binary::{parse, parse_set};
use countersign::apple::code_signature::requirement::evaluate::Code;
use countersign::apple::code_signature::requirement::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse_set(bytes) {
        Ok(set) => set.iter().for_each(|(_, requirement)| judge(requirement)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match parse(bytes) {
        Ok(requirement) => judge(&requirement),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn judge(requirement: &Expression) {
    let printed = requirement.to_string();
    assert!(!printed.is_empty());
    // Texts do not hold everything: binary strings, operations of systems to come.
    if let Ok(back) = text::parse(&printed) {
        let again = back.to_string();
        assert_eq!(text::parse(&again).map(|back| back.to_string()), Ok(again));
    }
    let _ = requirement.ask(&Code {
        identifier: "com.acme.rocket",
        cdhashes: &[[0; 20]],
        platform: 0,
        chain: &[],
        info: None,
        entitlements: None,
    });
}
