//! CodeDirectories: the list of hashes that a signature is about (`codedirectory.h` of Apple's libsecurity_codesigning).
//!
//! The header grew with its version; fields that a version lacks are not written, so that offsets shift as in files of
//! that age. Nothing is checked: counts, limits and offsets can be made to lie by [`CodeDirectory::patch`].

use std::collections::BTreeMap;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

/// Special slots, by the number that stands negative in a CodeDirectory and positive in a SuperBlob.
pub mod slot {
    /// The CodeDirectory itself; no special slot.
    pub const CODE_DIRECTORY: u32 = 0;
    /// `Info.plist`.
    pub const INFO: u32 = 1;
    /// Internal requirements.
    pub const REQUIREMENTS: u32 = 2;
    /// `_CodeSignature/CodeResources`.
    pub const RESOURCES: u32 = 3;
    /// The list of components.
    pub const TOP_DIRECTORY: u32 = 4;
    /// Entitlements as XML.
    pub const ENTITLEMENTS: u32 = 5;
    /// What a disk image or the like has to say of itself.
    pub const REPRESENTATION: u32 = 6;
    /// Entitlements as DER.
    pub const ENTITLEMENTS_DER: u32 = 7;
    /// Launch constraint on the code itself.
    pub const CONSTRAINT_SELF: u32 = 8;
    /// Launch constraint on the parent process.
    pub const CONSTRAINT_PARENT: u32 = 9;
    /// Launch constraint on the responsible process.
    pub const CONSTRAINT_RESPONSIBLE: u32 = 10;
    /// Constraint on the libraries that are loaded.
    pub const CONSTRAINT_LIBRARY: u32 = 11;
    /// The first alternate CodeDirectory.
    pub const ALTERNATE: u32 = 0x1000;
    /// The CMS signature.
    pub const SIGNATURE: u32 = 0x1_0000;
    /// A notarization ticket.
    pub const TICKET: u32 = 0x1_0002;
}

/// `flags` of a CodeDirectory (`CSCommon.h`).
pub mod flag {
    /// No identity signed it.
    pub const AD_HOC: u32 = 0x2;
    /// Refuse to load invalid pages.
    pub const HARD: u32 = 0x100;
    /// Kill the process when it becomes invalid.
    pub const KILL: u32 = 0x200;
    /// The signature ends with the certificate.
    pub const EXPIRES: u32 = 0x400;
    /// Load libraries of the same team only.
    pub const LIBRARY_VALIDATION: u32 = 0x2000;
    /// The hardened runtime.
    pub const RUNTIME: u32 = 0x1_0000;
    /// The linker signed it.
    pub const LINKER_SIGNED: u32 = 0x2_0000;
}

/// How slots are hashed: `hashType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashType {
    /// 1: SHA-1.
    Sha1 = 1,
    /// 2: SHA-256.
    Sha256 = 2,
    /// 3: SHA-256, cut to 20 bytes.
    Sha256Truncated = 3,
    /// 4: SHA-384.
    Sha384 = 4,
}

impl HashType {
    /// The digest as slots hold it.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha256Truncated => Sha256::digest(bytes)[..20].to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
        }
    }

    /// Bytes of a slot.
    pub fn size(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256Truncated => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The digest's object identifier, under which the CMS lists the CodeDirectory.
    pub fn oid(self) -> &'static str {
        match self {
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 | Self::Sha256Truncated => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
        }
    }
}

/// What is written into one finished CodeDirectory at an offset: a lie about a count, a limit or an offset.
pub type Patch = (usize, Vec<u8>);

/// A CodeDirectory to be made.
#[derive(Clone, Debug)]
pub struct CodeDirectory {
    /// `0x20001`, `0x20100`, `0x20200`, … `0x20600`.
    pub version: u32,
    /// See [`flag`].
    pub flags: u32,
    /// The signing identifier.
    pub identifier: String,
    /// The team; written from version `0x20200` on.
    pub team: Option<String>,
    /// How it hashes.
    pub hash_type: HashType,
    /// log2 of the page size; 0 hashes all code as one page.
    pub page_bits: u8,
    /// Nonzero for parts of the operating system.
    pub platform: u8,
    /// Bytes of code that are covered.
    pub limit: u64,
    /// Whether the limit stands in `codeLimit64`, as from 4 GiB on.
    pub wide_limit: bool,
    /// `execSegBase`, `execSegLimit`, `execSegFlags`; written from version `0x20400` on.
    pub executable_segment: (u64, u64, u64),
    /// The version of the hardened runtime, `0x000f0000` for 15.0; written from version `0x20500` on.
    pub runtime: u32,
    /// Slots of code, in their order.
    pub code: Vec<Vec<u8>>,
    /// Special slots by number; those between that are missing become zeros.
    pub special: BTreeMap<u32, Vec<u8>>,
    /// Scatter entries: count, base and target offset; written from version `0x20100` on.
    pub scatter: Vec<(u32, u32, u64)>,
    /// Lies, written last.
    pub patches: Vec<Patch>,
}

