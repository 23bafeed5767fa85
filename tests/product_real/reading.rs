//! A second reader of signatures, small and without a line of the library: what it reads must be what the library shows.
//!
//! It trusts its input, which is intact: it panics where that is not so.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// One slice of a program, by where it lies in the file.
pub(crate) struct Slice {
    pub(crate) start: usize,
    /// The blobs of the signature, each by its slot: where it lies in the file, and its length.
    pub(crate) blobs: BTreeMap<u32, (usize, usize)>,
    pub(crate) directory: Directory,
}

/// Fields of a CodeDirectory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) cdhash: String,
    pub(crate) identifier: String,
    pub(crate) team: String,
    pub(crate) version: u32,
    pub(crate) flags: u32,
    pub(crate) code_slots: u32,
    pub(crate) special_slots: u32,
    pub(crate) page_size: usize,
    pub(crate) code_limit: usize,
    /// The special slots that are not zero.
    pub(crate) components: BTreeMap<u32, String>,
}

fn big(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn little(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8], at: u32) -> String {
    let rest = &bytes[at as usize..];
    let end = rest.iter().position(|byte| *byte == 0).unwrap();
    String::from_utf8(rest[..end].to_vec()).unwrap()
}

/// The slices of a fat program with 64 bits.
pub(crate) fn slices(file: &[u8]) -> Vec<Slice> {
    assert_eq!(big(file, 0), 0xcafe_babe, "a fat program");
    let starts = (0..big(file, 4) as usize).map(|index| big(file, 8 + 20 * index + 8) as usize);
    starts.map(|start| slice(file, start)).collect()
}

fn slice(file: &[u8], start: usize) -> Slice {
    assert_eq!(little(file, start), 0xfeed_facf, "Mach-O with 64 bits");
    let mut at = start + 32;
    let mut signature = None;
    for _ in 0..little(file, start + 16) {
        // LC_CODE_SIGNATURE
        if little(file, at) == 0x1d {
            signature = Some(start + little(file, at + 8) as usize);
        }
        at += little(file, at + 4) as usize;
    }
    let signature = signature.unwrap();
    assert_eq!(big(file, signature), 0xfade_0cc0, "an embedded signature");
    let blobs: BTreeMap<u32, (usize, usize)> = (0..big(file, signature + 8) as usize)
        .map(|index| {
            let entry = signature + 12 + 8 * index;
            let at = signature + big(file, entry + 4) as usize;
            (big(file, entry), (at, big(file, at + 4) as usize))
        })
        .collect();
    let alternates = blobs.keys().filter(|slot| (0x1000..0x1005).contains(*slot));
    assert_eq!(alternates.count(), 0, "it has one CodeDirectory");
    let (at, length) = blobs[&0];
    Slice {
        start,
        directory: directory(&file[at..at + length]),
        blobs,
    }
}

fn directory(blob: &[u8]) -> Directory {
    assert_eq!(big(blob, 0), 0xfade_0c02, "a CodeDirectory");
    let (size, hash_type) = (usize::from(blob[36]), blob[37]);
    assert_eq!((size, hash_type), (32, 2), "SHA-256");
    let hashes = big(blob, 16) as usize;
    let special_slots = big(blob, 24);
    let special = |slot: u32| {
        let at = hashes - size * slot as usize;
        &blob[at..at + size]
    };
    let there = (1..=special_slots).filter(|slot| special(*slot).iter().any(|byte| *byte != 0));
    Directory {
        cdhash: hex(&Sha256::digest(blob)[..20]),
        identifier: text(blob, big(blob, 20)),
        team: text(blob, big(blob, 48)),
        version: big(blob, 8),
        flags: big(blob, 12),
        code_slots: big(blob, 28),
        special_slots,
        page_size: 1 << blob[39],
        code_limit: big(blob, 32) as usize,
        components: there.map(|slot| (slot, hex(special(slot)))).collect(),
    }
}

/// How many files a seal names, and how many rules it has, in its second generation.
pub(crate) fn sealed(seal: &[u8]) -> (usize, usize) {
    let seal = plist::Value::from_reader_xml(seal).unwrap();
    let count = |key: &str| {
        let section = seal.as_dictionary().unwrap().get(key).unwrap();
        section.as_dictionary().unwrap().len()
    };
    (count("files2"), count("rules2"))
}
