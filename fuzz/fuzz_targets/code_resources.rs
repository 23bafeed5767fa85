//! A seal and its rules: bounded sizes, and every path that it names and some that it does not are matched in bounded time.
#![no_main]

use countersign::apple::code_signature::code_resources::{CodeResources, MAX_ENTRIES, SealKind};
use countersign::apple::code_signature::path_rules::{MAX_PATTERN, MAX_RULES, choose};
use libfuzzer_sys::fuzz_target;

/// Paths that Apple's rules tell apart, and one on which patterns go wrong that try every way.
const PATHS: [&str; 6] = [
    "Info.plist",
    "Resources/en.lproj/locversion.plist",
    "Resources/.DS_Store",
    "Frameworks/A.framework",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "",
];

fuzz_target!(|bytes: &[u8]| {
    let seal = match CodeResources::parse(bytes) {
        Ok(seal) => seal,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(matches!(seal.version, 1 | 2));
    assert!(seal.rules.len() <= MAX_RULES && seal.seals.len() <= MAX_ENTRIES);
    assert!(
        seal.rules
            .iter()
            .all(|rule| rule.pattern.len() <= MAX_PATTERN)
    );
    let _ = seal.weak_rule();
    let named = seal.seals.keys().take(64).map(AsRef::as_ref);
    for path in PATHS.into_iter().chain(named) {
        let chosen = choose(&seal.rules, path);
        let matching: Vec<_> = seal
            .rules
            .iter()
            .filter(|rule| rule.matches(path))
            .collect();
        let heaviest = matching.iter().map(|rule| rule.weight).max();
        assert_eq!(chosen.map(|rule| rule.weight), heaviest, "{path:?}");
    }
    for sealed in seal.seals.values() {
        assert!(!sealed.kind.name().is_empty());
        if let SealKind::File(hashes) = &sealed.kind {
            for (kind, hash) in hashes {
                assert_eq!(hash.len(), kind.length());
            }
        }
    }
});
