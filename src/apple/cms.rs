//! CMS SignedData (RFC 5652), as provisioning profiles and code signatures use it.
//!
//! [`parse`] only turns bytes into the structure: it computes no digest and trusts nobody.
//! [`crate::apple::signed_message`] verifies the signature.
//!
//! Both BER and DER are read; a file that some tool re-encoded with indefinite lengths is still the same message,
//! except for the signed attributes, whose signature covers their DER encoding (§5.4): those are brought back to it.
//! Sizes need no bounds of their own: everything but a constructed string is a slice of the input, which the caller
//! has bounded, and depth is bounded by [`crate::apple::ber`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;

use super::algorithm::AlgorithmIdentifier;
use super::ber::{BerError, Element, Oid, Problem, Reader, Tag};
use crate::base::error::{ErrorCode, Explain};

/// `1.2.840.113549.1.7.1` id-data (RFC 5652 §4).
pub const ID_DATA: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]);
/// `1.2.840.113549.1.7.2` id-signedData (RFC 5652 §5.1).
pub const ID_SIGNED_DATA: Oid<'static> =
    Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]);
/// `1.2.840.113549.1.9.3` id-contentType (RFC 5652 §11.1).
const ID_CONTENT_TYPE: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03]);
/// `1.2.840.113549.1.9.4` id-messageDigest (RFC 5652 §11.2).
const ID_MESSAGE_DIGEST: Oid<'static> =
    Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04]);
/// `1.2.840.113549.1.9.5` id-signingTime (RFC 5652 §11.3).
const ID_SIGNING_TIME: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05]);
/// `1.2.840.113549.1.9.52` id-aa-CMSAlgorithmProtection (RFC 6211 §2).
const ID_ALGORITHM_PROTECTION: Oid<'static> =
    Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x34]);

/// How many certificates, signers or attributes are looked at before the file is refused: real ones carry three,
/// one and six.
const MAX_ITEMS: usize = 64;

/// Why bytes are not a SignedData.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsError {
    /// The encoding is damaged.
    #[error("not a CMS SignedData: {0}")]
    Encoding(#[from] BerError),
    /// The bytes are some other thing altogether.
    #[error("not a CMS SignedData: {0}")]
    NotCms(&'static str),
    /// A ContentInfo with other content.
    #[error("a CMS message of type {0} instead of a SignedData (1.2.840.113549.1.7.2)")]
    OtherContent(String),
    /// More certificates, signers or attributes than any real file has.
    #[error("more than {MAX_ITEMS} {0}")]
    TooMany(&'static str),
    /// A version number that RFC 5652 does not know here.
    #[error("unknown {what} version {version}")]
    Version {
        /// Of what.
        what: &'static str,
        /// The number.
        version: i64,
    },
    /// An attribute that must stand once, with one value, does not.
    #[error("the signed attribute {0} must stand once and have one value")]
    Attribute(&'static str),
}

/// A parsed SignedData: views into the bytes it was parsed from.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// The digest algorithms that the signers use, as the message announces them to readers in one pass.
    pub digest_algorithms: Vec<AlgorithmIdentifier<'a>>,
    /// The type of what was signed; `id-data` for profiles.
    pub content_type: Oid<'a>,
    /// What was signed; `None` when detached.
    pub content: Option<Cow<'a, [u8]>>,
    /// The bundled certificates, each in its own encoding.
    pub certificates: Vec<Cow<'a, [u8]>>,
    /// The signers.
    pub signers: Vec<SignerInfo<'a>>,
    /// What stands beside these, signed by nobody, and is not read here.
    pub extras: Vec<Extra>,
}

/// What a message may hold beside its content, its certificates and what its signers sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Certificates that are not X.509: attribute certificates and formats of others.
    OtherCertificates,
    /// Revocation lists, or responses about revocation.
    Revocations,
    /// Attributes of a signer that its signature does not cover: timestamps, countersignatures.
    UnsignedAttributes,
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherCertificates => "certificates that are not X.509",
            Self::Revocations => "revocation lists",
            Self::UnsignedAttributes => "unsigned attributes",
        })
    }
}

/// One signer's statement.
#[derive(Debug, Clone)]
pub struct SignerInfo<'a> {
    /// Which certificate signed.
    pub signer: SignerId<'a>,
    /// Digest algorithm of the content.
    pub digest_algorithm: AlgorithmIdentifier<'a>,
    /// The attributes under the signature; without them it covers the content itself (§5.4).
    pub signed_attributes: Option<SignedAttributes<'a>>,
    /// Signature algorithm, alone or combined with a digest.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature.
    pub signature: Cow<'a, [u8]>,
    /// The attributes that the signature does not cover.
    pub unsigned_attributes: Vec<Attribute<'a>>,
}

