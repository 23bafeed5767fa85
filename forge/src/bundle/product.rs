//! What was signed.

use std::io;
use std::path::{Path, PathBuf};

use super::{Bundle, Entry, Item, joined};
use crate::code_signature::SignedImage;
use crate::requirement::Requirement;
use crate::ticket::Ticket;

/// A signed bundle or tool, with what it was made of.
#[derive(Clone)]
pub struct Product {
    /// What was signed: changed and signed again by those who have the key.
    pub spec: Item,
    /// The files.
    pub bundle: Bundle,
    /// Every item with code, the outermost first.
    pub items: Vec<SignedItem>,
}

/// An item in a product: paths are below the product's root.
#[derive(Clone)]
pub struct SignedItem {
    /// Where it is; empty for the product itself.
    pub path: String,
    /// The folder that its seal is about.
    pub base: String,
    /// Its executable.
    pub executable: String,
    /// Its `CodeResources`; none for tools and unsigned items.
    pub resources: Option<String>,
    /// By which requirement others know it.
    pub designated: Requirement,
    /// log2 of the page size of its signature.
    pub page_bits: u8,
    /// Its slices with their signatures.
    pub slices: Vec<SignedImage>,
    /// Where each slice begins in the executable.
    pub places: Vec<usize>,
}

impl SignedItem {
    /// The same item in a bundle that is at a path.
    pub(super) fn below(mut self, path: &str) -> Self {
        for own in [&mut self.path, &mut self.base, &mut self.executable] {
            *own = joined(path, own);
        }
        self.resources = self.resources.map(|own| joined(path, &own));
        self
    }

    /// Where a slice's SuperBlob begins in the executable.
    pub fn signature_at(&self, slice: usize) -> usize {
        self.places[slice] + self.slices[slice].offset
    }

    /// Where the blob of that type begins in the executable. Panics where there is none.
    pub fn blob_at(&self, slice: usize, kind: u32) -> usize {
        let blobs = &self.slices[slice].blobs.blobs;
        let place = blobs.iter().position(|(known, _)| *known == kind).unwrap();
        let before: usize = blobs[..place].iter().map(|(_, bytes)| bytes.len()).sum();
        self.signature_at(slice) + 12 + 8 * blobs.len() + before
    }
}

impl Product {
    /// The item at a path. Panics where there is none.
    pub fn item(&self, path: &str) -> &SignedItem {
        let found = self.items.iter().find(|item| item.path == path);
        found.unwrap_or_else(|| panic!("no item is at {path:?}"))
    }

    /// Changes what was signed and signs again, as only somebody with the key can.
    pub fn signed_again(&self, change: impl FnOnce(&mut Item)) -> Product {
        let mut spec = self.spec.clone();
        change(&mut spec);
        spec.sign()
    }

    /// Changes the files, as anybody can.
    pub fn edited(&self, change: impl FnOnce(&mut Bundle)) -> Product {
        let mut edited = self.clone();
        change(&mut edited.bundle);
        edited
    }

    /// The same with a notarization ticket for all of its code, as the stapler leaves it. Only deep bundles have a place for
    /// one.
    pub fn stapled(&self) -> Product {
        let slices = self.items.iter().flat_map(|item| &item.slices);
        let directories = slices.flat_map(|slice| &slice.directories);
        let hashes = directories.map(|directory| (directory.hash_type as u8, directory.cdhash()));
        let ticket = Ticket::new(hashes.collect()).to_bytes();
        self.edited(|bundle| bundle.put("Contents/CodeResources", Entry::file(ticket)))
    }

    /// Writes the files into a folder; returns the path of the product.
    pub fn write_to(&self, folder: &Path) -> io::Result<PathBuf> {
        self.bundle.write_to(folder)
    }
}
