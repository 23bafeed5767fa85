//! Embedded signatures: CodeDirectories, what they seal, and the CMS message over the first of them, in one SuperBlob
//! at the end of a Mach-O image.
//!
//! The message is detached: its content is the CodeDirectory of slot 0. Two signed attributes bind the other
//! CodeDirectories to it: `1.2.840.113635.100.9.1`, a property list of their hashes cut to 20 bytes, and
//! `…9.2`, the whole digest of each under its algorithm. Both shapes, and the indefinite lengths of the frame, are those of
//! Developer ID products from 2025.
//!
//! A [`CodeSignature`] is plain data with honest defaults. Whoever has the key can sign a lie: [`Hooks`] change the
//! CodeDirectories before the message is signed, the message before it is written, and the SuperBlob before it is
//! embedded.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use plist::{Dictionary, Value};

use super::certificate::{Identity, attribute as name};
use super::cms::{self, SignedData, Signer};
use super::code_directory::{CodeDirectory, HashType, Patch, flag, slot};
use super::entitlements::{self, Entitlements};
use super::hierarchy::{Hierarchy, LeafKind, LeafSpec, Store, at};
use super::key::Hash;
use super::mach_o::{FileType, MachO};
use super::requirement::{self, Requirement, kind};
use super::timestamp::Authority;
use super::{ber, der};

/// A blob: magic, length of the whole, contents.
pub fn blob(magic: u32, contents: &[u8]) -> Vec<u8> {
    let mut out = magic.to_be_bytes().to_vec();
    out.extend((contents.len() as u32 + 8).to_be_bytes());
    out.extend_from_slice(contents);
    out
}

/// A blob of blobs: magic, length, count, then type and offset of each, then the blobs in the same order.
pub fn index(magic: u32, blobs: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut at = 12 + 8 * blobs.len();
    for (kind, bytes) in blobs {
        entries.extend(kind.to_be_bytes());
        entries.extend((at as u32).to_be_bytes());
        at += bytes.len();
    }
    let mut contents = (blobs.len() as u32).to_be_bytes().to_vec();
    contents.extend(entries);
    contents.extend(blobs.iter().flat_map(|(_, bytes)| bytes));
    blob(magic, &contents)
}

/// The SuperBlob of an embedded signature.
#[derive(Clone, Debug, Default)]
pub struct SuperBlob {
    /// Type and bytes of each, in the order in which they are written.
    pub blobs: Vec<(u32, Vec<u8>)>,
    /// Lies, written over the finished blob.
    pub patches: Vec<Patch>,
}