/// An attribute that is not looked into here: its type, and the SET of its values, well-formed.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: Oid<'a>,
    /// Its values.
    pub values: Element<'a>,
}

/// How a signer names its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerId<'a> {
    /// By issuer name (its DER) and serial number (INTEGER contents).
    IssuerAndSerial {
        /// The issuer's distinguished name, in definite lengths as it stands in certificates.
        issuer: Cow<'a, [u8]>,
        /// The serial number's bytes.
        serial: &'a [u8],
    },
    /// By subject key identifier.
    SubjectKeyId(Cow<'a, [u8]>),
}

/// The attributes that a signature covers.
#[derive(Debug, Clone)]
pub struct SignedAttributes<'a> {
    /// Their DER encoding as a SET OF: the bytes that were signed.
    pub der: Vec<u8>,
    /// `id-contentType`.
    pub content_type: Option<Oid<'a>>,
    /// `id-messageDigest`.
    pub message_digest: Option<Cow<'a, [u8]>>,
    /// `id-signingTime`: when the signer says it signed.
    pub signing_time: Option<Timestamp>,
    /// `id-aa-CMSAlgorithmProtection`: the algorithms of digest and signature, which otherwise nothing protects.
    pub algorithms: Option<(AlgorithmIdentifier<'a>, AlgorithmIdentifier<'a>)>,
    /// All others, each type once.
    pub others: Vec<Attribute<'a>>,
}

/// What a CMS file holds (RFC 5652 §3).
#[derive(Debug, Clone)]
pub enum ContentInfo<'a> {
    /// Signed content.
    SignedData(SignedData<'a>),
    /// Plain content: nobody signed it.
    Data(Option<Cow<'a, [u8]>>),
    /// Any other content (enveloped, encrypted, …), well-formed but not looked into.
    Other(Oid<'a>),
}

/// Parses a SignedData inside its ContentInfo.
///
/// # Errors
/// The bytes are not one; the error names the offset.
pub fn parse(bytes: &[u8]) -> Result<SignedData<'_>, CmsError> {
    match parse_content_info(bytes)? {
        ContentInfo::SignedData(signed_data) => Ok(signed_data),
        ContentInfo::Data(_) => Err(CmsError::OtherContent(ID_DATA.to_string())),
        ContentInfo::Other(content_type) => Err(CmsError::OtherContent(content_type.to_string())),
    }
}

/// Parses a ContentInfo, whatever it holds.
///
/// # Errors
/// The bytes are not one; the error names the offset.
pub fn parse_content_info(bytes: &[u8]) -> Result<ContentInfo<'_>, CmsError> {
    match bytes.first() {
        None => return Err(CmsError::NotCms("the file is empty")),
        Some(0x30) => {}
        Some(_) => return Err(CmsError::NotCms("the first byte is not that of a SEQUENCE")),
    }
    let mut file = Reader::new(bytes);
    let content_info = file.read(Tag::SEQUENCE, "ContentInfo")?;
    file.end("ContentInfo")?;
    let mut content_info = content_info.reader()?;
    let content_type = content_info.any("a content type")?.oid()?;
    let explicit = content_info.next()?;
    content_info.end("the content")?;
    let content = match explicit {
        None => None,
        Some(explicit) => {
            let mut explicit = explicit.expect(Tag::context(0), "the content")?.reader()?;
            let content = explicit.any("the content")?;
            explicit.end("the content")?;
            Some(content)
        }
    };
    match (content_type, content) {
        (ID_SIGNED_DATA, Some(content)) => {
            let signed_data = content.expect(Tag::SEQUENCE, "SignedData")?;
            Ok(ContentInfo::SignedData(parse_signed_data(signed_data)?))
        }
        (ID_SIGNED_DATA, None) => Err(CmsError::NotCms("a ContentInfo without content")),
        (ID_DATA, content) => Ok(ContentInfo::Data(
            content
                .map(|octets| octets.string(Tag::OCTET_STRING, "an OCTET STRING"))
                .transpose()?,
        )),
        (other, content) => {
            content.map(|content| content.walk()).transpose()?;
            Ok(ContentInfo::Other(other))
        }
    }
}

