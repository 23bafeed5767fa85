//! Flaws of CodeDirectories that are then signed: lies about counts, limits and offsets, and alternates that do not belong.

use std::sync::Arc;

use super::{Flaw, Means, directories, signed, throughout};
use crate::code_directory::{CodeDirectory, HashType, field, flag, slot};
use crate::code_signature::CodeSignature;

pub(super) fn flaws() -> Vec<Flaw> {
    let mut flaws = lies();
    flaws.extend(hash_types());
    flaws
}

fn word(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// Writes a lie into every CodeDirectory, and signs it.
fn lie(directories: &mut Vec<CodeDirectory>, field: usize, bytes: &[u8]) {
    for directory in directories {
        directory.patch(field, bytes);
    }
}

/// Lies about counts, limits and offsets, in CodeDirectories that are then signed.
fn lies() -> Vec<Flaw> {
    vec![
        directories("version-too-new", |each| {
            lie(each, field::VERSION, &word(0x30000))
        }),
        directories("version-too-old", |each| {
            lie(each, field::VERSION, &word(0x10000))
        }),
        directories("hash-type-unknown", |each| {
            lie(each, field::HASH_TYPE, &[9])
        }),
        directories("hash-type-of-another", |each| {
            lie(each, field::HASH_TYPE, &[1])
        }),
        directories("hash-size-zero", |each| lie(each, field::HASH_SIZE, &[0])),
        directories("hash-size-of-another", |each| {
            lie(each, field::HASH_SIZE, &[20])
        }),
        directories("page-size-huge", |each| lie(each, field::PAGE_SIZE, &[63])),
        directories("page-size-zero-with-many-slots", |each| {
            lie(each, field::PAGE_SIZE, &[0])
        }),
        directories("page-size-doubled", |each| {
            lie(each, field::PAGE_SIZE, &[13])
        }),
        directories("hash-offset-behind-the-end", |each| {
            lie(each, field::HASH_OFFSET, &word(0x7fff_fff0));
        }),
        directories("hash-offset-zero", |each| {
            lie(each, field::HASH_OFFSET, &word(0))
        }),
        directories("identifier-offset-behind-the-end", |each| {
            lie(each, field::IDENTIFIER_OFFSET, &word(0x7fff_fff0));
        }),
        directories("identifier-without-end", |each| {
            for directory in each {
                let length = directory.to_bytes().len() as u32;
                directory.patch(field::IDENTIFIER_OFFSET, &word(length - 1));
                let end = directory.code.len() - 1;
                directory.code[end].fill(0xff);
            }
        }),
        directories("team-offset-behind-the-end", |each| {
            lie(each, field::TEAM_OFFSET, &word(0x7fff_fff0));
        }),
        directories("code-slots-too-many", |each| {
            for directory in each {
                let more = directory.code[0].clone();
                directory.code.push(more);
            }
        }),
        directories("code-slots-too-few", |each| {
            for directory in each {
                directory.code.pop();
            }
        }),
        directories("code-slots-huge", |each| {
            lie(each, field::CODE_SLOTS, &word(u32::MAX))
        }),
        directories("special-slots-huge", |each| {
            lie(each, field::SPECIAL_SLOTS, &word(u32::MAX));
        }),
        directories("special-slots-too-few", |each| {
            lie(each, field::SPECIAL_SLOTS, &word(1))
        }),
        directories("last-page-not-covered", |each| {
            for directory in each {
                directory.code.pop();
                directory.limit = (directory.code.len() as u64) << directory.page_bits;
            }
        }),
        directories("code-not-covered", |each| {
            for directory in each {
                directory.code.clear();
                directory.limit = 0;
            }
        }),
        directories("limit-behind-the-end", |each| {
            for directory in each {
                directory.limit = 0x7fff_ffff;
            }
        }),
        directories("limits-contradict", |each| {
            for directory in each {
                directory.version = directory.version.max(0x20300);
                directory.wide_limit = true;
                directory.patch(field::CODE_LIMIT, &word(4096));
                directory.limit -= 16;
            }
        }),
        directories("scattered", |each| {
            for directory in each {
                directory.scatter = vec![(directory.code.len() as u32, 0, 0)];
            }
        }),
        directories("scatter-huge", |each| {
            for directory in each {
                directory.scatter = vec![(u32::MAX, 0, 0), (u32::MAX, 7, u64::MAX)];
            }
        }),
        directories("identifier-empty", |each| {
            for directory in each {
                directory.identifier.clear();
            }
        }),
        directories("identifier-of-another", |each| {
            for directory in each {
                directory.identifier = "com.apple.calculator".to_owned();
            }
        }),
        directories("identifier-climbs-out", |each| {
            for directory in each {
                directory.identifier = "../../etc/passwd".to_owned();
            }
        }),
        directories("identifier-of-control-characters", |each| {
            for directory in each {
                directory.identifier = "com.acme\u{1b}[31m.rocket\n".to_owned();
            }
        }),
        directories("page-hash-wrong", |each| {
            for directory in each {
                directory.code[0][0] ^= 1;
            }
        }),
    ]
}

fn two_hash_types(signature: &mut CodeSignature) {
    signature.hash_types = vec![HashType::Sha1, HashType::Sha256];
}

/// A flaw of a product that everywhere has SHA-1 and SHA-256, made after signing.
fn alternates(name: &str, change: fn(&mut crate::code_signature::SuperBlob) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Edit, move |product| {
        let mut spec = product.spec.clone();
        throughout(&mut spec, &two_hash_types);
        let mut edited = spec.sign();
        super::rewrite_blobs(&mut edited, "", |_, blobs| change(blobs))?;
        Some(edited)
    })
}

