//! Products as they are handed on: an `.ipa`, which is a zip file, and an `.xcarchive`, which is a folder.
//!
//! The zip is written here, because the crates that write zips refuse what a broken one has: names that stand twice, climb
//! out or begin at the root, and sizes that are not true.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use plist::{Dictionary, Value};
use std::io::Write;

use super::{Bundle, Entry, Product, joined};
use crate::entitlements::document;

/// An entry of a zip file.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    bytes: Vec<u8>,
    /// The Unix mode, with the kind of file in it.
    mode: u32,
    deflate: bool,
    quirk: Option<Quirk>,
}

/// What is wrong with an entry's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// They say another size.
    Size(u32),
    /// They say another checksum.
    Checksum,
    /// They say another compression method.
    Method(u16),
    /// They say that the entry is encrypted.
    Encrypted,
}

/// A zip file to be written.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    members: Vec<Member>,
}

impl Archive {
    /// Adds a regular file; whether its name makes sense is the test's business.
    pub fn file(&mut self, name: &str, bytes: &[u8], executable: bool) -> &mut Self {
        let mode = if executable { 0o100_755 } else { 0o100_644 };
        self.add(name, bytes, mode)
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, name: &str, target: &str) -> &mut Self {
        self.add(name, target.as_bytes(), 0o120_755)
    }

    /// Adds a folder.
    pub fn folder(&mut self, name: &str) -> &mut Self {
        self.add(&format!("{name}/"), b"", 0o040_755)
    }

    /// Adds a file whose headers lie.
    pub fn quirky(&mut self, name: &str, bytes: &[u8], quirk: Quirk) -> &mut Self {
        self.file(name, bytes, false);
        if let Some(last) = self.members.last_mut() {
            last.quirk = Some(quirk);
        }
        self
    }

    /// Adds a whole bundle below a path.
    pub fn bundle(&mut self, path: &str, bundle: &Bundle) -> &mut Self {
        let root = joined(path, &bundle.name);
        for (below, entry) in &bundle.entries {
            let name = joined(&root, below);
            match entry {
                Entry::File { bytes, executable } => self.file(&name, bytes, *executable),
                Entry::Link(target) => self.link(&name, target),
                Entry::Directory => self.folder(&name),
                Entry::Socket => self.add(&name, b"", 0o140_755),
            };
        }
        self
    }

    fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> &mut Self {
        self.members.push(Member {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            mode,
            // Executables and other large files deflated, small ones stored: both methods are in every file.
            deflate: bytes.len() > 256,
            quirk: None,
        });
        self
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        for member in &self.members {
            let offset = out.len() as u32;
            let stored = match member.deflate {
                true => deflated(&member.bytes),
                false => member.bytes.clone(),
            };
            let mut crc = Crc::new();
            crc.update(&member.bytes);
            let mut sum = crc.sum();
            let mut size = member.bytes.len() as u32;
            let mut method = if member.deflate { 8 } else { 0 };
            // Names are UTF-8.
            let mut flags = 0x0800;
            match member.quirk {
                Some(Quirk::Size(said)) => size = said,
                Some(Quirk::Checksum) => sum ^= 1,
                Some(Quirk::Method(said)) => method = said,
                Some(Quirk::Encrypted) => flags |= 1,
                None => {}
            }
            // Version needed, flags, method, time and date (2026-02-03), checksum, sizes, name.
            let mut common = Vec::new();
            for half in [20u16, flags, method, 0, 0x5c43] {
                common.extend(half.to_le_bytes());
            }
            for word in [sum, stored.len() as u32, size] {
                common.extend(word.to_le_bytes());
            }
            common.extend((member.name.len() as u16).to_le_bytes());
            common.extend([0; 2]);
            out.extend(b"PK\x03\x04");
            out.extend(&common);
            out.extend(member.name.as_bytes());
            out.extend(stored);
            directory.extend(b"PK\x01\x02");
            // Made by version 2.0 on Unix, so that the mode counts.
            directory.extend(0x0314_u16.to_le_bytes());
            directory.extend(&common);
            // No comment, first disk, no internal attributes.
            directory.extend([0; 6]);
            directory.extend((member.mode << 16).to_le_bytes());
            directory.extend(offset.to_le_bytes());
            directory.extend(member.name.as_bytes());
        }
        let start = out.len() as u32;
        let count = (self.members.len() as u16).to_le_bytes();
        out.extend(&directory);
        out.extend(b"PK\x05\x06");
        out.extend([0; 4]);
        out.extend([count, count].concat());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0; 2]);
        out
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The `.ipa` of a product: its bundle in `Payload`.
pub fn ipa(product: &Product) -> Vec<u8> {
    let mut archive = Archive::default();
    archive.folder("Payload");
    archive.bundle("Payload", &product.bundle);
    archive.to_bytes()
}

/// The `.xcarchive` of a product: its bundle in `Products/Applications`, a symbol file, and the `Info.plist` that Xcode's
/// organizer reads.
pub fn xcarchive(product: &Product) -> Bundle {
    let spec = &product.spec;
    let name = &spec.executable.name;
    let mut archive = Bundle::new(&format!("{name}.xcarchive"));
    let app = format!("Applications/{}", product.bundle.name);
    archive.graft(&format!("Products/{app}"), &product.bundle);
    let symbols = format!("dSYMs/{}.dSYM/Contents", product.bundle.name);
    archive.put(
        &format!("{symbols}/Resources/DWARF/{name}"),
        Entry::file("what a debugger reads"),
    );
    archive.put(
        &format!("{symbols}/Info.plist"),
        Entry::file(document(&Dictionary::new())),
    );
    let mut properties = Dictionary::new();
    properties.insert("ApplicationPath".to_owned(), app.into());
    for key in [
        "CFBundleIdentifier",
        "CFBundleShortVersionString",
        "CFBundleVersion",
    ] {
        if let Some(value) = spec.info.get(key) {
            properties.insert(key.to_owned(), value.clone());
        }
    }
    if let crate::code_signature::Signing::By(signer) = &spec.signature.signing {
        let name = signer.identity.common_name();
        properties.insert("SigningIdentity".to_owned(), name.into());
        properties.insert("Team".to_owned(), signer.team().unwrap_or_default().into());
    }
    let mut info = Dictionary::new();
    info.insert(
        "ApplicationProperties".to_owned(),
        Value::Dictionary(properties),
    );
    info.insert("ArchiveVersion".to_owned(), 2.into());
    info.insert("Name".to_owned(), name.as_str().into());
    info.insert("SchemeName".to_owned(), name.as_str().into());
    archive.put("Info.plist", Entry::file(document(&info)));
    archive
}