impl SuperBlob {
    /// The bytes: magic `fade0cc0`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = index(0xfade_0cc0, &self.blobs);
        for (offset, bytes) in &self.patches {
            out[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        out
    }

    /// The first blob of that type.
    pub fn get(&self, kind: u32) -> Option<&[u8]> {
        let found = self.blobs.iter().find(|(known, _)| *known == kind);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// The same, to be changed. Panics where there is none.
    pub fn blob_mut(&mut self, kind: u32) -> &mut Vec<u8> {
        let found = self.blobs.iter_mut().find(|(known, _)| *known == kind);
        &mut found.unwrap().1
    }

    /// Where the offset of a type's entry stands, for [`SuperBlob::patches`].
    pub fn place_of_offset(&self, kind: u32) -> usize {
        let place = self.blobs.iter().position(|(known, _)| *known == kind);
        12 + 8 * place.unwrap() + 4
    }
}

/// Who signs.
#[derive(Clone)]
pub enum Signing {
    /// Nobody.
    Unsigned,
    /// `codesign --sign -`: an empty requirement set and an empty CMS wrapper.
    AdHoc,
    /// The linker, on Apple silicon: a CodeDirectory alone.
    LinkerSigned,
    /// The holder of a certificate.
    By(Box<SigningIdentity>),
}

/// A certificate with its key, and the chain that goes into the message.
#[derive(Clone)]
pub struct SigningIdentity {
    /// The signer.
    pub identity: Identity,
    /// The certificates above it.
    pub issuers: Vec<Identity>,
    /// What the certificate is for: Developer ID products have a designated requirement of their own. Stores sign what was
    /// submitted for distribution.
    pub kind: LeafKind,
    /// Which store signs, if it is none of the developer's certificates.
    pub store: Option<Store>,
    /// What the signing-time attribute says.
    pub time: Timestamp,
    /// Who gives the secure timestamp, if anybody.
    pub timestamp: Option<Authority>,
}

impl SigningIdentity {
    /// Acme's certificate of that kind; Developer ID signs with a secure timestamp, the others without.
    pub fn acme(kind: LeafKind) -> Self {
        Self::of(Hierarchy::acme(), &LeafSpec::new(kind))
    }

    /// A certificate of another hierarchy or holder.
    pub fn of(hierarchy: &Hierarchy, leaf: &LeafSpec) -> Self {
        let time = at("2026-02-03T04:05:06Z");
        let developer_id = leaf.kind == LeafKind::DeveloperIdApplication;
        Self {
            identity: hierarchy.developer(leaf),
            issuers: vec![
                hierarchy.developer_issuer(leaf.kind).clone(),
                hierarchy.root.clone(),
            ],
            kind: leaf.kind,
            store: None,
            time,
            timestamp: developer_id.then(|| Authority::new(hierarchy, time)),
        }
    }

    /// What a store signs with.
    pub fn store(hierarchy: &Hierarchy, store: Store) -> Self {
        Self {
            identity: hierarchy.store_signer(store),
            issuers: vec![
                hierarchy.store_issuer(store).clone(),
                hierarchy.root.clone(),
            ],
            kind: LeafKind::AppleDistribution,
            store: Some(store),
            time: at("2026-02-04T05:06:07Z"),
            timestamp: None,
        }
    }

    /// The team: the OU of its subject.
    pub fn team(&self) -> Option<&str> {
        self.identity.subject.get(name::UNIT)
    }

    /// The requirement that the signing tool makes for its products.
    pub fn designated(&self, identifier: &str) -> Requirement {
        if let Some(store) = self.store {
            return Requirement::all([
                Requirement::identifier(identifier),
                Requirement::AnchorAppleGeneric,
                Requirement::marked(requirement::LEAF, store.marker()),
            ]);
        }
        match self.kind {
            LeafKind::DeveloperIdApplication => {
                Requirement::developer_id(identifier, self.team().unwrap_or_default())
            }
            _ => Requirement::developer(identifier, self.identity.common_name()),
        }
    }
}

/// Changes something on its way into a signature.
pub type Hook<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// What a signer with a key does to a signature.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Changes the CodeDirectories before they are signed; the first is slot 0's.
    pub directories: Vec<Hook<Vec<CodeDirectory>>>,
    /// Changes the message before it is written.
    pub message: Vec<Hook<SignedData>>,
    /// Changes the SuperBlob before it is embedded.
    pub blobs: Vec<Hook<SuperBlob>>,
}

/// A signature to be made.
#[derive(Clone)]
pub struct CodeSignature {
    /// The signing identifier.
    pub identifier: String,
    /// Who signs.
    pub signing: Signing,
    /// The team in the CodeDirectories; none takes the signer's, an empty one leaves it out.
    pub team: Option<String>,
    /// The hash type of each CodeDirectory: the first is slot 0's, the others are alternates.
    pub hash_types: Vec<HashType>,
    /// The version of the CodeDirectories.
    pub version: u32,
    /// log2 of the page size; 0 for one page.
    pub page_bits: u8,
    /// Flags, besides those of ad-hoc and linker signatures.
    pub flags: u32,
    /// The version of the hardened runtime; none for code without it.
    pub runtime: Option<u32>,
    /// The requirement set; none takes the usual one.
    pub requirements: Option<Vec<(u32, Requirement)>>,
    /// The entitlements.
    pub entitlements: Option<Entitlements>,
    /// Launch constraints, as dictionaries of requirements, by slot.
    pub constraints: BTreeMap<u32, Dictionary>,
    /// Whether the limit stands in the 64-bit field.
    pub wide_limit: bool,
    /// Whether the frame of the message has indefinite lengths, as Apple's tool writes it.
    pub indefinite: bool,
    /// What a signer with a key does.
    pub hooks: Hooks,
}

/// The components outside of the image that a signature seals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Components<'a> {
    /// `Info.plist`.
    pub info: Option<&'a [u8]>,
    /// `CodeResources`.
    pub resources: Option<&'a [u8]>,
}

