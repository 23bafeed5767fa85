//! A CodeDirectory: every slot that it says it has is there, none that it has not, and its own bytes read back as the same.
#![no_main]

use countersign::apple::code_signature::code_directory::CodeDirectory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let directory = match CodeDirectory::parse(bytes) {
        Ok(directory) => directory,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let length = directory.hash_type.length();
    for page in [
        0,
        directory.code_slots / 2,
        directory.code_slots.saturating_sub(1),
    ] {
        let found = directory.page(page);
        assert_eq!(found.is_some(), page < directory.code_slots);
        assert!(found.is_none_or(|hash| hash.len() == length));
    }
    assert_eq!(directory.page(directory.code_slots), None);
    for slot in 0..=directory.special_slots.saturating_add(1).min(64) {
        let there = (1..=directory.special_slots).contains(&slot);
        assert!(there || directory.special(slot).is_none(), "slot {slot}");
        let found = directory.special(slot);
        assert!(
            found.is_none_or(|hash| hash.len() == length && hash.iter().any(|byte| *byte != 0))
        );
    }
    assert!(directory.page_size().is_none_or(u64::is_power_of_two));
    assert!(!directory.identifier.contains('\0'));
    assert!(directory.whole_hash().starts_with(&directory.cdhash()));
    let _ = directory.flags.to_string();
    let back = CodeDirectory::parse(directory.bytes()).expect("what was read is read");
    assert_eq!(back.cdhash(), directory.cdhash());
    assert_eq!(back.identifier, directory.identifier);
});
