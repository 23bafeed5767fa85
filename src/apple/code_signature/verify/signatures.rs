//! Reads the signatures and the seal of one piece of code.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Item, SignedSlice};
use crate::apple::code_signature::code_resources::{CodeResources, CodeResourcesError};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::embedded::{self, Signature, SignatureError};
use crate::apple::code_signature::entitlements;
use crate::apple::code_signature::mach_o::{MachO, MachOError, Slice, bytes_at};
use crate::apple::code_signature::message;
use crate::apple::code_signature::path_rules::PatternError;
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, Contents, Product};
use crate::apple::code_signature::slot;
use crate::apple::signed_message::Verifier;
use crate::base::finding::{Code, Finding};

/// The largest component that lies in a file, in bytes.
const MAX_COMPONENT: u64 = 32 * 1024 * 1024;

/// Reads what a piece has of signatures.
pub(super) fn read(product: &dyn Product, item: &mut Item, verifier: &Verifier, now: Timestamp) {
    let Some(code) = item.code.clone() else {
        return;
    };
    let code = product.tree().resolve(&code).unwrap_or(code);
    match product.open(&code) {
        Err(error) => unreadable(item, &code, &error.to_string()),
        Ok(mut file) => match MachO::read(&mut *file) {
            Err(error) => {
                let finding = Finding::block(
                    Code::ProductUnreadable,
                    "a program of the product is damaged",
                )
                .found(&error)
                .hint("build the product again");
                let status = match error {
                    MachOError::Overlap => Status::BadMainExecutable,
                    _ => Status::BadObjectFormat,
                };
                let predicted = Predicted::new(status, "Universal::Universal");
                item.problems
                    .push(Problem::both(in_product(finding, &code), predicted));
            }
            Ok(Some(program)) => {
                if let Some(reason) = &program.irregularity {
                    let finding = Finding::block(
                        Code::ProductStructure,
                        "a fat file holds bytes that belong to no slice",
                    )
                    .found(reason)
                    .hint("build the product again; no signature covers them");
                    let predicted =
                        Predicted::new(Status::BadMainExecutable, "MachORep::strictValidate");
                    item.problems
                        .push(Problem::both(in_product(finding, &code), predicted));
                }
                if let Some(reason) = &program.contradiction {
                    let finding = Finding::block(
                        Code::ProductStructure,
                        "a fat file and its slices contradict each other",
                    )
                    .found(reason)
                    .hint("build the product again");
                    item.problems
                        .push(Problem::ours(in_product(finding, &code)));
                }
                for slice in program.slices {
                    item.slices.push(signed_slice(&mut *file, slice));
                }
            }
            Ok(None) => item.slices.extend(in_files(product, item)),
        },
    }
    for slice in &mut item.slices {
        slice.entitlements = slice.sound_signature().and_then(claimed);
        slice.signer = slice.sound_signature().and_then(|signature| {
            let message = Some(&signature.message).filter(|message| !message.is_empty())?;
            message::judge(message, signature.directories(), verifier, now).ok()
        });
    }
    read_seal(product, item);
}

fn unreadable(item: &mut Item, path: &str, reason: &str) {
    let finding = Finding::block(
        Code::ProductUnreadable,
        "a program of the product cannot be read",
    )
    .found(reason)
    .hint("verify the product as a user who may read all of it");
    let predicted = Predicted::new(Status::NotVerifiable, "DiskRep::bestGuess");
    item.problems
        .push(Problem::both(in_product(finding, path), predicted));
}

fn signed_slice(file: &mut dyn Contents, slice: Slice) -> SignedSlice {
    let signature = slice.signature.clone().map(|place| {
        let length = place.end - place.start;
        if length > u64::try_from(embedded::MAX_BYTES).unwrap_or(u64::MAX) {
            return Err(SignatureError::TooLarge(length));
        }
        let start = slice.place.start;
        let bytes = bytes_at(file, start + place.start..start + place.end);
        Signature::parse(&bytes.unwrap_or_default())
    });
    SignedSlice {
        slice: Some(slice),
        signature,
        signer: None,
        entitlements: None,
    }
}

/// The signature of code that is no Mach-O file: its components lie in files of `_CodeSignature`.
fn in_files(product: &dyn Product, item: &Item) -> Option<SignedSlice> {
    let folder = item.layout.as_ref()?.signature_folder();
    let mut components = BTreeMap::new();
    for (slot, name) in slot::in_files() {
        let path = product::join(&folder, name);
        if product.tree().is_file(&path) {
            components.insert(
                slot,
                whole(product, &path, MAX_COMPONENT).unwrap_or_default(),
            );
        }
    }
    let signature = (!components.is_empty()).then(|| Signature::of_files(components));
    Some(SignedSlice {
        slice: None,
        signature,
        signer: None,
        entitlements: None,
    })
}

/// The bytes of a file, if it can be read and is not larger than `limit`.
pub(super) fn whole(product: &dyn Product, path: &str, limit: u64) -> Result<Box<[u8]>, String> {
    let mut file = product.open(path).map_err(|error| error.to_string())?;
    let size = file.size();
    if size > limit {
        return Err(format!("it has {size} bytes; at most {limit} are read"));
    }
    let bytes = bytes_at(&mut *file, 0..size).map_err(|error| error.to_string())?;
    Ok(bytes.into())
}

/// The entitlements that a system reads.
fn claimed(signature: &Signature) -> Option<crate::apple::entitlements::Entitlements> {
    match signature.component(slot::ENTITLEMENTS_DER) {
        Some(component) => entitlements::of_der(component).ok(),
        None => entitlements::of_xml(signature.component(slot::ENTITLEMENTS)?).ok()?,
    }
}

fn read_seal(product: &dyn Product, item: &mut Item) {
    let Some(layout) = &item.layout else {
        return;
    };
    let path = layout.code_resources();
    if !product.tree().is_file(&path) {
        return;
    }
    let limit =
        u64::try_from(crate::apple::code_signature::code_resources::MAX_BYTES).unwrap_or(u64::MAX);
    let unreadable = |reason: &dyn std::fmt::Display, status: Option<Status>| {
        let finding = Finding::block(
            Code::ResourceSealUnreadable,
            "the seal of a bundle cannot be read",
        )
        .found(reason)
        .hint("build the product again, or sign it again");
        Problem {
            finding: in_product(finding, &path),
            codesign: status
                .map(|status| Predicted::new(status, "SecStaticCode::validateResources")),
        }
    };
    let bytes = match whole(product, &path, limit) {
        Ok(bytes) => bytes,
        Err(reason) => {
            item.problems.push(unreadable(&reason, None));
            return;
        }
    };
    match CodeResources::parse(&bytes) {
        Ok(seal) => item.seal = Some(seal),
        Err(error) => {
            let status = match &error {
                CodeResourcesError::PropertyList(_) => Some(Status::BadDictionaryFormat),
                CodeResourcesError::Pattern(PatternError::Undefined { .. }) => {
                    Some(Status::ResourceRulesInvalid)
                }
                // Our own bounds.
                CodeResourcesError::Pattern(_) | CodeResourcesError::TooMany { .. } => None,
                CodeResourcesError::Missing("rules" | "files") => Some(Status::ResourcesNotFound),
                _ => Some(Status::ResourcesInvalid),
            };
            item.problems.push(unreadable(&error, status));
        }
    }
}

/// A finding about a file of the product.
pub(super) fn in_product(mut finding: Finding, path: &str) -> Finding {
    finding.place.file = Some(if path.is_empty() {
        ".".to_owned()
    } else {
        path.to_owned()
    });
    finding
}
