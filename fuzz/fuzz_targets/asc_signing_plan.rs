//! Whatever stands where a signing plan of asc is expected: no panic, and settings without a value are left out.
#![no_main]

use countersign::xcode::asc_signing_plan::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match read(&text) {
        Some(Ok(planned)) => {
            let settings = planned.iter().flat_map(|planned| &planned.settings);
            // Each value stands in the text; escapes make it no longer there.
            assert!(settings.map(|(_, value)| value.len()).sum::<usize>() <= 3 * bytes.len());
        }
        Some(Err(problem)) => assert!(!problem.is_empty()),
        None => {}
    }
});
