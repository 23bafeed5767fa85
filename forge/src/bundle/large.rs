//! A bundle that is too large to hold: what benches verify.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mac_app;
use crate::code_directory::HashType;
use crate::code_resources::{Seal, Sealed};
use crate::code_signature::SigningIdentity;
use crate::stream;

/// Bytes of one resource.
const EACH: u64 = 1 << 20;

/// Writes a deep bundle of about so many bytes into a folder, signed under these hash types, slot 0's first: nine tenths are resources
/// of one MiB, the rest is code in two slices. Returns the path of the bundle.
pub fn write_large(
    folder: &Path,
    signer: &SigningIdentity,
    bytes: u64,
    kinds: &[HashType],
) -> io::Result<PathBuf> {
    let mut spec = mac_app(signer);
    spec.signature.hash_types = kinds.to_vec();
    for slice in &mut spec.executable.slices {
        slice.content = (bytes / 20) as usize;
    }
    let root = folder.join(&spec.name);
    let resources = root.join("Contents/Resources/Data");
    fs::create_dir_all(&resources)?;
    let block = stream::bytes("a block of data", 64 << 10);
    // The first version of the seal has SHA-1, and the second also what the signature has.
    let mut digested = vec![HashType::Sha1];
    digested.extend(kinds.iter().filter(|kind| **kind != HashType::Sha1));
    let mut sealed = Vec::new();
    for number in 0..(bytes / 10 * 9).div_ceil(EACH) {
        let name = format!("{number:05}.dat");
        let contents = resource(number, &block);
        fs::write(resources.join(&name), &contents)?;
        let digests: Vec<(HashType, Vec<u8>)> = digested
            .iter()
            .map(|kind| (*kind, kind.digest(&contents)))
            .collect();
        sealed.push((format!("Resources/Data/{name}"), digests));
    }
    let kinds = kinds.to_vec();
    spec.sealing.hooks.push(Arc::new(move |seals| {
        let file = |digests: Vec<(HashType, Vec<u8>)>| Seal {
            what: Sealed::File(digests),
            optional: false,
        };
        for (path, digests) in &sealed {
            let only = |wanted: &[HashType]| {
                let found = digests.iter().filter(|(kind, _)| wanted.contains(kind));
                file(found.cloned().collect())
            };
            if let Some((files, _)) = &mut seals.old {
                files.insert(path.clone(), only(&[HashType::Sha1]));
            }
            seals.files2().insert(path.clone(), only(&kinds));
        }
    }));
    spec.sign().write_to(folder)
}

/// The contents of one resource; no two are alike.
fn resource(number: u64, block: &[u8]) -> Vec<u8> {
    let mut contents = block.repeat((EACH / block.len() as u64) as usize);
    let head = number.to_le_bytes();
    contents[..head.len()].copy_from_slice(&head);
    contents
}
