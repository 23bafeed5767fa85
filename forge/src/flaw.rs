//! What can be wrong with a profile, one thing at a time; several may be put together.
//!
//! Each says which layer it is about. Damage to the inner layer happens before the outer one is signed: the outer layer
//! then vouches for a broken inner one, which is the harder case.

use jiff::Timestamp;
use jiff::ToSpan;
use plist::Value;

use super::cms::{MessageDigest, SignedData, Signer};
use super::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role};
use super::key::Hash;
use super::profile::{ProfileSpec, date, inner_value};
use super::{der, xml};

/// A layer of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The CMS that is the file.
    Outer,
    /// The CMS under `DER-Encoded-Profile`.
    Inner,
}

/// A place in a finished layer where a byte is changed.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The byte at this offset of the layer; beyond the end it wraps around.
    Byte(usize),
    /// In the value of this key: a readable character becomes another one, so that the payload stays well-formed.
    Key(&'static str),
    /// In the message-digest attribute.
    MessageDigest,
    /// In the signing-time attribute: its year.
    SigningTime,
    /// In the signature.
    Signature,
    /// In the public key of the signer's certificate.
    SignerKey,
    /// In the public key of the intermediate's certificate.
    IntermediateKey,
}

/// Something wrong.
#[derive(Clone)]
pub enum Flaw {
    /// Signed by a self-signed certificate with Apple's common name and the right marker.
    Forged(Layer),
    /// Signed by a developer's distribution certificate, which chains to the same root.
    RoleSwapped(Layer),
    /// Signed by the signer of another role, such as a macOS signer on an iOS profile.
    SignedAs(Layer, Role),
    /// Signed by the right role in a hierarchy of the same shape under another root.
    WrongAnchor(Layer),
    /// The same, with Apple's names letter for letter.
    Impostor(Layer),
    /// The signer's certificate had ended a day before it signed.
    SignerExpired(Layer),
    /// The signer's certificate began a day after it signed.
    SignerNotYetValid(Layer),
    /// The certificates lack the intermediate.
    MissingIntermediate(Layer),
    /// The certificates lack the root.
    MissingRoot(Layer),
    /// The certificates lack the signer's own.
    SignerNotBundled(Layer),
    /// There are no certificates.
    NoCertificates(Layer),
    /// No signing-time attribute.
    NoSigningTime(Layer),
    /// Another signing time than the creation date.
    SigningTime(Layer, Timestamp),
    /// No message-digest attribute.
    MissingMessageDigest(Layer),
    /// A message-digest attribute of something else, properly signed.
    WrongMessageDigest(Layer),
    /// The content-type attribute says signed data, the content is data.
    WrongContentType(Layer),
    /// No content-type attribute.
    MissingContentType(Layer),
    /// The content says that it is signed data, and so does its attribute.
    ForeignContentType(Layer),
    /// No signed attributes: the signature is over the content itself.
    NoSignedAttributes(Layer),
    /// Another digest: `Digest(Layer::Outer, Hash::Sha256)` is what Apple may change to.
    Digest(Layer, Hash),
    /// No signer at all.
    NoSigner(Layer),
    /// A developer's certificate signs beside the right signer.
    TwoSigners(Layer),
    /// The content is not in it.
    Detached(Layer),
    /// An unsigned attribute of so many bytes.
    UnsignedAttribute(Layer, usize),
    /// So many certificates, the right ones among them.
    Certificates(Layer, usize),
    /// Indefinite lengths, and the content in chunks of so many bytes.
    Ber(Layer, usize),
    /// The same in sets, signers and identifiers, everywhere except in what is hashed.
    BerThroughout(Layer, usize),
    /// One byte changed after signing.
    Tampered(Layer, Place),
    /// Cut to so many bytes.
    Truncated(Layer, usize),
    /// Followed by other bytes.
    Trailing(Layer, Vec<u8>),
    /// The inner layer of another profile.
    InnerOf(Box<ProfileSpec>),
    /// The inner layer says something else about a key (certificates as DER, as in the outer layer).
    InnerSays(&'static str, Value),
    /// The inner layer lacks a key.
    InnerLacks(&'static str),
    /// The inner layer holds this DER under a key.
    InnerRaw(&'static str, Vec<u8>),
    /// The inner layer has a key a second time, with another value.
    InnerDuplicates(&'static str, Value),
    /// The outer plist has a key a second time, at its end, with another value.
    DuplicatedKey(&'static str, Value),
    /// The outer plist holds this XML under a key, for dates that are none and the like.
    OuterRaw(&'static str, &'static str),
    /// The outer plist lacks a key, and the inner layer still has it.
    OuterLacks(&'static str),
}

impl Flaw {
    /// One disagreement between the layers for every field they share.
    pub fn every_disagreement() -> Vec<(&'static str, Flaw)> {
        let strings =
            |texts: &[&str]| Value::Array(texts.iter().map(|&text| text.into()).collect());
        let other_certificate = Hierarchy::acme()
            .developer(&LeafSpec::new(LeafKind::AppleDistribution).labelled("leaf 2"));
        let mut entitlements = plist::Dictionary::new();
        entitlements.insert("application-identifier".to_owned(), "ACME4CI001.*".into());
        [
            ("AppIDName", "Another App".into()),
            ("ApplicationIdentifierPrefix", strings(&["OTHER00001"])),
            (
                "CreationDate",
                date("2020-01-01T00:00:00Z".parse().unwrap()),
            ),
            ("Platform", strings(&["tvOS"])),
            ("IsXcodeManaged", true.into()),
            (
                "DeveloperCertificates",
                Value::Array(vec![Value::Data(other_certificate.der.to_vec())]),
            ),
            ("Entitlements", Value::Dictionary(entitlements)),
            (
                "ExpirationDate",
                date("2049-01-01T00:00:00Z".parse().unwrap()),
            ),
            ("Name", "Another Name".into()),
            ("TeamIdentifier", strings(&["OTHER00001"])),
            ("TeamName", "Another Team".into()),
            ("TimeToLive", Value::Integer(1.into())),
            ("UUID", "00000000-0000-4000-8000-000000000000".into()),
            ("Version", Value::Integer(2.into())),
            (
                "ProvisionedDevices",
                strings(&["00008030-0000000000000000"]),
            ),
            ("ProvisionsAllDevices", true.into()),
        ]
        .map(|(key, value)| (key, Flaw::InnerSays(key, value)))
        .to_vec()
    }

    /// Changes who signs a layer and how, before it is signed.
    pub(super) fn taint(&self, layer: Layer, spec: &ProfileSpec, signed: &mut SignedData) {
        if self.layer() != Some(layer) {
            return;
        }
        let role = spec.role(layer);
        match self {
            Self::Forged(_) => {
                let forger = Hierarchy::impostor().self_signed(role);
                signed.certificates = vec![forger.der.to_vec()];
                signed.signers[0].identity = forger;
            }
            Self::RoleSwapped(_) => {
                let leaf = spec
                    .hierarchy
                    .developer(&LeafSpec::new(LeafKind::AppleDistribution));
                let hierarchy = &spec.hierarchy;
                signed.certificates = [&leaf, &hierarchy.wwdr_g3, &hierarchy.root]
                    .map(|identity| identity.der.to_vec())
                    .to_vec();
                signed.signers[0].identity = leaf;
            }
            Self::SignedAs(_, role) => resign(signed, &spec.hierarchy, *role),
            Self::WrongAnchor(_) => resign(signed, Hierarchy::rival(), role),
            Self::Impostor(_) => resign(signed, Hierarchy::impostor(), role),
            Self::SignerExpired(_) => {
                let validity = (spec.created - (24 * 400).hours(), spec.created - 24.hours());
                revalidate(signed, &spec.hierarchy, role, validity);
            }
            Self::SignerNotYetValid(_) => {
                let validity = (spec.created + 24.hours(), spec.created + (24 * 400).hours());
                revalidate(signed, &spec.hierarchy, role, validity);
            }
            Self::MissingIntermediate(_) => {
                let [intermediate, _] = spec.hierarchy.issuers(role);
                signed.certificates.retain(|der| **der != *intermediate.der);
            }
            Self::MissingRoot(_) => {
                let [_, root] = spec.hierarchy.issuers(role);
                signed.certificates.retain(|der| **der != *root.der);
            }
            Self::SignerNotBundled(_) => {
                let own = signed.signers[0].identity.der.clone();
                signed.certificates.retain(|der| **der != *own);
            }
            Self::NoCertificates(_) => signed.certificates.clear(),
            Self::NoSigningTime(_) => signed.signers[0].signing_time = None,
            Self::SigningTime(_, at) => signed.signers[0].signing_time = Some(*at),
            Self::MissingMessageDigest(_) => {
                signed.signers[0].message_digest = MessageDigest::Missing
            }
            Self::WrongMessageDigest(_) => signed.signers[0].message_digest = MessageDigest::Wrong,
            Self::WrongContentType(_) => signed.signers[0].content_type = Some(SIGNED_DATA),
            Self::MissingContentType(_) => signed.signers[0].content_type = None,
            Self::ForeignContentType(_) => {
                signed.content_type = SIGNED_DATA;
                signed.signers[0].content_type = Some(SIGNED_DATA);
            }
            Self::NoSignedAttributes(_) => signed.signers[0].signed_attributes = false,
            Self::Digest(_, hash) => signed.signers[0].hash = *hash,
            Self::NoSigner(_) => signed.signers.clear(),
            Self::TwoSigners(_) => {
                let leaf = spec
                    .hierarchy
                    .developer(&LeafSpec::new(LeafKind::AppleDistribution));
                signed
                    .certificates
                    .extend([&leaf, &spec.hierarchy.wwdr_g3].map(|identity| identity.der.to_vec()));
                let hash = signed.signers[0].hash;
                signed.signers.push(Signer::new(leaf, hash, spec.created));
            }
            Self::Detached(_) => signed.attached = false,
            Self::UnsignedAttribute(_, length) => {
                signed.signers[0].unsigned_attribute = Some(vec![0; *length]);
            }
            Self::Certificates(_, count) => {
                let root = signed.certificates.last().unwrap().clone();
                signed.certificates.resize(*count, root);
            }
            _ => {}
        }
    }

    /// Changes the inner layer's facts.
    pub(super) fn falsify(&self, pairs: &mut Vec<(String, Vec<u8>)>) {
        match self {
            Self::InnerSays(key, value) => set(pairs, key, inner_value(key, value)),
            Self::InnerRaw(key, der) => set(pairs, key, der.clone()),
            Self::InnerLacks(key) => pairs.retain(|(known, _)| known != key),
            Self::InnerDuplicates(key, value) => {
                pairs.push(((*key).to_owned(), inner_value(key, value)))
            }
            _ => {}
        }
    }

    /// Changes the outer plist.
    pub(super) fn rewrite(&self, entries: &mut Vec<xml::Entry>) {
        match self {
            Self::DuplicatedKey(key, value) => {
                entries.push(((*key).to_owned(), xml::value(value, 1)))
            }
            Self::OuterRaw(key, raw) => {
                let raw = format!("\t{raw}\n");
                match entries.iter_mut().find(|(known, _)| known == key) {
                    Some((_, xml)) => *xml = raw,
                    None => entries.push(((*key).to_owned(), raw)),
                }
            }
            Self::OuterLacks(key) => entries.retain(|(known, _)| known != key),
            _ => {}
        }
    }

    /// Whether a layer is BER: the size of its chunks, and whether it is so throughout.
    pub(super) fn chunk(&self, layer: Layer) -> Option<(usize, bool)> {
        match self {
            Self::Ber(of, chunk) if *of == layer => Some((*chunk, false)),
            Self::BerThroughout(of, chunk) if *of == layer => Some((*chunk, true)),
            _ => None,
        }
    }

    /// Changes a layer after it was signed.
    pub(super) fn damage(&self, layer: Layer, bytes: &mut Vec<u8>) {
        match self {
            Self::Tampered(of, place) if *of == layer => place.tamper(bytes),
            Self::Truncated(of, len) if *of == layer => bytes.truncate(*len),
            Self::Trailing(of, more) if *of == layer => bytes.extend(more),
            _ => {}
        }
    }

    /// The layer that a flaw of signing is about.
    fn layer(&self) -> Option<Layer> {
        match self {
            Self::Forged(layer)
            | Self::RoleSwapped(layer)
            | Self::SignedAs(layer, _)
            | Self::WrongAnchor(layer)
            | Self::Impostor(layer)
            | Self::SignerExpired(layer)
            | Self::SignerNotYetValid(layer)
            | Self::MissingIntermediate(layer)
            | Self::MissingRoot(layer)
            | Self::SignerNotBundled(layer)
            | Self::NoCertificates(layer)
            | Self::NoSigningTime(layer)
            | Self::SigningTime(layer, _)
            | Self::MissingMessageDigest(layer)
            | Self::WrongMessageDigest(layer)
            | Self::WrongContentType(layer)
            | Self::MissingContentType(layer)
            | Self::ForeignContentType(layer)
            | Self::NoSignedAttributes(layer)
            | Self::Digest(layer, _)
            | Self::NoSigner(layer)
            | Self::TwoSigners(layer)
            | Self::Detached(layer)
            | Self::UnsignedAttribute(layer, _)
            | Self::Certificates(layer, _) => Some(*layer),
            _ => None,
        }
    }
}

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";

/// Lets a role of a hierarchy sign, with its chain.
fn resign(signed: &mut SignedData, hierarchy: &Hierarchy, role: Role) {
    let signer = hierarchy.signer(role);
    let [intermediate, root] = hierarchy.issuers(role);
    signed.certificates = [&signer, &intermediate, &root]
        .map(|identity| identity.der.to_vec())
        .to_vec();
    signed.signers[0].identity = signer;
}

/// Replaces the signer's certificate by one of another validity, and nothing else.
fn revalidate(
    signed: &mut SignedData,
    hierarchy: &Hierarchy,
    role: Role,
    validity: (Timestamp, Timestamp),
) {
    let signer = hierarchy.signer_valid(role, validity);
    let old = std::mem::replace(&mut signed.signers[0].identity, signer.clone());
    for der in &mut signed.certificates {
        if **der == *old.der {
            *der = signer.der.to_vec();
        }
    }
}

fn set(pairs: &mut Vec<(String, Vec<u8>)>, key: &str, value: Vec<u8>) {
    match pairs.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value,
        None => pairs.push((key.to_owned(), value)),
    }
}

impl Place {
    /// Changes one byte there. Panics where the layer has no such place: a test would otherwise prove nothing.
    fn tamper(self, layer: &mut [u8]) {
        let at = match self {
            Self::Byte(offset) => offset % layer.len(),
            Self::Signature => layer.len() - 20,
            Self::MessageDigest => after_oid(layer, "1.2.840.113549.1.9.4") + 12,
            // OID, SET and UTCTime header, then the year.
            Self::SigningTime => after_oid(layer, "1.2.840.113549.1.9.5") + 5,
            Self::SignerKey => key_of_signer(layer),
            Self::IntermediateKey => key_of_intermediate(layer),
            Self::Key(key) => value_of(layer, key),
        };
        layer[at] = match layer[at] {
            digit @ b'0'..=b'8' => digit + 1,
            b'9' => b'0',
            letter if letter.is_ascii_alphabetic() && !letter.eq_ignore_ascii_case(&b'z') => {
                letter + 1
            }
            other => other ^ 1,
        };
    }
}

/// The first byte behind an object identifier's last occurrence.
fn after_oid(layer: &[u8], oid: &str) -> usize {
    let oid = der::oid(oid);
    last(layer, &oid).unwrap() + oid.len()
}

fn first(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn last(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).rposition(|window| window == part)
}

/// Where the certificate begins that has this marker, and in it the public key.
fn key_in(layer: &[u8], markers: &[&str]) -> Option<usize> {
    let marker = markers.iter().find_map(|oid| last(layer, &der::oid(oid)))?;
    // The key stands before the extensions: its algorithm is the last one in front of the marker.
    let algorithms = ["1.2.840.113549.1.1.1", "1.2.840.10045.2.1"];
    let key = algorithms
        .iter()
        .filter_map(|oid| last(&layer[..marker], &der::oid(oid)))
        .max()?;
    Some(key + 60)
}

fn key_of_signer(layer: &[u8]) -> usize {
    let roles = [
        Role::IosProfiles,
        Role::IosProfilesBefore2025,
        Role::MacProfiles,
        Role::InnerProfiles,
    ];
    key_in(layer, &roles.map(Role::marker)).unwrap()
}

fn key_of_intermediate(layer: &[u8]) -> usize {
    let markers = [
        "1.2.840.113635.100.6.2.18",
        "1.2.840.113635.100.6.2.1",
        "1.2.840.113635.100.6.2.17",
    ];
    key_in(layer, &markers).unwrap()
}

/// A byte in the value of a key, in either layer.
fn value_of(layer: &[u8], key: &str) -> usize {
    let xml = format!("<key>{key}</key>");
    if let Some(at) = first(layer, xml.as_bytes()) {
        // The first readable character that follows a tag: past `<array>` and blanks.
        let mut tag_closed = false;
        let from = at + xml.len();
        return from
            + layer[from..]
                .iter()
                .position(|byte| match byte {
                    b'>' => {
                        tag_closed = true;
                        false
                    }
                    b'<' => {
                        tag_closed = false;
                        false
                    }
                    other => tag_closed && other.is_ascii_alphanumeric(),
                })
                .unwrap();
    }
    // The last byte of the value behind the key.
    let pair = der::utf8(key);
    let value = first(layer, &pair).unwrap() + pair.len();
    let (header, len) = match layer[value + 1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(layer[value + 2])),
        _ => (
            4,
            usize::from(layer[value + 2]) << 8 | usize::from(layer[value + 3]),
        ),
    };
    value + header + len - 1
}