/// A signed image, and what its signature says.
#[derive(Clone, Debug)]
pub struct SignedImage {
    /// The thin Mach-O.
    pub bytes: Vec<u8>,
    /// Its CodeDirectories, slot 0's first.
    pub directories: Vec<CodeDirectory>,
    /// The SuperBlob.
    pub blobs: SuperBlob,
    /// Where the SuperBlob begins.
    pub offset: usize,
}

impl SignedImage {
    /// The cdhash by which the code is known: that of the best CodeDirectory (SHA-384, SHA-256, cut SHA-256, SHA-1).
    pub fn cdhash(&self) -> Vec<u8> {
        let rank = |directory: &&CodeDirectory| match directory.hash_type {
            HashType::Sha384 => 4,
            HashType::Sha256 => 3,
            HashType::Sha256Truncated => 2,
            HashType::Sha1 => 1,
        };
        let best = self.directories.iter().max_by_key(rank);
        best.map(CodeDirectory::cdhash).unwrap_or_default()
    }
}

/// Room for the message: a chain of three certificates, a timestamp with three more, and some space.
const MESSAGE_ROOM: usize = 18_000;

impl CodeSignature {
    /// What Xcode makes today: one CodeDirectory of SHA-256 over 4-KiB pages.
    pub fn new(identifier: &str, signing: Signing) -> Self {
        Self {
            identifier: identifier.to_owned(),
            signing,
            team: None,
            hash_types: vec![HashType::Sha256],
            version: 0x20400,
            page_bits: 12,
            flags: 0,
            runtime: None,
            requirements: None,
            entitlements: None,
            constraints: BTreeMap::new(),
            wide_limit: false,
            indefinite: true,
            hooks: Hooks::default(),
        }
    }

    /// With the hardened runtime of that SDK, as notarization wants it.
    pub fn hardened(mut self, runtime: u32) -> Self {
        self.runtime = Some(runtime);
        self.flags |= flag::RUNTIME;
        self.version = self.version.max(0x20500);
        self
    }

    /// With those entitlements.
    pub fn entitled(mut self, values: &Dictionary) -> Self {
        self.entitlements = Some(Entitlements::new(values));
        self
    }

    /// With CodeDirectories of those hash types.
    pub fn hashed(mut self, types: &[HashType]) -> Self {
        self.hash_types = types.to_vec();
        self
    }

    /// The requirement set that it has.
    pub fn requirement_set(&self) -> Vec<(u32, Requirement)> {
        match (&self.requirements, &self.signing) {
            (Some(own), _) => own.clone(),
            (None, Signing::By(signer)) => {
                vec![(kind::DESIGNATED, signer.designated(&self.identifier))]
            }
            (None, _) => Vec::new(),
        }
    }

    /// The requirement by which others know the code: the designated one, or the hashes of all slices.
    pub fn designated(&self, slices: &[SignedImage]) -> Requirement {
        let own = self.requirement_set().into_iter();
        let hashes = || {
            let directories = slices.iter().flat_map(|slice| &slice.directories);
            let hashes: Vec<_> = directories.map(CodeDirectory::cdhash).collect();
            Requirement::any_cdhash(&hashes)
        };
        let explicit = own
            .filter(|(kind, _)| *kind == kind::DESIGNATED)
            .map(|(_, requirement)| requirement)
            .next();
        // Where none is written, the system makes the one that the signing tool would have written.
        explicit.unwrap_or_else(|| match &self.signing {
            Signing::By(signer) => signer.designated(&self.identifier),
            _ => hashes(),
        })
    }

