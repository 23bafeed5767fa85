//! Where a product lies: a folder or a program on disk, or an `.ipa`.

use std::path::Path;

use crate::apple::code_signature::mach_o;
use crate::apple::code_signature::product::Product;
use crate::apple::code_signature::product_digest::{self, Algorithm, ProductDigest};
use crate::base::error::ErrorCode;
use crate::base::finding::Finding;
use crate::host::product::archive::{self, ArchiveProduct};
use crate::host::product::folder::FolderProduct;
use crate::ops::error::{Error, Failure};

/// A product that is open.
pub(super) struct Opened {
    pub(super) product: Box<dyn Product>,
    /// The path as somebody wrote it.
    pub(super) named: String,
    /// Whether it names one file, which the product then holds under its own name.
    pub(super) is_file: bool,
    /// The file itself, where it is one: an archive or a program, under its name.
    file: Option<(FolderProduct, String)>,
}

impl Opened {
    /// A path in the product as people find it.
    pub(super) fn shown(&self, path: &str) -> String {
        let path = if path == "." { "" } else { path };
        match self.is_file || path.is_empty() {
            true => self.named.clone(),
            false => format!("{}/{path}", self.named.trim_end_matches('/')),
        }
    }

    /// A finding whose place is a path as people find it.
    pub(super) fn placed(&self, mut finding: Finding) -> Finding {
        if let Some(file) = &mut finding.place.file {
            *file = self.shown(file);
        }
        finding
    }

    /// The digest of what was opened: of the file, where it is one, and else of everything in the folder.
    ///
    /// # Errors
    /// Something in it cannot be read.
    pub(super) fn digest(&self) -> Result<ProductDigest, Error> {
        let (algorithm, digest) = match &self.file {
            Some((folder, name)) => (Algorithm::File, product_digest::of_file(folder, name)),
            None => (Algorithm::Folder, product_digest::of_tree(&*self.product)),
        };
        let digest = digest.map(|digest| ProductDigest { algorithm, digest });
        digest.map_err(|error| {
            let message = format!("the digest of {} cannot be taken: {error}", self.named);
            Error::new(ErrorCode::FileUnreadable, message)
                .hint("name a product whose files this user may read, and that nothing changes meanwhile")
                .in_file(Path::new(&self.named))
        })
    }
}

/// The path of a product and its digest, as `product check` takes it.
///
/// # Errors
/// It cannot be looked at or read, or is of a kind that is not read.
pub(in crate::ops) fn digest(path: &Path) -> Result<(String, ProductDigest), Failure> {
    let opened = open(path)?;
    let digest = opened.digest()?;
    Ok((opened.named, digest))
}

/// Opens the product at a path.
///
/// # Errors
/// It cannot be looked at, or is of a kind that is not read.
pub(super) fn open(path: &Path) -> Result<Opened, Failure> {
    let named = path.display().to_string();
    let folder = FolderProduct::list(path).map_err(|error| Error::from(error).in_file(path))?;
    let Some(name) = folder.file().map(str::to_owned) else {
        return Ok(Opened {
            product: Box::new(folder),
            named,
            is_file: false,
            file: None,
        });
    };
    let mut start = [0; 8];
    let mut end = [0; 4];
    let read = folder.open(&name).and_then(|mut file| {
        file.read_at(0, &mut start)?;
        // A disk image tells what it is in its last 512 bytes.
        file.read_at(file.size().saturating_sub(512), &mut end)
    });
    if let Err(error) = read {
        let code = ErrorCode::FileUnreadable;
        return Err(Error::new(code, format!("{named}: {error}"))
            .in_file(path)
            .into());
    }
    if archive::is_archive(&start) {
        let product =
            ArchiveProduct::list(path).map_err(|error| Error::from(error).in_file(path))?;
        return Ok(Opened {
            product: Box::new(product),
            named,
            is_file: false,
            file: Some((folder, name)),
        });
    }
    let [a, b, c, d, ..] = start;
    if mach_o::may_be([a, b, c, d]) {
        return Ok(Opened {
            product: Box::new(folder.clone()),
            named,
            is_file: true,
            file: Some((folder, name)),
        });
    }
    let what = match (&start, &end) {
        ([b'x', b'a', b'r', b'!', ..], _) => "an installer package, which is not read yet",
        (_, b"koly") => "a disk image, which is not read",
        _ => "no product: neither a bundle nor an .ipa nor a program",
    };
    let error = Error::new(ErrorCode::FileMalformed, format!("{named} is {what}"));
    let hint =
        "name the .app, .ipa, .xcarchive or program itself; open a disk image or package first";
    Err(error.hint(hint).in_file(path).into())
}