/// CodeDirectories under weak or several hash types.
fn hash_types() -> Vec<Flaw> {
    vec![
        signed("sha1-only", |item| {
            throughout(item, &|signature| {
                signature.hash_types = vec![HashType::Sha1]
            });
            Some(())
        }),
        signed("hash-type-twice", |item| {
            item.signature.hash_types = vec![HashType::Sha256, HashType::Sha256];
            Some(())
        }),
        signed("alternate-unbound", |item| {
            throughout(item, &two_hash_types);
            item.signature.hooks.message.push(Arc::new(|message| {
                message.signers[0].more_attributes.clear();
            }));
            Some(())
        }),
        alternates("alternate-dropped", |blobs| {
            blobs.blobs.retain(|(kind, _)| *kind != slot::ALTERNATE);
            Some(())
        }),
        alternates("alternate-behind-a-gap", |blobs| {
            let place = blobs
                .blobs
                .iter()
                .position(|(kind, _)| *kind == slot::ALTERNATE)?;
            blobs.blobs[place].0 = slot::ALTERNATE + 1;
            Some(())
        }),
        alternates("alternate-doubled", |blobs| {
            let first = blobs.get(slot::ALTERNATE)?.to_vec();
            blobs.blobs.push((slot::ALTERNATE + 1, first));
            Some(())
        }),
        alternates("alternate-in-front", |blobs| {
            // The SHA-256 one in slot 0 and no other: the message is about the SHA-1 one.
            let best = blobs.get(slot::ALTERNATE)?.to_vec();
            *blobs.blob_mut(slot::CODE_DIRECTORY) = best;
            blobs.blobs.retain(|(kind, _)| *kind != slot::ALTERNATE);
            Some(())
        }),
        alternates("alternate-changed", |blobs| {
            let bytes = blobs.blob_mut(slot::ALTERNATE);
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Some(())
        }),
        alternates("alternate-of-another", |blobs| {
            let directory = CodeDirectory::new(
                "com.acme.other",
                0x20400,
                HashType::Sha384,
                12,
                b"other code",
            );
            blobs
                .blobs
                .push((slot::ALTERNATE + 1, directory.to_bytes()));
            Some(())
        }),
        signed("alternate-for-other-code", |item| {
            throughout(item, &two_hash_types);
            item.signature.hooks.directories.push(Arc::new(|each| {
                each[1].code[0][0] ^= 1;
            }));
            Some(())
        }),
        signed("alternate-of-another-identifier", |item| {
            throughout(item, &two_hash_types);
            item.signature.hooks.directories.push(Arc::new(|each| {
                each[1].identifier = "com.acme.other".to_owned();
            }));
            Some(())
        }),
        signed("alternate-of-another-team", |item| {
            throughout(item, &two_hash_types);
            item.signature.hooks.directories.push(Arc::new(|each| {
                each[1].team = Some("OTHER00001".to_owned());
            }));
            Some(())
        }),
        signed("alternate-with-other-flags", |item| {
            throughout(item, &two_hash_types);
            item.signature
                .hooks
                .directories
                .push(Arc::new(|each| each[1].flags |= flag::AD_HOC));
            Some(())
        }),
        signed("seals-without-digests", |item| {
            item.sealing.hooks.push(Arc::new(|seals| {
                for seal in seals.files2().values_mut() {
                    if let crate::code_resources::Sealed::File(digests) = &mut seal.what {
                        digests.clear();
                    }
                }
            }));
            (item.layout != crate::bundle::Layout::Tool).then_some(())
        }),
    ]
}
