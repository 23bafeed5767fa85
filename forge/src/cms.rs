//! CMS SignedData (RFC 5652) as Apple writes it: version 1, certificates in DER order, signed attributes with S/MIME
//! capabilities and algorithm protection among them.
//!
//! Every part that a forger could leave out or falsify is a field.

use jiff::Timestamp;

use super::certificate::Identity;
use super::der;
use super::key::Hash;
use super::timestamp::Authority;

/// `id-data`: the content type of both layers.
pub const DATA: &str = "1.2.840.113549.1.7.1";

/// What the message-digest attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageDigest {
    /// The digest of the content.
    Right,
    /// The digest of something else, properly signed.
    Wrong,
    /// There is no such attribute.
    Missing,
}

/// One signer of a [`SignedData`].
#[derive(Clone)]
pub struct Signer {
    /// Whose key signs and whom the signer info names.
    pub identity: Identity,
    /// Digest of content and attributes.
    pub hash: Hash,
    /// The signing-time attribute; none leaves it out.
    pub signing_time: Option<Timestamp>,
    /// The message-digest attribute.
    pub message_digest: MessageDigest,
    /// The content-type attribute; none leaves it out.
    pub content_type: Option<&'static str>,
    /// Whether there are signed attributes at all; without them the signature is over the content itself.
    pub signed_attributes: bool,
    /// Whether it lists S/MIME capabilities and protects its algorithms, as the signers of profiles do.
    pub profile_attributes: bool,
    /// Whether the signature's algorithm names the digest too, as it does in signatures of code.
    pub algorithm_with_digest: bool,
    /// Further signed attributes, each from [`attribute`].
    pub more_attributes: Vec<Vec<u8>>,
    /// The value of an unsigned attribute, whose bytes nobody vouches for; none leaves it out.
    pub unsigned_attribute: Option<Vec<u8>>,
    /// Who says when it was signed, in an unsigned attribute.
    pub timestamp: Option<Authority>,
}

/// An attribute of these values, each as it is encoded.
pub fn attribute(oid: &str, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence([der::oid(oid), der::set_of(values)])
}

impl Signer {
    /// An honest signer.
    pub fn new(identity: Identity, hash: Hash, signing_time: Timestamp) -> Self {
        Self {
            identity,
            hash,
            signing_time: Some(signing_time),
            message_digest: MessageDigest::Right,
            content_type: Some(DATA),
            signed_attributes: true,
            profile_attributes: true,
            algorithm_with_digest: false,
            more_attributes: Vec::new(),
            unsigned_attribute: None,
            timestamp: None,
        }
    }

    fn info(&self, content: &[u8]) -> Vec<u8> {
        let mut parts = vec![
            der::integer(1),
            self.identity.issuer_and_serial(),
            der::algorithm_null(self.hash.oid()),
        ];
        let signed = if self.signed_attributes {
            let attributes = der::sorted(self.attributes(content));
            parts.push(der::context(0, &attributes));
            // Signed as the SET that it is, stored as [0] (RFC 5652 §5.4).
            der::tlv(0x31, attributes)
        } else {
            content.to_vec()
        };
        parts.push(match self.algorithm_with_digest {
            true => self.identity.key.certificate_algorithm(self.hash),
            false => self.identity.key.signer_algorithm(self.hash),
        });
        let signature = self.identity.key.sign(self.hash, &signed);
        parts.push(der::octets(&signature));
        let mut unsigned = Vec::new();
        if let Some(value) = &self.unsigned_attribute {
            // An attribute of nobody's: an OID below that of examples (RFC 5612).
            unsigned.push(attribute("1.3.6.1.4.1.32473.1", &[der::octets(value)]));
        }
        if let Some(authority) = &self.timestamp {
            let token = authority.token(&signature);
            unsigned.push(attribute("1.2.840.113549.1.9.16.2.14", &[token]));
        }
        if !unsigned.is_empty() {
            parts.push(der::context(1, der::sorted(unsigned)));
        }
        der::sequence(parts)
    }

