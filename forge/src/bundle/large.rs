//! A bundle that is too large to hold: what benches verify.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::mac_app;
use crate::code_directory::HashType;
use crate::code_resources::{Seal, Sealed};
use crate::code_signature::SigningIdentity;
use crate::stream;

/// Bytes of one resource.
const EACH: u64 = 1 << 20;

/// Writes a deep bundle of about so many bytes into a folder, signed with SHA-256 alone: nine tenths are resources of one
/// MiB, the rest is code in two slices. Returns the path of the bundle.
pub fn write_large(folder: &Path, signer: &SigningIdentity, bytes: u64) -> io::Result<PathBuf> {
    let mut spec = mac_app(signer);
    for slice in &mut spec.executable.slices {
        slice.content = (bytes / 20) as usize;
    }
    let root = folder.join(&spec.name);
    let resources = root.join("Contents/Resources/Data");
    fs::create_dir_all(&resources)?;
    let block = stream::bytes("a block of data", 64 << 10);
    let mut sealed = Vec::new();
    for number in 0..(bytes / 10 * 9).div_ceil(EACH) {
        let name = format!("{number:05}.dat");
        let (old, new) = write_resource(&resources.join(&name), number, &block)?;
        sealed.push((format!("Resources/Data/{name}"), old, new));
    }
    spec.sealing.hooks.push(Arc::new(move |seals| {
        let file = |kind, digest: &Vec<u8>| Seal {
            what: Sealed::File(vec![(kind, digest.clone())]),
            optional: false,
        };
        for (path, old, new) in &sealed {
            if let Some((files, _)) = &mut seals.old {
                files.insert(path.clone(), file(HashType::Sha1, old));
            }
            seals
                .files2()
                .insert(path.clone(), file(HashType::Sha256, new));
        }
    }));
    spec.sign().write_to(folder)
}

/// Writes one resource; returns its SHA-1 and its SHA-256.
fn write_resource(path: &Path, number: u64, block: &[u8]) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut old, mut new) = (Sha1::new(), Sha256::new());
    let mut write = |bytes: &[u8]| {
        old.update(bytes);
        new.update(bytes);
        file.write_all(bytes)
    };
    // No two are alike.
    let head = number.to_le_bytes();
    write(&head)?;
    write(&block[head.len()..])?;
    for _ in 1..EACH / block.len() as u64 {
        write(block)?;
    }
    file.flush()?;
    Ok((old.finalize().to_vec(), new.finalize().to_vec()))
}
