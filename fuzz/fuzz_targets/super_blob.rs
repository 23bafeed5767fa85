//! A SuperBlob and the signature in it: every blob lies inside, none is found that is not in the index, and what is written anew
//! from the blobs reads back as the same.
#![no_main]

use countersign::apple::code_signature::embedded::Signature;
use countersign::apple::code_signature::super_blob::{
    EMBEDDED_SIGNATURE, HEADER, MAX_BLOBS, SuperBlob, blob,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((_, whole)) = blob(bytes) {
        assert!(whole.len() >= HEADER && bytes.starts_with(whole));
    }
    let signature = Signature::parse(bytes);
    let blobs = match SuperBlob::parse(bytes, EMBEDDED_SIGNATURE) {
        Ok(blobs) => blobs,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return assert!(signature.is_err(), "a signature is a SuperBlob");
        }
    };
    let found: Vec<(u32, &[u8])> = blobs.blobs().collect();
    assert!(found.len() <= MAX_BLOBS && blobs.length() <= bytes.len());
    for (kind, _) in &found {
        let first = found.iter().find(|(other, _)| other == kind);
        assert_eq!(
            blobs.find(*kind),
            first.map(|(_, blob)| *blob),
            "the first wins"
        );
    }
    let written = index(&found);
    let back = SuperBlob::parse(&written, EMBEDDED_SIGNATURE).expect("what was written is read");
    assert!(back.blobs().eq(found.iter().copied()));
    if let Ok(signature) = signature {
        judge(&signature);
    }
});

fn judge(signature: &Signature) {
    let best = signature.best().expect("it has a CodeDirectory");
    assert!(signature.cdhashes().contains(&best.cdhash()));
    for directory in signature.directories() {
        assert!(directory.hash_type.strength() <= best.hash_type.strength());
    }
    for slot in signature.slots() {
        assert!(signature.component(slot).is_some());
    }
}

/// An index of these blobs, without gaps.
fn index(blobs: &[(u32, &[u8])]) -> Vec<u8> {
    let word = |number: usize| {
        u32::try_from(number)
            .expect("smaller than 4 GB")
            .to_be_bytes()
    };
    let (mut entries, mut bodies) = (Vec::new(), Vec::new());
    for (kind, blob) in blobs {
        entries.extend(kind.to_be_bytes());
        entries.extend(word(12 + 8 * blobs.len() + bodies.len()));
        bodies.extend_from_slice(blob);
    }
    let length = 12 + entries.len() + bodies.len();
    let mut written = EMBEDDED_SIGNATURE.to_be_bytes().to_vec();
    written.extend(word(length));
    written.extend(word(blobs.len()));
    written.extend(entries);
    written.extend(bodies);
    written
}