    fn attributes(&self, content: &[u8]) -> Vec<Vec<u8>> {
        let attribute = |oid: &str, value: Vec<u8>| attribute(oid, &[value]);
        let mut attributes = Vec::new();
        if let Some(content_type) = self.content_type {
            attributes.push(attribute("1.2.840.113549.1.9.3", der::oid(content_type)));
        }
        if let Some(signing_time) = self.signing_time {
            attributes.push(attribute("1.2.840.113549.1.9.5", der::time(signing_time)));
        }
        let digest = match self.message_digest {
            MessageDigest::Right => Some(self.hash.digest(content)),
            MessageDigest::Wrong => Some(self.hash.digest(b"something else")),
            MessageDigest::Missing => None,
        };
        if let Some(digest) = digest {
            attributes.push(attribute("1.2.840.113549.1.9.4", der::octets(digest)));
        }
        if self.profile_attributes {
            attributes.push(attribute(
                "1.2.840.113549.1.9.52",
                self.algorithm_protection(),
            ));
            attributes.push(attribute("1.2.840.113549.1.9.15", capabilities()));
        }
        attributes.extend(self.more_attributes.iter().cloned());
        attributes
    }

    /// `CMSAlgorithmProtection` (RFC 6211): digest, and the signature algorithm as `[1] IMPLICIT`.
    fn algorithm_protection(&self) -> Vec<u8> {
        let mut signature = self.identity.key.signer_algorithm(self.hash);
        signature[0] = 0xa1;
        der::sequence([der::algorithm_null(self.hash.oid()), signature])
    }
}

/// `SMIMECapabilities`: the list that Apple's signers have had for two decades.
fn capabilities() -> Vec<u8> {
    let rc2 = |bits| der::sequence([der::oid("1.2.840.113549.3.2"), der::integer(bits)]);
    der::sequence([
        der::sequence([der::oid("1.2.840.113549.3.7")]),
        rc2(128),
        rc2(64),
        der::sequence([der::oid("1.3.14.3.2.7")]),
        rc2(40),
    ])
}

/// A SignedData to be written.
#[derive(Clone)]
pub struct SignedData {
    /// 1 for plain data, 3 for other content (RFC 5652 §5.1).
    pub version: i64,
    /// What is signed.
    pub content: Vec<u8>,
    /// eContentType.
    pub content_type: &'static str,
    /// Whether the content stands in it.
    pub attached: bool,
    /// The certificates; sorted when written.
    pub certificates: Vec<Vec<u8>>,
    /// The signers.
    pub signers: Vec<Signer>,
}

impl SignedData {
    /// One signer and the certificates above it.
    pub fn new(content: Vec<u8>, signer: Signer, issuers: &[Identity]) -> Self {
        let mut certificates = vec![signer.identity.der.to_vec()];
        certificates.extend(issuers.iter().map(|issuer| issuer.der.to_vec()));
        Self {
            version: 1,
            content,
            content_type: DATA,
            attached: true,
            certificates,
            signers: vec![signer],
        }
    }

    /// `ContentInfo` in DER.
    pub fn to_der(&self) -> Vec<u8> {
        let mut digests: Vec<Vec<u8>> = self
            .signers
            .iter()
            .map(|signer| der::algorithm_null(signer.hash.oid()))
            .collect();
        digests.dedup();
        let mut encapsulated = vec![der::oid(self.content_type)];
        if self.attached {
            encapsulated.push(der::context(0, der::octets(&self.content)));
        }
        let mut parts = vec![
            der::integer(self.version),
            der::set_of(digests),
            der::sequence(encapsulated),
        ];
        if !self.certificates.is_empty() {
            parts.push(der::context(0, der::sorted(&self.certificates)));
        }
        parts.push(der::set_of(
            self.signers.iter().map(|signer| signer.info(&self.content)),
        ));
        der::sequence([
            der::oid("1.2.840.113549.1.7.2"),
            der::context(0, der::sequence(parts)),
        ])
    }
}
