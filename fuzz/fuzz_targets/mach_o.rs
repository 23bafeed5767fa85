//! A program, verified: slices lie in the file and apart from each other, findings name it, and nothing but Acme's own bytes would
//! be proven under Apple's roots.
#![no_main]

use countersign::apple::anchors::Anchors;
use countersign::apple::code_signature::mach_o::{MAX_SLICES, MachO};
use countersign::apple::code_signature::product::{
    Contents, Entry, EntryKind, Product, ReadError, Tree,
};
use countersign::apple::code_signature::verify::{VerifiedProduct, verify};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

/// A product that is one file.
struct Program<'a> {
    bytes: &'a [u8],
    tree: Tree,
}

impl Product for Program<'_> {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn open(&self, _: &str) -> Result<Box<dyn Contents + '_>, ReadError> {
        Ok(Box::new(self.bytes))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.len() as u64;
    let mut file = bytes;
    match MachO::read(&mut file) {
        Ok(Some(found)) => {
            assert!(found.slices.len() <= MAX_SLICES as usize + 1);
            for slice in &found.slices {
                assert!(slice.place.start <= slice.place.end && slice.place.end <= size);
            }
        }
        Ok(None) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let entry = Entry {
        path: "program".into(),
        kind: EntryKind::File {
            size,
            is_executable: true,
        },
    };
    let tree = Tree::new(vec![entry]).expect("one path");
    let report = verify(
        &Program { bytes, tree },
        &Verifier::new(Anchors::apple()),
        Timestamp::UNIX_EPOCH,
    );
    for finding in report.findings() {
        assert!(finding.hint.is_some(), "{finding:?}");
    }
    let blocks = report.findings().iter().any(finding::blocks);
    let is_empty = report.items.is_empty();
    assert_eq!(VerifiedProduct::of(report).is_ok(), !blocks && !is_empty);
});
