//! Whatever a `.entitlements` file holds: no panic, no unbounded work, and what was read survives the manifest's JSON
//! and is covered by a profile that grants the same.
#![no_main]

use countersign::apple::entitlements::Entitlements;
use countersign::apple::entitlements::grant::PlatformFamily;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entitlements) = Entitlements::from_plist(bytes) else {
        return;
    };
    let json = serde_json::to_string(&entitlements).expect("entitlements are JSON");
    // `{"$data": "…"}` is how JSON marks data, so a dictionary with that one key comes back as data.
    if !json.contains("\"$data\":\"") {
        let back: Entitlements = serde_json::from_str(&json).expect("what was written is read");
        assert_eq!(back, entitlements);
    }
    for family in [PlatformFamily::Mac, PlatformFamily::Ios] {
        assert!(entitlements.grants(&entitlements, family).is_empty());
        for shortfall in Entitlements::default().grants(&entitlements, family) {
            assert!(entitlements.get(&shortfall.key).is_some());
            assert!(!shortfall.to_string().is_empty());
        }
    }
});
