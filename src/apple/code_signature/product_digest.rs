//! The digest of a product that is a folder: one name for all of its files, the same for every copy.
//!
//! It is SHA-256 over this text, in UTF-8:
//!
//! 1. the line `countersign.product-digest.v1`;
//! 2. one record for each entry below the product's root, sorted by the bytes of their paths:
//!    - a folder: `d`, a space, its path, a zero byte;
//!    - a file: `f`, or `x` if anybody may execute it, a space, its path, a zero byte, the SHA-256 of its contents in lower
//!      case hex, a zero byte;
//!    - a link: `l`, a space, its path, a zero byte, its target as it stands there, a zero byte.
//!
//! Paths are relative to the root, with single slashes and no slash at either end. The root's own name, owners, times, other
//! mode bits, extended attributes and access lists are no part of it: they do not survive copies, and no signature covers them.
//! The digest of a product that is one file is SHA-256 of the file, as `shasum -a 256` prints it.

use schemars::JsonSchema;
use serde::Serialize;

use super::product::{Contents, Entry, EntryKind, Product, ReadError};
use crate::base::digest::{Digest, Sha256Stream};
use crate::base::parallel;

/// The first line of what is hashed.
const HEAD: &[u8] = b"countersign.product-digest.v1\n";

/// How the digest of a product is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Algorithm {
    /// SHA-256 of a file's bytes.
    #[serde(rename = "sha256")]
    File,
    /// That of a folder, as this module defines it.
    #[serde(rename = "countersignProductDigestV1")]
    Folder,
}

impl Algorithm {
    /// Its name in documents and envelopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "sha256",
            Self::Folder => "countersignProductDigestV1",
        }
    }

    /// The algorithm with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        [Self::File, Self::Folder]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

/// The digest of a product, and how it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductDigest {
    /// How.
    pub algorithm: Algorithm,
    /// The digest.
    pub digest: Digest,
}

/// How much of a file is read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// Why a product has no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// A file that cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// Its path in the product.
        path: String,
        /// Why.
        error: ReadError,
    },
    /// Something that is neither a file nor a link nor a folder, or that cannot be looked at.
    #[error("{path} is {what}")]
    Entry {
        /// Its path in the product.
        path: String,
        /// What it is.
        what: String,
    },
}

/// The digest of everything in a product.
///
/// # Errors
/// Something in it cannot be read, or is of a kind that no product has.
pub fn of_tree(product: &dyn Product) -> Result<Digest, DigestError> {
    let mut entries: Vec<&Entry> = product.tree().entries().iter().collect();
    entries.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    let records = parallel::map(entries, 1, |entry| record(product, entry));
    let mut whole = Sha256Stream::default();
    whole.update(HEAD);
    for record in records {
        whole.update(&record?);
    }
    Ok(whole.finish())
}

/// The digest of one file of a product.
///
/// # Errors
/// It cannot be read.
pub fn of_file(product: &dyn Product, path: &str) -> Result<Digest, DigestError> {
    let failed = |error| DigestError::Read {
        path: path.to_owned(),
        error,
    };
    let mut file = product.open(path).map_err(failed)?;
    contents(&mut *file).map_err(failed)
}

fn record(product: &dyn Product, entry: &Entry) -> Result<Vec<u8>, DigestError> {
    let other = |what: String| DigestError::Entry {
        path: entry.path.to_string(),
        what,
    };
    let (kind, rest) = match &entry.kind {
        EntryKind::Folder => (b'd', None),
        EntryKind::Link { target } => (b'l', Some(target.to_string())),
        EntryKind::File { is_executable, .. } => {
            let digest = of_file(product, &entry.path)?.to_string();
            let hex = digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned();
            (if *is_executable { b'x' } else { b'f' }, Some(hex))
        }
        EntryKind::Special(what) => return Err(other((*what).to_owned())),
        EntryKind::Unreadable(why) => return Err(other(format!("not readable: {why}"))),
    };
    let mut record = vec![kind, b' '];
    record.extend(entry.path.as_bytes());
    record.push(0);
    if let Some(rest) = rest {
        record.extend(rest.as_bytes());
        record.push(0);
    }
    Ok(record)
}

fn contents(file: &mut dyn Contents) -> Result<Digest, ReadError> {
    let mut digest = Sha256Stream::default();
    let mut buffer = vec![0; PIECE];
    let mut offset = 0_u64;
    loop {
        let read = file.read_at(offset, &mut buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok(digest.finish());
        }
        digest.update(piece);
        offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}
