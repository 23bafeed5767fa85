//! What the strict check also wants of a bundle's own folders (`bundlediskrep.cpp`).

use super::judgement::UnsealedFiles;
use super::signatures::in_product;
use super::{Item, slices};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::layout::{Form, Layout};
use crate::apple::code_signature::problem::{Problem, Problems};
use crate::apple::code_signature::product::{self, Entry, EntryKind, Product};
use crate::apple::code_signature::slot;
use crate::base::finding::{Code, Finding};

/// Judges the folders of a bundle.
pub(super) fn judge(
    product: &dyn Product,
    item: &Item,
    problems: &mut Problems,
    unsealed: &mut UnsealedFiles,
) {
    if let Some(layout) = &item.layout {
        folders(product, item, layout, problems, unsealed);
    }
    let mut of_slices = Vec::new();
    slices::extents(product, item, &mut of_slices);
    problems.extend(of_slices);
}

fn folders(
    product: &dyn Product,
    item: &Item,
    layout: &Layout,
    problems: &mut Problems,
    unsealed: &mut UnsealedFiles,
) {
    plain_files(product, layout, problems);
    signature_folder(product, item, layout, problems, unsealed);
    match &layout.form {
        Form::Deep => deep_root(product, layout, problems, unsealed),
        Form::Versioned(version) => framework_root(product, layout, version, problems, unsealed),
        Form::Flat => {}
    }
}

/// The main executable and `Info.plist` must be files, no links (`checkPlainFile`).
fn plain_files(product: &dyn Product, layout: &Layout, problems: &mut Problems) {
    for path in layout.executable.iter().chain(&layout.info) {
        if !product.tree().is_file(path) {
            let finding = Finding::block(
                Code::ProductStructure,
                "the main executable or the Info.plist of a bundle is no regular file",
            )
            .hint("put the file itself there, not a link to it");
            let predicted = Predicted::new(Status::RegularFile, "BundleDiskRep::checkPlainFile");
            problems.push(Problem::both(in_product(finding, path), predicted));
        }
    }
}

/// Only files that are known may lie in `_CodeSignature` (`validateMetaDirectory`).
fn signature_folder(
    product: &dyn Product,
    item: &Item,
    layout: &Layout,
    problems: &mut Problems,
    unsealed: &mut UnsealedFiles,
) {
    let is_in_files = item.slices.iter().any(|slice| slice.slice.is_none());
    for (name, entry) in product.tree().children(&layout.signature_folder()) {
        let is_component = is_in_files && slot::in_files().any(|(_, known)| known == name);
        let is_empty_message =
            name == "CodeSignature" && matches!(entry.kind, EntryKind::File { size: 0, .. });
        let is_known = name == "CodeResources" || is_component || is_empty_message;
        if is_known && matches!(entry.kind, EntryKind::File { .. }) {
            continue;
        }
        problems.push(stray(
            entry,
            "a file in _CodeSignature belongs to no signature",
            Predicted::new(
                Status::UnsealedAppRoot,
                "BundleDiskRep::validateMetaDirectory",
            ),
        ));
        unsealed.push(
            &entry.path,
            "it lies in _CodeSignature, which no seal covers",
        );
    }
}

fn stray(entry: &Entry, message: &str, predicted: Predicted) -> Problem {
    let finding = Finding::block(Code::ProductStructure, message)
        .hint("remove it, then sign the bundle again");
    Problem::both(in_product(finding, &entry.path), predicted)
}

/// Beside `Contents` nothing may lie but what Finder leaves.
fn deep_root(
    product: &dyn Product,
    layout: &Layout,
    problems: &mut Problems,
    unsealed: &mut UnsealedFiles,
) {
    for (name, entry) in product.tree().children(&layout.root) {
        if name == "Contents" {
            continue;
        }
        unsealed.push(
            &entry.path,
            "it lies beside Contents, which the seal is about",
        );
        let is_finders = matches!(
            name,
            ".LSOverride" | ".DS_Store" | "Icon\r" | ".SoftwareDepot.tracking"
        ) && matches!(
            entry.kind,
            EntryKind::File {
                is_executable: false,
                ..
            }
        );
        if !is_finders {
            problems.push(stray(
                entry,
                "something lies beside the folder Contents of a bundle",
                Predicted::new(Status::UnsealedAppRoot, "BundleDiskRep::setup"),
            ));
        }
    }
}

/// Beside `Versions` only links into the current version may lie (`validateFrameworkRoot`).
fn framework_root(
    product: &dyn Product,
    layout: &Layout,
    version: &str,
    problems: &mut Problems,
    unsealed: &mut UnsealedFiles,
) {
    let tree = product.tree();
    let predicted = Predicted::new(
        Status::UnsealedFrameworkRoot,
        "BundleDiskRep::validateFrameworkRoot",
    );
    for (name, entry) in tree.children(&layout.root) {
        let is_allowed = match &entry.kind {
            EntryKind::Folder => name == "Versions",
            EntryKind::Link { target } => {
                let target = target.strip_prefix("./").unwrap_or(target);
                target == format!("Versions/Current/{name}")
                    || target == format!("Versions/{version}/{name}")
            }
            EntryKind::File { is_executable, .. } => {
                !is_executable && matches!(name, ".DS_Store" | "module.map")
            }
            EntryKind::Special(_) | EntryKind::Unreadable(_) => true,
        };
        // Links and the folder lead to what is sealed.
        if !is_allowed || matches!(entry.kind, EntryKind::File { .. }) {
            unsealed.push(&entry.path, "it lies beside Versions, which no seal covers");
        }
        if !is_allowed {
            problems.push(stray(
                entry,
                "something lies beside the folder Versions of a framework",
                predicted,
            ));
        }
    }
    let versions = product::join(&layout.root, "Versions");
    for (name, entry) in tree.children(&versions) {
        let is_allowed = match &entry.kind {
            EntryKind::Folder => name != "Current",
            EntryKind::Link { target } => {
                let target = target.strip_prefix("./").unwrap_or(target);
                name == "Current" && !target.contains('/') && !matches!(target, "" | "." | "..")
            }
            EntryKind::File { is_executable, .. } => !is_executable && name == ".DS_Store",
            EntryKind::Special(_) | EntryKind::Unreadable(_) => true,
        };
        if !is_allowed || matches!(entry.kind, EntryKind::File { .. }) {
            unsealed.push(&entry.path, "it lies in Versions, which no seal covers");
        }
        if !is_allowed {
            problems.push(stray(
                entry,
                "something lies beside the versions of a framework",
                predicted,
            ));
        }
    }
}
