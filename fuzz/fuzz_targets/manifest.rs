//! `profiles.json`: any bytes are read or refused, and what was read writes itself, once and for all, in one form.
#![no_main]

use countersign::context::manifest::diff::diff;
use countersign::context::manifest::freeze::{Previous, freeze, ordered};
use countersign::context::manifest::{MAX_REVISION, Manifest, ManifestError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let manifest = match Manifest::parse(bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let ManifestError::Json { line, .. } = error {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(line <= lines);
            }
            return;
        }
    };
    let content = manifest.content();
    let canonical = content.to_bytes();
    assert_eq!(manifest.is_canonical(bytes), canonical == bytes);
    let again = Manifest::parse(&canonical).expect("what was written is read");
    assert_eq!(again.content(), content);
    assert!(again.is_canonical(&canonical));
    assert_eq!(again.digest() == manifest.digest(), canonical == bytes);
    assert!(diff(content, content).is_empty());
    for profile in manifest.profiles() {
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
    let next = freeze(profiles, None, Some(&previous));
    assert_eq!(next.profiles, content.profiles);
    assert_eq!(next.targets, content.targets);
    assert_eq!(next.revision, content.revision + 1);
});
