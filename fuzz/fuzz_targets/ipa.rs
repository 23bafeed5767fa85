//! An archive, listed and verified: what it holds has paths of a tree, each file has the bytes that it says or cannot be read, and
//! the work is bounded.
#![no_main]

use std::io::Write as _;

use countersign::apple::anchors::Anchors;
use countersign::apple::code_signature::product::{EntryKind, MAX_ENTRIES, Product as _};
use countersign::apple::code_signature::verify::verify;
use countersign::apple::signed_message::Verifier;
use countersign::host::product::archive::ArchiveProduct;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a few bytes");
    let product = match ArchiveProduct::list(file.path()) {
        Ok(product) => product,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let entries = product.tree().entries();
    assert!(entries.len() <= MAX_ENTRIES);
    for entry in entries.iter().take(64) {
        let EntryKind::File { size, .. } = entry.kind else {
            continue;
        };
        let Ok(mut contents) = product.open(&entry.path) else {
            continue;
        };
        let (mut at, mut buffer) = (0, [0; 4096]);
        // A file of a megabyte is as good as a larger one.
        while at < (1 << 20) {
            match contents.read_at(at, &mut buffer) {
                Ok(0) => {
                    assert_eq!(at, size, "{}", entry.path);
                    break;
                }
                Ok(found) => at += found as u64,
                Err(error) => {
                    assert!(!error.reason.is_empty());
                    break;
                }
            }
            assert!(at <= size, "{}", entry.path);
        }
    }
    let report = verify(
        &product,
        &Verifier::new(Anchors::apple()),
        Timestamp::UNIX_EPOCH,
    );
    for finding in report.findings() {
        assert!(finding.hint.is_some(), "{finding:?}");
    }
});