    /// Signs an image.
    pub fn sign(&self, image: &MachO, components: Components<'_>) -> SignedImage {
        if matches!(self.signing, Signing::Unsigned) {
            return SignedImage {
                bytes: image.unsigned(),
                directories: Vec::new(),
                blobs: SuperBlob::default(),
                offset: 0,
            };
        }
        let parts = self.parts();
        let usual = self.room(image.layout().signature, &parts);
        self.sign_within(image, components, &parts, usual)
            .unwrap_or_else(|larger| {
                let room = larger.next_multiple_of(16);
                let signed = self.sign_within(image, components, &parts, room);
                signed.unwrap_or_else(|size| panic!("{size} bytes do not fit {room}"))
            })
    }

    /// Signs an image whose signature gets so many bytes; tells how many it needs if these are too few.
    fn sign_within(
        &self,
        image: &MachO,
        components: Components<'_>,
        parts: &[(u32, Vec<u8>)],
        reserved: usize,
    ) -> Result<SignedImage, usize> {
        let code = image.signed_part(reserved);
        let info = components.info.or(image.info_plist.as_deref());
        let mut directories = self.directories(image, &code, info, components.resources, parts);
        for hook in &self.hooks.directories {
            hook(&mut directories);
        }
        let mut blobs = SuperBlob::default();
        blobs
            .blobs
            .push((slot::CODE_DIRECTORY, directories[0].to_bytes()));
        blobs.blobs.extend_from_slice(parts);
        for (number, alternate) in (slot::ALTERNATE..).zip(&directories[1..]) {
            blobs.blobs.push((number, alternate.to_bytes()));
        }
        let message = match &self.signing {
            Signing::By(signer) => Some(self.message(signer, &directories)),
            Signing::AdHoc => Some(Vec::new()),
            Signing::Unsigned | Signing::LinkerSigned => None,
        };
        if let Some(message) = message {
            blobs
                .blobs
                .push((slot::SIGNATURE, blob(0xfade_0b01, &message)));
        }
        for hook in &self.hooks.blobs {
            hook(&mut blobs);
        }
        let bytes = blobs.to_bytes();
        if bytes.len() > reserved {
            return Err(bytes.len());
        }
        Ok(SignedImage {
            bytes: image.with_signature(&bytes, reserved),
            directories,
            blobs,
            offset: image.layout().signature,
        })
    }

    /// The blobs that special slots seal, by slot.
    fn parts(&self) -> Vec<(u32, Vec<u8>)> {
        let mut parts = Vec::new();
        if !matches!(self.signing, Signing::LinkerSigned) {
            let set = requirement::set(&self.requirement_set());
            parts.push((slot::REQUIREMENTS, set));
        }
        if let Some(entitlements) = &self.entitlements {
            let xml = entitlements.xml_blob();
            parts.extend(xml.map(|blob| (slot::ENTITLEMENTS, blob)));
            let der = entitlements.der_blob();
            parts.extend(der.map(|blob| (slot::ENTITLEMENTS_DER, blob)));
        }
        for (number, requirements) in &self.constraints {
            parts.push((*number, entitlements::constraint(requirements.clone())));
        }
        parts
    }