impl CodeDirectory {
    /// One of that version and hash type over `code`; the rest is to be filled in.
    pub fn new(
        identifier: &str,
        version: u32,
        hash_type: HashType,
        page_bits: u8,
        code: &[u8],
    ) -> Self {
        let slots = match page_bits {
            0 if code.is_empty() => Vec::new(),
            0 => vec![hash_type.digest(code)],
            bits => code
                .chunks(1 << bits)
                .map(|page| hash_type.digest(page))
                .collect(),
        };
        Self {
            version,
            flags: 0,
            identifier: identifier.to_owned(),
            team: None,
            hash_type,
            page_bits,
            platform: 0,
            limit: code.len() as u64,
            wide_limit: false,
            executable_segment: (0, 0, 0),
            runtime: 0,
            code: slots,
            special: BTreeMap::new(),
            scatter: Vec::new(),
            patches: Vec::new(),
        }
    }

    /// Seals a component: its digest goes into the special slot.
    pub fn seal(&mut self, slot: u32, bytes: &[u8]) {
        self.special.insert(slot, self.hash_type.digest(bytes));
    }

    /// Writes `bytes` over the finished CodeDirectory at `offset`; see [`field`].
    pub fn patch(&mut self, offset: usize, bytes: &[u8]) {
        self.patches.push((offset, bytes.to_vec()));
    }

    /// The blob.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header_size();
        let mut tail = Vec::new();
        let scatter = match self.scatter.is_empty() || self.version < 0x20100 {
            true => 0,
            false => header,
        };
        if scatter > 0 {
            for (count, base, target) in self.scatter.iter().chain([&(0, 0, 0)]) {
                tail.extend(count.to_be_bytes());
                tail.extend(base.to_be_bytes());
                tail.extend(target.to_be_bytes());
                tail.extend([0; 8]);
            }
        }
        let identifier = header + tail.len();
        tail.extend(self.identifier.as_bytes());
        tail.push(0);
        let mut team = 0;
        if let Some(text) = self.team.as_ref().filter(|_| self.version >= 0x20200) {
            team = header + tail.len();
            tail.extend(text.as_bytes());
            tail.push(0);
        }
        let specials = self.special.keys().max().copied().unwrap_or_default();
        let size = self.hash_type.size();
        for number in (1..=specials).rev() {
            match self.special.get(&number) {
                Some(digest) => tail.extend(digest),
                None => tail.extend(vec![0; size]),
            }
        }
        let hashes = header + tail.len();
        tail.extend(self.code.concat());

        let mut out = Vec::new();
        let limit32 = match self.wide_limit {
            true => 0,
            false => self.limit as u32,
        };
        for word in [
            0xfade_0c02,
            (header + tail.len()) as u32,
            self.version,
            self.flags,
            hashes as u32,
            identifier as u32,
            specials,
            self.code.len() as u32,
            limit32,
        ] {
            out.extend(word.to_be_bytes());
        }
        out.extend([
            size as u8,
            self.hash_type as u8,
            self.platform,
            self.page_bits,
        ]);
        out.extend([0; 4]);
        if self.version >= 0x20100 {
            out.extend((scatter as u32).to_be_bytes());
        }
        if self.version >= 0x20200 {
            out.extend((team as u32).to_be_bytes());
        }
        if self.version >= 0x20300 {
            out.extend([0; 4]);
            let limit64 = match self.wide_limit {
                true => self.limit,
                false => 0,
            };
            out.extend(limit64.to_be_bytes());
        }
        if self.version >= 0x20400 {
            let (base, limit, flags) = self.executable_segment;
            for number in [base, limit, flags] {
                out.extend(number.to_be_bytes());
            }
        }
        if self.version >= 0x20500 {
            out.extend(self.runtime.to_be_bytes());
            // No hashes of what is decrypted when it is loaded.
            out.extend([0; 4]);
        }
        if self.version >= 0x20600 {
            // linkageHashType, linkageApplicationType, linkageApplicationSubType, linkageOffset, linkageSize (XNU's
            // cs_blobs.h): no linkage.
            out.extend([0; 12]);
        }
        assert_eq!(out.len(), header);
        out.extend(tail);
        for (offset, bytes) in &self.patches {
            out[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        out
    }

    fn header_size(&self) -> usize {
        match self.version {
            0x20600.. => 108,
            0x20500.. => 96,
            0x20400.. => 88,
            0x20300.. => 64,
            0x20200.. => 52,
            0x20100.. => 48,
            _ => 44,
        }
    }

    /// The whole digest of the blob, under its own hash type.
    pub fn digest(&self) -> Vec<u8> {
        self.hash_type.digest(&self.to_bytes())
    }

    /// The cdhash: the first 20 bytes of the digest.
    pub fn cdhash(&self) -> Vec<u8> {
        self.digest()[..20].to_vec()
    }
}

/// Offsets of the header's fields, for [`CodeDirectory::patch`].
pub mod field {
    /// `version`.
    pub const VERSION: usize = 8;
    /// `flags`.
    pub const FLAGS: usize = 12;
    /// `hashOffset`.
    pub const HASH_OFFSET: usize = 16;
    /// `identOffset`.
    pub const IDENTIFIER_OFFSET: usize = 20;
    /// `nSpecialSlots`.
    pub const SPECIAL_SLOTS: usize = 24;
    /// `nCodeSlots`.
    pub const CODE_SLOTS: usize = 28;
    /// `codeLimit`.
    pub const CODE_LIMIT: usize = 32;
    /// `hashSize`.
    pub const HASH_SIZE: usize = 36;
    /// `hashType`.
    pub const HASH_TYPE: usize = 37;
    /// `pageSize`.
    pub const PAGE_SIZE: usize = 39;
    /// `teamIDOffset`, from version 0x20200 on.
    pub const TEAM_OFFSET: usize = 48;
}
