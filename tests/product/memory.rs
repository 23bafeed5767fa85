//! A bundle of the forge as a product, without a disk.

use countersign::apple::code_signature::product::{
    Contents, Entry, EntryKind, Product, ReadError, Tree,
};
use forge::bundle::{Bundle, Entry as Forged};

/// A bundle in memory.
pub(crate) struct MemoryProduct<'a> {
    bundle: &'a Bundle,
    tree: Tree,
}

impl<'a> MemoryProduct<'a> {
    pub(crate) fn new(bundle: &'a Bundle) -> Self {
        let entries = bundle.entries.iter().map(|(path, entry)| Entry {
            path: named(bundle, path).into(),
            kind: match entry {
                Forged::File { bytes, executable } => EntryKind::File {
                    size: bytes.len() as u64,
                    is_executable: *executable,
                },
                Forged::Link(target) => EntryKind::Link {
                    target: target.as_str().into(),
                },
                Forged::Directory => EntryKind::Folder,
                Forged::Socket => EntryKind::Special("a socket"),
            },
        });
        Self {
            bundle,
            tree: Tree::new(entries.collect()).unwrap(),
        }
    }
}

/// The path of an entry; a lone program has none of its own.
fn named<'a>(bundle: &'a Bundle, path: &'a str) -> &'a str {
    if path.is_empty() { &bundle.name } else { path }
}

impl Product for MemoryProduct<'_> {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn open(&self, path: &str) -> Result<Box<dyn Contents + '_>, ReadError> {
        let lone = self
            .bundle
            .entries
            .get("")
            .filter(|_| path == self.bundle.name);
        match self.bundle.entries.get(path).or(lone) {
            Some(Forged::File { bytes, .. }) => Ok(Box::new(bytes.as_slice())),
            _ => Err(ReadError {
                reason: "there is no such file".to_owned(),
            }),
        }
    }
}