    /// How many bytes are kept free for the signature, before it is known.
    fn room(&self, limit: usize, parts: &[(u32, Vec<u8>)]) -> usize {
        let slots = match self.page_bits {
            0 => 1,
            bits => limit.div_ceil(1 << bits),
        };
        let directories: usize = self
            .hash_types
            .iter()
            .map(|hash| 512 + self.identifier.len() + (slots + 12) * hash.size())
            .sum();
        let parts: usize = parts.iter().map(|(_, blob)| 16 + blob.len()).sum();
        let message = match self.signing {
            Signing::By(_) => MESSAGE_ROOM,
            _ => 64,
        };
        (directories + parts + message).next_multiple_of(16)
    }

    fn directories(
        &self,
        image: &MachO,
        code: &[u8],
        info: Option<&[u8]>,
        resources: Option<&[u8]>,
        parts: &[(u32, Vec<u8>)],
    ) -> Vec<CodeDirectory> {
        let team = match (&self.team, &self.signing) {
            (Some(own), _) => Some(own.clone()).filter(|team| !team.is_empty()),
            (None, Signing::By(signer)) => signer.team().map(str::to_owned),
            (None, _) => None,
        };
        let own_flags = match self.signing {
            Signing::AdHoc => flag::AD_HOC,
            Signing::LinkerSigned => flag::AD_HOC | flag::LINKER_SIGNED,
            _ => 0,
        };
        // CS_EXECSEG_MAIN_BINARY.
        let segment_flags = u64::from(image.file_type == FileType::Executable);
        let make = |hash: &HashType| {
            let mut directory =
                CodeDirectory::new(&self.identifier, self.version, *hash, self.page_bits, code);
            directory.flags = self.flags | own_flags;
            directory.team.clone_from(&team);
            directory.wide_limit = self.wide_limit;
            directory.runtime = self.runtime.unwrap_or_default();
            directory.executable_segment = (0, image.layout().text as u64, segment_flags);
            if let Some(info) = info {
                directory.seal(slot::INFO, info);
            }
            if let Some(resources) = resources {
                directory.seal(slot::RESOURCES, resources);
            }
            for (number, blob) in parts {
                directory.seal(*number, blob);
            }
            directory
        };
        self.hash_types.iter().map(make).collect()
    }

    fn message(&self, by: &SigningIdentity, directories: &[CodeDirectory]) -> Vec<u8> {
        let mut signer = Signer::new(by.identity.clone(), Hash::Sha256, by.time);
        signer.profile_attributes = false;
        signer.algorithm_with_digest = true;
        signer.more_attributes = vec![
            digests_attribute(directories),
            hashes_attribute(directories),
        ];
        signer.timestamp.clone_from(&by.timestamp);
        let mut message = SignedData::new(directories[0].to_bytes(), signer, &by.issuers);
        message.attached = false;
        for hook in &self.hooks.message {
            hook(&mut message);
        }
        match self.indefinite {
            true => ber::indefinite(&message.to_der(), 1024),
            false => message.to_der(),
        }
    }
}

/// `1.2.840.113635.100.9.1`: a property list of the cdhashes, in the order of their hash types.
pub fn hashes_attribute(directories: &[CodeDirectory]) -> Vec<u8> {
    let mut sorted: Vec<&CodeDirectory> = directories.iter().collect();
    sorted.sort_by_key(|directory| directory.hash_type);
    let hashes = sorted
        .iter()
        .map(|directory| Value::Data(directory.cdhash()));
    let mut values = Dictionary::new();
    values.insert("cdhashes".to_owned(), Value::Array(hashes.collect()));
    let list = entitlements::document(&values);
    cms::attribute("1.2.840.113635.100.9.1", &[der::octets(list)])
}

/// `1.2.840.113635.100.9.2`: each CodeDirectory's digest, whole, under the algorithm.
pub fn digests_attribute(directories: &[CodeDirectory]) -> Vec<u8> {
    let pair = |directory: &CodeDirectory| {
        der::sequence([
            der::oid(directory.hash_type.oid()),
            der::octets(directory.digest()),
        ])
    };
    let pairs: Vec<_> = directories.iter().map(pair).collect();
    cms::attribute("1.2.840.113635.100.9.2", &pairs)
}