fn parse_signed_data(signed_data: Element<'_>) -> Result<SignedData<'_>, CmsError> {
    let mut fields = signed_data.reader()?;
    let version = fields.any("a version")?.integer()?;
    if !(0..=5).contains(&version) {
        return Err(CmsError::Version {
            what: "SignedData",
            version,
        });
    }
    let mut digest_algorithms = Vec::new();
    let mut set = fields.read(Tag::SET, "digestAlgorithms")?.reader()?;
    while let Some(algorithm) = set.next()? {
        count_one_more(digest_algorithms.len(), "digest algorithms")?;
        digest_algorithms.push(AlgorithmIdentifier::read(algorithm)?);
    }
    let (content_type, content) =
        encapsulated_content(fields.read(Tag::SEQUENCE, "encapContentInfo")?)?;
    let mut extras = Vec::new();
    let mut certificates = Vec::new();
    if let Some(set) = fields.optional(Tag::context(0))? {
        let mut set = set.reader()?;
        let mut others = 0;
        while let Some(certificate) = set.next()? {
            count_one_more(certificates.len() + others, "certificates")?;
            match certificate.tag.0 {
                // The signature of a certificate covers what stands inside: that stays as it is.
                0x30 => certificates.push(in_definite_lengths(certificate, 1)?),
                // Attribute certificates and other formats ([0] to [3]).
                0xa0..=0xa3 => {
                    certificate.walk()?;
                    others += 1;
                }
                _ => drop(certificate.expect(Tag::SEQUENCE, "a certificate")?),
            }
        }
        if others > 0 {
            extras.push(Extra::OtherCertificates);
        }
    }
    if let Some(revocations) = fields.optional(Tag::context(1))? {
        revocations.walk()?;
        if !revocations.contents.is_empty() {
            extras.push(Extra::Revocations);
        }
    }
    let mut signers = Vec::new();
    let mut signer_infos = fields.read(Tag::SET, "signerInfos")?.reader()?;
    while let Some(signer) = signer_infos.next()? {
        count_one_more(signers.len(), "signers")?;
        let signer = signer_info(signer)?;
        if !signer.unsigned_attributes.is_empty() {
            extras.push(Extra::UnsignedAttributes);
        }
        signers.push(signer);
    }
    fields.end("signerInfos")?;
    Ok(SignedData {
        digest_algorithms,
        content_type,
        content,
        certificates,
        signers,
        extras,
    })
}

/// The type of the content and, unless detached, the content.
type Encapsulated<'a> = (Oid<'a>, Option<Cow<'a, [u8]>>);

fn encapsulated_content(element: Element<'_>) -> Result<Encapsulated<'_>, CmsError> {
    let mut fields = element.reader()?;
    let content_type = fields.any("a content type")?.oid()?;
    let content = match fields.next()? {
        None => None,
        Some(explicit) => {
            let mut explicit = explicit
                .expect(Tag::context(0), "the encapsulated content")?
                .reader()?;
            let octets = explicit.any("an OCTET STRING")?;
            explicit.end("the encapsulated content")?;
            Some(octets.string(Tag::OCTET_STRING, "an OCTET STRING")?)
        }
    };
    fields.end("the encapsulated content")?;
    Ok((content_type, content))
}

fn signer_info(element: Element<'_>) -> Result<SignerInfo<'_>, CmsError> {
    let mut fields = element.expect(Tag::SEQUENCE, "SignerInfo")?.reader()?;
    let version = fields.any("a version")?.integer()?;
    if !(0..=5).contains(&version) {
        return Err(CmsError::Version {
            what: "SignerInfo",
            version,
        });
    }
    let id = fields.any("a signer identifier")?;
    let signer = if id.tag == Tag::SEQUENCE {
        let mut names = id.reader()?;
        let issuer = names.read(Tag::SEQUENCE, "an issuer name")?;
        // A tool that re-encodes the message may loosen this copy of the name; the one in the certificate is signed.
        let issuer = in_definite_lengths(issuer, usize::MAX)?;
        let serial = names.any("a serial number")?.integer_bytes()?;
        names.end("the serial number")?;
        SignerId::IssuerAndSerial { issuer, serial }
    } else {
        SignerId::SubjectKeyId(id.string(Tag::context_primitive(0), "a subject key identifier")?)
    };
    let digest_algorithm = AlgorithmIdentifier::read(fields.any("a digest algorithm")?)?;
    let signed_attributes = fields
        .optional(Tag::context(0))?
        .map(signed_attributes)
        .transpose()?;
    let signature_algorithm = AlgorithmIdentifier::read(fields.any("a signature algorithm")?)?;
    let signature = fields
        .any("a signature")?
        .string(Tag::OCTET_STRING, "a signature")?;
    let unsigned_attributes = match fields.optional(Tag::context(1))? {
        Some(unsigned) => unsigned_attributes(unsigned)?,
        None => Vec::new(),
    };
    fields.end("SignerInfo")?;
    Ok(SignerInfo {
        signer,
        digest_algorithm,
        signed_attributes,
        signature_algorithm,
        signature,
        unsigned_attributes,
    })
}

fn unsigned_attributes(element: Element<'_>) -> Result<Vec<Attribute<'_>>, CmsError> {
    element.walk()?;
    let mut attributes = Vec::new();
    let mut reader = element.reader()?;
    while let Some(attribute) = reader.next()? {
        count_one_more(attributes.len(), "unsigned attributes")?;
        let mut fields = attribute.expect(Tag::SEQUENCE, "an attribute")?.reader()?;
        let kind = fields.any("an attribute type")?.oid()?;
        let values = fields.read(Tag::SET, "attribute values")?;
        fields.end("attribute values")?;
        attributes.push(Attribute { kind, values });
    }
    Ok(attributes)
}

fn signed_attributes(element: Element<'_>) -> Result<SignedAttributes<'_>, CmsError> {
    // The set, its attributes and their values are brought to DER, as their signer did before it signed (§5.4). What
    // stands inside of a value is the signer's own.
    let der = element.to_definite(Tag::SET, 3)?;
    let mut attributes = SignedAttributes {
        der,
        content_type: None,
        message_digest: None,
        signing_time: None,
        algorithms: None,
        others: Vec::new(),
    };
    let mut seen = HashSet::new();
    let mut reader = element.reader()?;
    while let Some(attribute) = reader.next()? {
        count_one_more(seen.len(), "signed attributes")?;
        let mut fields = attribute.expect(Tag::SEQUENCE, "an attribute")?.reader()?;
        let kind = fields.any("an attribute type")?.oid()?;
        let set = fields.read(Tag::SET, "attribute values")?;
        fields.end("attribute values")?;
        let mut values = set.reader()?;
        let mut single = |name| {
            let value = values.any("an attribute value")?;
            if values.is_at_end() {
                Ok(value)
            } else {
                Err(CmsError::Attribute(name))
            }
        };
        let name = match kind {
            ID_CONTENT_TYPE => {
                attributes.content_type = Some(single("content-type")?.oid()?);
                "content-type"
            }
            ID_MESSAGE_DIGEST => {
                let value = single("message-digest")?;
                attributes.message_digest =
                    Some(value.string(Tag::OCTET_STRING, "a message digest")?);
                "message-digest"
            }
            ID_SIGNING_TIME => {
                attributes.signing_time = Some(single("signing-time")?.time()?);
                "signing-time"
            }
            ID_ALGORITHM_PROTECTION => {
                let value = single("algorithm-protection")?;
                attributes.algorithms = Some(protected_algorithms(value)?);
                "algorithm-protection"
            }
            _ => {
                set.walk()?;
                attributes.others.push(Attribute { kind, values: set });
                "one of the others"
            }
        };
        if !seen.insert(kind) {
            return Err(CmsError::Attribute(name));
        }
    }
    Ok(attributes)
}

/// CMSAlgorithmProtection: the digest's algorithm, and the signature's as `[1]`.
fn protected_algorithms(
    value: Element<'_>,
) -> Result<(AlgorithmIdentifier<'_>, AlgorithmIdentifier<'_>), BerError> {
    let mut fields = value
        .expect(Tag::SEQUENCE, "protected algorithms")?
        .reader()?;
    let digest = AlgorithmIdentifier::read(fields.any("a digest algorithm")?)?;
    let mut signature = fields.read(Tag::context(1), "a signature algorithm")?;
    fields.end("a signature algorithm")?;
    signature.tag = Tag::SEQUENCE;
    Ok((digest, AlgorithmIdentifier::read(signature)?))
}

/// The bytes of an element, its outer levels brought to definite lengths if it had others somewhere.
fn in_definite_lengths(element: Element<'_>, levels: usize) -> Result<Cow<'_, [u8]>, CmsError> {
    Ok(if element.is_definite()? {
        Cow::Borrowed(element.raw)
    } else {
        Cow::Owned(element.to_definite(element.tag, levels)?)
    })
}

/// Whether one more item than `count` is within bounds.
fn count_one_more(count: usize, what: &'static str) -> Result<(), CmsError> {
    if count >= MAX_ITEMS {
        Err(CmsError::TooMany(what))
    } else {
        Ok(())
    }
}

impl CmsError {
    /// The offset in the file, where there is one.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Encoding(error) => Some(error.offset),
            _ => None,
        }
    }

    /// Whether the file ends too early.
    pub fn is_truncated(&self) -> bool {
        matches!(
            self,
            Self::Encoding(BerError {
                problem: Problem::Truncated { .. },
                ..
            })
        )
    }
}

impl Explain for CmsError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        self.is_truncated()
            .then(|| "copy or download the file again: its end is missing".to_owned())
    }
}
