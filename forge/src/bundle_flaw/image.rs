//! Flaws of the executable file: pages, load commands, slices and what is around them.

use plist::Dictionary;

use super::{Flaw, Means, edit_image, signed};
use crate::bundle::SignedItem;
use crate::code_signature::{CodeSignature, Signing, SigningIdentity};
use crate::entitlements::Entitlements;
use crate::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use crate::mach_o::fat::{Fat, Slice};
use crate::mach_o::{Arch, MachO, Target};

/// A byte in the middle of every page of every slice.
pub(super) fn pages(item: &SignedItem) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (index, slice) in item.slices.iter().enumerate() {
        let size = match item.page_bits {
            0 => slice.offset.max(1),
            bits => 1 << bits,
        };
        for page in 0..slice.offset.div_ceil(size) {
            let end = slice.offset.min((page + 1) * size);
            let at = item.places[index] + (page * size + end) / 2;
            let executable = item.executable.clone();
            let name = format!("page:{executable}:{index}:{page}");
            flaws.push(Flaw::new(name, Means::Edit, move |product| {
                let mut edited = product.clone();
                edited.bundle.file_mut(&executable)[at] ^= 1;
                Some(edited)
            }));
        }
    }
    flaws
}

/// Where the load command of the signature stands in a slice that begins at `base`.
fn signature_command(file: &[u8], base: usize) -> usize {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut at = base + if word(base) == 0xfeed_facf { 32 } else { 28 };
    while word(at) != 0x1d {
        at += word(at + 4) as usize;
    }
    at
}

