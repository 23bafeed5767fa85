//! The signature of one piece of code: its CodeDirectories and components, wherever they lie.
//!
//! A Mach-O file holds them in a SuperBlob behind its code; code of another form keeps each in a file of `_CodeSignature`.
//! [`Signature::parse`] and [`Signature::of_files`] make the same value of both.

use std::collections::BTreeMap;

use super::code_directory::{CodeDirectory, CodeDirectoryError};
use super::slot;
use super::super_blob::{self, BlobError, SuperBlob};

/// The largest signature of a slice that is read, in bytes.
pub const MAX_BYTES: usize = 96 * 1024 * 1024;

/// Why a signature cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The SuperBlob is damaged.
    #[error("the signature cannot be read: {0}")]
    Blob(#[from] BlobError),
    /// A CodeDirectory is damaged or not known.
    #[error(transparent)]
    CodeDirectory(#[from] CodeDirectoryError),
    /// There is no CodeDirectory.
    #[error("the signature has no CodeDirectory")]
    NoCodeDirectory,
    /// Two CodeDirectories have one hash type.
    #[error("two CodeDirectories have the hash type {0}")]
    RepeatedHashType(String),
    /// The CMS message is not in its wrapper.
    #[error("the CMS message cannot be read: {0}")]
    Wrapper(BlobError),
    /// The signature is larger than what is read.
    #[error("a signature of {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(u64),
}

/// The signature of one piece of code.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The CodeDirectories: that of slot 0 first, then the alternates in their order. Never empty.
    directories: Vec<CodeDirectory>,
    /// The components by slot, each as its special slot is over it.
    components: BTreeMap<u32, Box<[u8]>>,
    /// The CMS message; empty where there is none.
    pub message: Box<[u8]>,
    /// An alternate that no system reads, because one before it is missing.
    pub stray_alternate: Option<u32>,
    /// What only the strict check objects to.
    pub irregularity: Option<String>,
    /// How many bytes the SuperBlob has; `None` where the components lie in files.
    pub length: Option<usize>,
}

impl Signature {
    /// Reads the signature of a slice: the bytes that its load command names.
    ///
    /// # Errors
    /// It is damaged, or has no CodeDirectory.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let blobs = SuperBlob::parse(bytes, super_blob::EMBEDDED_SIGNATURE)?;
        let message = match blobs.find(slot::SIGNATURE) {
            Some(blob) => {
                super_blob::payload(blob, super_blob::WRAPPER).map_err(SignatureError::Wrapper)?
            }
            None => &[],
        };
        let components = blobs.blobs().filter(|(kind, _)| *kind != slot::SIGNATURE);
        // Of two of one type the first counts, for every system.
        let mut first: BTreeMap<u32, Box<[u8]>> = BTreeMap::new();
        for (kind, blob) in components {
            first.entry(kind).or_insert_with(|| blob.into());
        }
        let mut signature = Self::of(first, message.into())?;
        let behind = bytes.get(blobs.length()..).unwrap_or_default();
        signature.irregularity = blobs.irregularity().or_else(|| {
            let is_padding = behind.iter().all(|byte| *byte == 0);
            (!is_padding).then(|| "the padding behind the signature is not zero".to_owned())
        });
        signature.length = Some(blobs.length());
        Ok(signature)
    }

    /// The signature of code whose components lie in files, by slot.
    ///
    /// # Errors
    /// It is damaged, or has no CodeDirectory.
    pub fn of_files(mut files: BTreeMap<u32, Box<[u8]>>) -> Result<Self, SignatureError> {
        let message = files.remove(&slot::SIGNATURE).unwrap_or_default();
        Self::of(files, message)
    }

    fn of(
        mut components: BTreeMap<u32, Box<[u8]>>,
        message: Box<[u8]>,
    ) -> Result<Self, SignatureError> {
        let mut directories = Vec::new();
        let first = components
            .remove(&slot::CODE_DIRECTORY)
            .ok_or(SignatureError::NoCodeDirectory)?;
        directories.push(CodeDirectory::parse(&first)?);
        let mut has_gap = false;
        let mut stray_alternate = None;
        for place in slot::FIRST_ALTERNATE..slot::ALTERNATES_END {
            let Some(bytes) = components.remove(&place) else {
                has_gap = true;
                continue;
            };
            if has_gap {
                stray_alternate.get_or_insert(place);
                continue;
            }
            let directory = CodeDirectory::parse(&bytes)?;
            let is_repeated = directories
                .iter()
                .any(|known: &CodeDirectory| known.hash_type == directory.hash_type);
            if is_repeated {
                return Err(SignatureError::RepeatedHashType(
                    directory.hash_type.to_string(),
                ));
            }
            directories.push(directory);
        }
        Ok(Self {
            directories,
            components,
            message,
            stray_alternate,
            irregularity: None,
            length: None,
        })
    }

    /// The CodeDirectories: that of slot 0 first.
    pub fn directories(&self) -> &[CodeDirectory] {
        &self.directories
    }

    /// The CodeDirectory that systems of today choose: the one with the strongest hash.
    pub fn best(&self) -> Option<&CodeDirectory> {
        let mut directories = self.directories.iter();
        let first = directories.next()?;
        Some(directories.fold(first, |best, other| {
            if other.hash_type.strength() > best.hash_type.strength() {
                other
            } else {
                best
            }
        }))
    }

    /// A component, as its special slot is over it.
    pub fn component(&self, slot: u32) -> Option<&[u8]> {
        self.components.get(&slot).map(AsRef::as_ref)
    }

    /// The slots of all components, CodeDirectories and message left out.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        self.components.keys().copied()
    }

    /// The cdhash of each CodeDirectory.
    pub fn cdhashes(&self) -> Vec<[u8; 20]> {
        self.directories.iter().map(CodeDirectory::cdhash).collect()
    }
}
