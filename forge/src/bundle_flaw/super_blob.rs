//! Flaws of the SuperBlob: bytes and blobs that are changed after signing.

use plist::Dictionary;

use super::{Flaw, Means, edit_blobs, edit_image};
use crate::bundle::SignedItem;
use crate::code_directory::{field, flag, slot};
use crate::code_signature::blob;
use crate::entitlements::Entitlements;

/// A changed byte in every special slot's digest and in every blob of a product's own signature.
pub(super) fn slots(item: &SignedItem) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (index, slice) in item.slices.iter().enumerate() {
        for directory in &slice.directories {
            let kind = directory.hash_type as u32;
            for special in directory.special.keys().copied() {
                let name = format!("slot:{index}:{kind}:{special}");
                flaws.push(Flaw::new(name, Means::Edit, move |product| {
                    let mut edited = product.clone();
                    super::rewrite_blobs(&mut edited, "", |slice, blobs| {
                        if slice != index {
                            return Some(());
                        }
                        for (number, bytes) in &mut blobs.blobs {
                            let is_directory = *number == 0 || (0x1000..0x1005).contains(number);
                            if is_directory && u32::from(bytes[field::HASH_TYPE]) == kind {
                                let hashes = u32::from_be_bytes(
                                    bytes[field::HASH_OFFSET..field::HASH_OFFSET + 4]
                                        .try_into()
                                        .ok()?,
                                ) as usize;
                                let size = usize::from(bytes[field::HASH_SIZE]);
                                bytes[hashes - size * special as usize] ^= 1;
                            }
                        }
                        Some(())
                    })?;
                    Some(edited)
                }));
            }
        }
        for (number, _) in &slice.blobs.blobs {
            let number = *number;
            let at = item.blob_at(index, number);
            let executable = item.executable.clone();
            let length = slice.blobs.get(number).map_or(0, <[u8]>::len);
            if length <= 8 {
                continue;
            }
            let name = format!("blob:{index}:{number:x}");
            flaws.push(Flaw::new(name, Means::Edit, move |product| {
                let mut edited = product.clone();
                edited.bundle.file_mut(&executable)[at + 8 + (length - 8) / 2] ^= 1;
                Some(edited)
            }));
        }
    }
    flaws
}

fn word(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// Edits of the SuperBlob.
pub(super) fn flaws() -> Vec<Flaw> {
    vec![
        edit_blobs("turned-ad-hoc", |blobs| {
            // The flag alone: whoever believes it reads no CMS.
            blobs.blob_mut(slot::CODE_DIRECTORY)[field::FLAGS + 3] |= flag::AD_HOC as u8;
            Some(())
        }),
        edit_blobs("message-emptied", |blobs| {
            *blobs.blob_mut(slot::SIGNATURE) = blob(0xfade_0b01, &[]);
            Some(())
        }),
        edit_blobs("message-removed", |blobs| {
            blobs.blobs.retain(|(kind, _)| *kind != slot::SIGNATURE);
            Some(())
        }),
        edit_blobs("message-of-noise", |blobs| {
            let noise = crate::stream::bytes("no message", 4000);
            *blobs.blob_mut(slot::SIGNATURE) = blob(0xfade_0b01, &noise);
            Some(())
        }),
        edit_blobs("requirements-removed", |blobs| {
            blobs.blobs.retain(|(kind, _)| *kind != slot::REQUIREMENTS);
            Some(())
        }),
        edit_blobs("entitlements-removed", |blobs| {
            let before = blobs.blobs.len();
            blobs.blobs.retain(|(kind, _)| *kind != slot::ENTITLEMENTS);
            (blobs.blobs.len() < before).then_some(())
        }),
        edit_blobs("entitlements-der-removed", |blobs| {
            let before = blobs.blobs.len();
            blobs
                .blobs
                .retain(|(kind, _)| *kind != slot::ENTITLEMENTS_DER);
            (blobs.blobs.len() < before).then_some(())
        }),
        edit_blobs("entitlements-in-front", |blobs| {
            // A second blob of the type in front of the sealed one: the first is the one that is read.
            let mut more = Dictionary::new();
            more.insert("com.apple.private.everything".to_owned(), true.into());
            let blob = Entitlements::new(&more).xml_blob()?;
            let at = blobs
                .blobs
                .iter()
                .position(|(kind, _)| *kind == slot::ENTITLEMENTS)?;
            blobs.blobs.insert(at, (slot::ENTITLEMENTS, blob));
            Some(())
        }),
        edit_blobs("directory-twice", |blobs| {
            let first = blobs.blobs[0].clone();
            blobs.blobs.push(first);
            Some(())
        }),
        edit_blobs("directory-removed", |blobs| {
            blobs.blobs.remove(0);
            Some(())
        }),
        edit_blobs("directory-magic-unknown", |blobs| {
            blobs.blob_mut(slot::CODE_DIRECTORY)[3] = 0x03;
            Some(())
        }),
        edit_blobs("directory-length-too-large", |blobs| {
            blobs.blob_mut(slot::CODE_DIRECTORY)[4..8].copy_from_slice(&word(0x00ff_ffff));
            Some(())
        }),
        edit_blobs("directory-length-zero", |blobs| {
            blobs.blob_mut(slot::CODE_DIRECTORY)[4..8].fill(0);
            Some(())
        }),
        edit_blobs("blobs-overlap", |blobs| {
            // The message begins in the middle of the CodeDirectory.
            let place = blobs.place_of_offset(slot::SIGNATURE);
            let start = 12 + 8 * blobs.blobs.len() as u32;
            blobs.patches.push((place, word(start + 60).to_vec()));
            Some(())
        }),
        edit_blobs("blob-offset-in-the-index", |blobs| {
            let place = blobs.place_of_offset(slot::REQUIREMENTS);
            blobs.patches.push((place, word(4).to_vec()));
            Some(())
        }),
        edit_blobs("blob-offset-behind-the-end", |blobs| {
            let place = blobs.place_of_offset(slot::CODE_DIRECTORY);
            blobs.patches.push((place, word(0x7fff_fff0).to_vec()));
            Some(())
        }),
        edit_blobs("blob-count-huge", |blobs| {
            blobs.patches.push((8, word(u32::MAX).to_vec()));
            Some(())
        }),
        edit_blobs("blob-count-zero", |blobs| {
            blobs.patches.push((8, word(0).to_vec()));
            Some(())
        }),
        edit_blobs("super-blob-length-too-large", |blobs| {
            blobs.patches.push((4, word(0x7fff_fff0).to_vec()));
            Some(())
        }),
        edit_blobs("super-blob-length-too-small", |blobs| {
            blobs.patches.push((4, word(20).to_vec()));
            Some(())
        }),
        edit_blobs("super-blob-magic-unknown", |blobs| {
            blobs.patches.push((0, word(0xfade_0cff).to_vec()));
            Some(())
        }),
        edit_image("signature-zeroed", |file, item| {
            for index in 0..item.slices.len() {
                let at = item.signature_at(index);
                let length = item.slices[index].blobs.to_bytes().len();
                file[at..at + length].fill(0);
            }
            Some(())
        }),
    ]
}