fn put_le(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn put_be(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// The number of slices of a fat file; nothing for a thin one.
fn fat(file: &[u8]) -> Option<u32> {
    file.starts_with(&[0xca, 0xfe, 0xba, 0xbe])
        .then(|| u32::from_be_bytes(file[4..8].try_into().unwrap()))
}

/// Changes the load command of the first slice's signature.
fn at_command(file: &mut [u8], item: &SignedItem, field: usize, value: u32) -> Option<()> {
    let command = signature_command(file, item.places[0]);
    put_le(file, command + field, value);
    Some(())
}

/// The file made anew of its slices.
fn rebuilt(item: &SignedItem, archs: &[Arch]) -> Fat {
    let slices = item.slices.iter().zip(archs);
    Fat::new(
        slices
            .map(|(slice, arch)| Slice {
                arch: *arch,
                image: slice.bytes.clone(),
            })
            .collect(),
    )
}

pub(super) fn flaws() -> Vec<Flaw> {
    vec![
        edit_image("image-cut-in-the-header", |file, item| {
            file.truncate(item.places[0] + 16);
            Some(())
        }),
        edit_image("image-cut-in-the-commands", |file, item| {
            file.truncate(item.places[0] + 60);
            Some(())
        }),
        edit_image("image-cut-in-the-code", |file, item| {
            file.truncate(item.places[0] + item.slices[0].offset / 2);
            Some(())
        }),
        edit_image("image-cut-in-the-signature", |file, item| {
            file.truncate(item.signature_at(item.slices.len() - 1) + 20);
            Some(())
        }),
        edit_image("image-magic-unknown", |file, item| {
            put_le(file, item.places[0], 0xfeed_fa11);
            Some(())
        }),
        edit_image("signature-command-dropped", |file, item| {
            // LC_NOTE in its place: the signature is not found, the code is as it was.
            at_command(file, item, 0, 0x31)
        }),
        edit_image("signature-offset-behind-the-end", |file, item| {
            at_command(file, item, 8, 0x7fff_fff0)
        }),
        edit_image("signature-offset-zero", |file, item| {
            at_command(file, item, 8, 0)
        }),
        edit_image("signature-size-too-large", |file, item| {
            at_command(file, item, 12, 0x7fff_fff0)
        }),
        edit_image("signature-size-zero", |file, item| {
            at_command(file, item, 12, 0)
        }),
        edit_image("command-size-zero", |file, item| {
            at_command(file, item, 4, 0)
        }),
        edit_image("command-size-huge", |file, item| {
            at_command(file, item, 4, u32::MAX)
        }),
        edit_image("commands-without-end", |file, item| {
            put_le(file, item.places[0] + 16, u32::MAX);
            Some(())
        }),
        edit_image("data-behind-the-image", |file, _| {
            file.extend(b"nobody signed this");
            Some(())
        }),
        edit_image("fat-padding-used", |file, item| {
            fat(file)?;
            file[item.places[0] - 1] = 1;
            Some(())
        }),
        edit_image("fat-of-64-bits", |file, item| {
            // FAT_MAGIC_64, whose entries Apple's verifier does not know.
            let count = fat(file)?;
            let mut table = 0xcafe_babf_u32.to_be_bytes().to_vec();
            table.extend(count.to_be_bytes());
            for index in 0..count as usize {
                let entry = &file[8 + 20 * index..28 + 20 * index];
                table.extend(&entry[..8]);
                for word in [&entry[8..12], &entry[12..16]] {
                    table.extend([0; 4]);
                    table.extend(word);
                }
                table.extend(&entry[16..]);
                table.extend([0; 4]);
            }
            (table.len() <= item.places[0]).then_some(())?;
            file[..table.len()].copy_from_slice(&table);
            Some(())
        }),
        edit_image("fat-count-huge", |file, _| {
            fat(file)?;
            put_be(file, 4, u32::MAX);
            Some(())
        }),
        edit_image("fat-count-zero", |file, _| {
            fat(file)?;
            put_be(file, 4, 0);
            Some(())
        }),
        edit_image("fat-slice-behind-the-end", |file, _| {
            fat(file)?;
            put_be(file, 8 + 8, 0x7fff_0000);
            Some(())
        }),
        edit_image("fat-slice-too-large", |file, _| {
            fat(file)?;
            put_be(file, 8 + 12, 0x7fff_0000);
            Some(())
        }),
        edit_image("fat-slices-overlap", |file, item| {
            (fat(file)? > 1).then_some(())?;
            put_be(
                file,
                8 + 12,
                (item.places[1] - item.places[0] + 0x4000) as u32,
            );
            Some(())
        }),
        edit_image("fat-slices-are-one", |file, item| {
            (fat(file)? > 1).then_some(())?;
            put_be(file, 8 + 20 + 8, item.places[0] as u32);
            Some(())
        }),
        edit_image("fat-processor-lies", |file, _| {
            fat(file)?;
            put_be(file, 8, Arch::Armv7.cpu().0);
            Some(())
        }),
        edit_image("fat-processor-twice", |file, _| {
            (fat(file)? > 1).then_some(())?;
            let first = file[8..16].to_vec();
            file[28..36].copy_from_slice(&first);
            Some(())
        }),
        edit_image("fat-slice-unsigned-and-hidden", |file, item| {
            (fat(file)? == 2).then_some(())?;
            let mut made = rebuilt(item, &[Arch::X86_64, Arch::Arm64]);
            made.slices.push(Slice {
                arch: Arch::Arm64,
                image: MachO::executable(Arch::Arm64, Target::MACOS, "hidden").unsigned(),
            });
            made.hidden_last = true;
            *file = made.to_bytes();
            Some(())
        }),
        signed("image-ends-behind-linkedit", |item| {
            item.executable.slices[0].trailing = 16;
            Some(())
        }),
        second_slice("slices-of-two-teams", |signature| {
            signature.team = Some("OTHER00001".to_owned());
        }),
        second_slice("slices-of-two-entitlements", |signature| {
            let mut more = Dictionary::new();
            let key = "com.apple.security.cs.disable-library-validation";
            more.insert(key.to_owned(), true.into());
            signature.entitlements = Some(Entitlements::new(&more));
        }),
        second_slice("slices-of-two-signers", |signature| {
            let leaf = LeafSpec::new(LeafKind::AppleDevelopment);
            let other = SigningIdentity::of(Hierarchy::acme(), &leaf);
            signature.signing = Signing::By(Box::new(other));
        }),
        second_slice("slice-ad-hoc", |signature| {
            signature.signing = Signing::AdHoc
        }),
        second_slice("slice-unsigned", |signature| {
            signature.signing = Signing::Unsigned
        }),
        second_slice("slice-without-runtime", |signature| {
            signature.flags = 0;
            signature.runtime = None;
        })
        .in_context(),
    ]
}

/// A flaw of the second slice's signature; nothing for thin files.
fn second_slice(name: &str, change: fn(&mut CodeSignature)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        (spec.executable.slices.len() > 1).then_some(())?;
        let mut signature = spec.signature.clone();
        change(&mut signature);
        spec.executable.signatures.insert(1, signature);
        Some(spec.sign())
    })
}
