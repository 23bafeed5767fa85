//! The second reader: offsets and digests, and nothing of what they mean.

use std::collections::BTreeMap;

use forge::bundle::{Entry, Product};
use sha2::Digest;

pub(crate) fn be(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

pub(crate) fn le(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The thin images in a file, the hidden one too.
pub(crate) fn slices(file: &[u8]) -> Vec<&[u8]> {
    if be(file, 0) != 0xcafe_babe {
        return vec![file];
    }
    let counted = be(file, 4);
    let entry = |index: usize| 8 + 20 * index;
    let hidden = usize::from(be(file, entry(counted)) == 0x0100_000c);
    let entries = 0..counted + hidden;
    entries
        .map(|index| {
            let (offset, size) = (be(file, entry(index) + 8), be(file, entry(index) + 12));
            assert_eq!(
                offset % (1 << be(file, entry(index) + 16)),
                0,
                "slices are aligned"
            );
            &file[offset..offset + size]
        })
        .collect()
}

/// Offset and size of the signature, and whether `__LINKEDIT` ends where the image ends.
pub(crate) fn signature_place(image: &[u8]) -> Option<(usize, usize)> {
    let wide = le(image, 0) == 0xfeed_facf;
    let mut at = if wide { 32 } else { 28 };
    let mut place = None;
    assert!(le(image, 16) < 100, "few load commands");
    for _ in 0..le(image, 16) {
        let (command, size) = (le(image, at), le(image, at + 4));
        if command == 0x1d {
            place = Some((le(image, at + 8), le(image, at + 12)));
        }
        if matches!(command, 1 | 0x19) && image[at + 8..].starts_with(b"__LINKEDIT\0") {
            let end = match wide {
                true => le(image, at + 40) + le(image, at + 48),
                false => le(image, at + 32) + le(image, at + 36),
            };
            assert_eq!(end, image.len(), "__LINKEDIT is the end");
        }
        at += size;
    }
    place
}

/// The blobs of an image's signature, by type.
pub(crate) fn blobs(image: &[u8]) -> BTreeMap<usize, &[u8]> {
    let (offset, room) = signature_place(image).unwrap();
    let all = &image[offset..offset + room];
    assert_eq!(be(all, 0), 0xfade_0cc0);
    assert!(be(all, 4) <= room);
    assert!(be(all, 8) < 100, "few blobs");
    let each = (0..be(all, 8)).map(|index| {
        let at = be(all, 12 + 8 * index + 4);
        (be(all, 12 + 8 * index), &all[at..at + be(all, at + 4)])
    });
    each.collect()
}

pub(crate) fn digest(kind: u8, bytes: &[u8]) -> Vec<u8> {
    match kind {
        1 => sha1::Sha1::digest(bytes).to_vec(),
        2 => sha2::Sha256::digest(bytes).to_vec(),
        3 => sha2::Sha256::digest(bytes)[..20].to_vec(),
        4 => sha2::Sha384::digest(bytes).to_vec(),
        other => panic!("hash type {other}"),
    }
}

/// Recomputes every slot of a CodeDirectory.
pub(crate) fn check_directory(directory: &[u8], image: &[u8], components: &BTreeMap<usize, &[u8]>) {
    assert_eq!(be(directory, 0), 0xfade_0c02);
    let (kind, size, bits) = (directory[37], usize::from(directory[36]), directory[39]);
    let hashes = be(directory, 16);
    let version = be(directory, 8);
    let wide = version >= 0x20300 && be(directory, 60) > 0;
    let limit = if wide {
        be(directory, 60)
    } else {
        be(directory, 32)
    };
    assert_eq!(
        limit,
        signature_place(image).unwrap().0,
        "all but the signature is covered"
    );
    let page = if bits == 0 { limit } else { 1 << bits };
    assert_eq!(be(directory, 28), limit.div_ceil(page));
    for (index, page) in image[..limit].chunks(page).enumerate() {
        let at = hashes + size * index;
        assert_eq!(digest(kind, page), directory[at..at + size], "page {index}");
    }
    for special in 1..=be(directory, 24) {
        let at = hashes - size * special;
        let expected = match components.get(&special) {
            Some(bytes) => digest(kind, bytes),
            None => vec![0; size],
        };
        assert_eq!(expected, directory[at..at + size], "special slot {special}");
    }
    let highest = components
        .keys()
        .filter(|slot| (1..=11).contains(*slot))
        .max();
    assert_eq!(highest.copied().unwrap_or_default(), be(directory, 24));
}

/// Recomputes every slot of every slice of every signed item.
pub(crate) fn check_product(product: &Product) -> usize {
    let mut checked = 0;
    for item in &product.items {
        let file = product.bundle.file(&item.executable);
        let info = [
            format!("{}/Info.plist", item.base),
            format!("{}/Resources/Info.plist", item.base),
            "Info.plist".to_owned(),
        ];
        let info = info
            .iter()
            .find(|path| product.bundle.entries.contains_key(*path));
        for (image, signed) in slices(file).into_iter().zip(&item.slices) {
            assert_eq!(signature_place(image).unwrap().0, signed.offset);
            let mut components = blobs(image);
            let inside = &product.spec.executable.slices[0].info_plist;
            if let Some(info) = inside {
                components.insert(1, info);
            }
            if let Some(path) = &item.resources {
                components.insert(3, product.bundle.file(path));
                components.insert(1, product.bundle.file(info.unwrap()));
            }
            let directories = components.clone();
            for (kind, blob) in directories {
                if kind == 0 || (0x1000..0x1005).contains(&kind) {
                    check_directory(blob, image, &components);
                    checked += 1;
                }
            }
        }
    }
    checked
}

/// Every file that a seal of version 2 names, held against the bundle; returns how many seals of each kind there are.
pub(crate) fn check_seals(product: &Product, path: &str) -> [usize; 3] {
    let item = product.item(path);
    let list = product.bundle.file(item.resources.as_ref().unwrap());
    let list: plist::Dictionary = plist::from_bytes(list).unwrap();
    let mut counts = [0; 3];
    for (below, seal) in list["files2"].as_dictionary().unwrap() {
        let seal = seal.as_dictionary().unwrap();
        let at = match item.base.as_str() {
            "" => below.clone(),
            base => format!("{base}/{below}"),
        };
        if let Some(target) = seal.get("symlink") {
            let target = target.as_string().unwrap().to_owned();
            assert_eq!(product.bundle.entries[&at], Entry::Link(target));
            counts[1] += 1;
        } else if let Some(cdhash) = seal.get("cdhash") {
            let nested = product.item(&at);
            assert_eq!(cdhash.as_data().unwrap(), nested.slices[0].cdhash());
            assert_eq!(
                seal["requirement"].as_string().unwrap(),
                nested.designated.text()
            );
            counts[2] += 1;
        } else {
            let file = product.bundle.file(&at);
            let mut digests = 0;
            for (key, sealed) in seal {
                let Some(number) = key.strip_prefix("hash") else {
                    continue;
                };
                let kind = if number.is_empty() {
                    1
                } else {
                    number.parse().unwrap()
                };
                assert_eq!(sealed.as_data().unwrap(), digest(kind, file), "{at}");
                digests += 1;
            }
            assert_eq!(digests, item.slices[0].directories.len(), "{at}");
            counts[0] += 1;
        }
    }
    counts
}

/// Every entry below an item's base is sealed, by itself or by the code that it is in, or is one that no seal is about.
pub(crate) fn check_nothing_is_unsealed(product: &Product, path: &str) {
    let item = product.item(path);
    let list = product.bundle.file(item.resources.as_ref().unwrap());
    let list: plist::Dictionary = plist::from_bytes(list).unwrap();
    let sealed = list["files2"].as_dictionary().unwrap();
    for (below, entry) in product.bundle.below(&item.base) {
        let at = match item.base.as_str() {
            "" => below.clone(),
            base => format!("{base}/{below}"),
        };
        let known = ["Info.plist", "PkgInfo", "_CodeSignature/CodeResources"];
        if at == item.executable || known.contains(&below.as_str()) || entry == Entry::Directory {
            continue;
        }
        let within = sealed
            .keys()
            .any(|seal| below == *seal || below.starts_with(&format!("{seal}/")));
        assert!(within, "{at} is not sealed");
    }
}
