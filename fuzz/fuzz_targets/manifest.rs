//! `profiles.json`: any bytes are read or refused, and what was read writes itself, once and for all, in one form.
#![no_main]

use countersign::base::error::Explain as _;
use countersign::context::manifest::diff::diff;
use countersign::context::manifest::freeze::{Previous, freeze, ordered};
use countersign::context::manifest::{FactsDigest, MAX_REVISION, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let manifest = match Manifest::parse(bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let Some(line) = error.place().line {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(line <= lines as u64);
            }
            return;
        }
    };
    let content = manifest.content();
    assert_eq!(
        content.to_bytes(),
        bytes,
        "what is read is what freezing writes"
    );
    assert!(diff(content, content).is_empty());
    for (index, profile) in manifest.profiles().iter().enumerate() {
        assert_eq!(manifest.facts(index), Some(FactsDigest::of(profile)));
        assert_eq!(
            manifest.profile(&profile.uuid).map(|(_, found)| found),
            Some(profile)
        );
        assert!(manifest.has_bytes(&profile.sha256));
    }
    // Freezing what is already frozen changes the revision and nothing else, in whatever order it was found.
    let Ok(previous) = Previous::from_bytes(bytes) else {
        return assert_eq!(
            content.revision, MAX_REVISION,
            "only the last one has no successor"
        );
    };
    let mut found = content.profiles.clone();
    found.reverse();
    let profiles = ordered(found).expect("each UUID stands once");
    let next = freeze(profiles, None, Vec::new(), Some(&previous));
    assert_eq!(next.profiles, content.profiles);
    assert_eq!(next.targets, content.targets);
    assert_eq!(next.revision, content.revision + 1);
});
