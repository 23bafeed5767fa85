//! What can be wrong with a signed product, one thing at a time.
//!
//! Each [`Flaw`] takes an honest [`Product`] and gives a broken one. [`Means`] says what it takes to make it: whoever can
//! write the files can make an edit, other flaws need a key and were signed that way. Flaws are named lists:
//! [`Flaw::all`] has those that apply to most products, [`Flaw::every_byte`] those that are counted out over one product's pages,
//! slots and files. Where a product lacks what a flaw is about, [`Flaw::apply`] gives nothing.
//!
//! [`variations`] are the opposite: signed differently from what Xcode does today, and honest.

mod components;
mod directory;
mod files;
mod image;
mod ipa;
mod message;
mod nested;
mod seal;
mod signer;
mod super_blob;
mod tolerated;
mod variation;

use std::sync::Arc;

use super::bundle::{Bundle, Item, Product, SignedItem};
use super::cms::SignedData;
use super::code_directory::CodeDirectory;
use super::code_signature::{CodeSignature, SuperBlob};

pub use ipa::{BOMB, IpaFlaw, ipa_flaws};
pub use seal::many_entries;
pub use tolerated::{tolerated_by_codesign, tolerated_names};
pub use variation::variations;

/// What it takes to make a flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// To write files: nothing is signed again.
    Edit,
    /// To write files and sign without any certificate, or with one of one's own.
    OtherKey,
    /// The key that signed the product: a dishonest or broken signer.
    Key,
}

/// What it takes to see a flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// The product alone.
    InItself,
    /// What was planned: the product is intact, and is not the one that somebody wanted.
    InContext,
}

/// Makes a broken product of an honest one; nothing where it lacks what would be broken.
type Change = Arc<dyn Fn(&Product) -> Option<Product> + Send + Sync>;

/// Something wrong.
#[derive(Clone)]
pub struct Flaw {
    /// Its name, in lower case with hyphens: unique among all.
    pub name: String,
    /// What it takes.
    pub means: Means,
    /// Who can see it.
    pub seen: Seen,
    change: Change,
}

impl Flaw {
    fn new(
        name: impl Into<String>,
        means: Means,
        change: impl Fn(&Product) -> Option<Product> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            means,
            seen: Seen::InItself,
            change: Arc::new(change),
        }
    }

    fn in_context(mut self) -> Self {
        self.seen = Seen::InContext;
        self
    }

    /// Every flaw with a fixed name.
    pub fn all() -> Vec<Flaw> {
        [
            files::flaws(),
            image::flaws(),
            super_blob::flaws(),
            directory::flaws(),
            components::flaws(),
            message::flaws(),
            signer::flaws(),
            seal::flaws(),
            nested::flaws(),
        ]
        .concat()
    }

    /// The flaw of that name. Panics where there is none.
    pub fn named(name: &str) -> Flaw {
        let found = Self::all().into_iter().find(|flaw| flaw.name == name);
        found.unwrap_or_else(|| panic!("no flaw is called {name}"))
    }

    /// A byte changed in every page of every slice, in every special slot and every blob of the product's own signature, and
    /// in every file of the bundle.
    pub fn every_byte(product: &Product) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        for item in &product.items {
            flaws.extend(image::pages(item));
        }
        flaws.extend(super_blob::slots(product.item("")));
        flaws.extend(files::each(product));
        flaws
    }

    /// The broken product.
    pub fn apply(&self, product: &Product) -> Option<Product> {
        let broken = (self.change)(product)?;
        (broken.bundle != product.bundle).then_some(broken)
    }
}

/// A flaw made by editing the files.
fn edit(name: &str, change: fn(&mut Bundle, &Product) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Edit, move |product| {
        let mut edited = product.clone();
        change(&mut edited.bundle, product)?;
        Some(edited)
    })
}

/// A flaw made by editing the bytes of the product's own executable, which is told where its parts are.
fn edit_image(name: &str, change: fn(&mut Vec<u8>, &SignedItem) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Edit, move |product| {
        let own = product.item("");
        let mut edited = product.clone();
        change(edited.bundle.file_mut(&own.executable), own)?;
        Some(edited)
    })
}

/// A flaw made by writing other SuperBlobs over those of the product's own executable.
fn edit_blobs(name: &str, change: fn(&mut SuperBlob) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Edit, move |product| {
        let mut edited = product.clone();
        rewrite_blobs(&mut edited, "", |_, blobs| change(blobs))?;
        Some(edited)
    })
}

/// Writes other SuperBlobs over those of an item.
fn rewrite_blobs(
    product: &mut Product,
    path: &str,
    change: impl Fn(usize, &mut SuperBlob) -> Option<()>,
) -> Option<()> {
    let item = product.item(path).clone();
    let file = product.bundle.file_mut(&item.executable);
    for (index, slice) in item.slices.iter().enumerate() {
        let mut blobs = slice.blobs.clone();
        change(index, &mut blobs)?;
        let bytes = blobs.to_bytes();
        let at = item.signature_at(index);
        let old = slice.blobs.to_bytes().len();
        file[at..at + old].fill(0);
        file[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    Some(())
}

/// A flaw that the signer of the product makes.
fn signed(name: &str, change: fn(&mut Item) -> Option<()>) -> Flaw {
    resigned(name, Means::Key, change)
}

/// A flaw that needs another signature.
fn resigned(name: &str, means: Means, change: fn(&mut Item) -> Option<()>) -> Flaw {
    Flaw::new(name, means, move |product| {
        let mut spec = product.spec.clone();
        change(&mut spec)?;
        Some(spec.sign())
    })
}

/// A flaw of the CodeDirectories that is signed with the product's key.
fn directories(name: &str, change: fn(&mut Vec<CodeDirectory>)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        spec.signature.hooks.directories.push(Arc::new(change));
        Some(spec.sign())
    })
}

/// A flaw of the CMS message that is signed with the product's key.
fn message(name: &str, change: fn(&mut SignedData)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        spec.signature.hooks.message.push(Arc::new(change));
        Some(spec.sign())
    })
}

/// Changes the signature of an item and of all that is nested in it.
fn throughout(item: &mut Item, change: &dyn Fn(&mut CodeSignature)) {
    change(&mut item.signature);
    for nested in &mut item.nested {
        throughout(&mut nested.item, change);
    }
}
