//! Any bytes as an `.xcscheme`: never a panic, no more entries than bytes, and lines that exist.
#![no_main]

use std::path::Path;

use countersign::xcode::scheme;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    match scheme::parse(
        Path::new("App.xcodeproj/xcshareddata/xcschemes/App.xcscheme"),
        bytes,
    ) {
        Ok(scheme) => {
            assert!(scheme.entries.len() <= bytes.len());
            for entry in &scheme.entries {
                assert!((1..=lines).contains(&entry.line), "{entry:?}");
                let _ = entry.project(Path::new("All.xcworkspace"));
            }
        }
        Err(finding) => {
            assert!(
                finding
                    .place
                    .line
                    .is_some_and(|line| (1..=lines).contains(&line)),
                "{finding:?}"
            );
        }
    }
});
