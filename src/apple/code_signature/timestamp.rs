//! Secure timestamps (RFC 3161): an authority says that a signature was there at a time.
//!
//! `Signed Time` is what the signer says of itself; only a secure timestamp proves when that was. `codesign` asks Apple's
//! authority for one, and puts its answer beside the signature, where nobody signs it: so the answer itself names the
//! signature by a digest.

use jiff::Timestamp;

use super::signer::{CHAIN, DIGESTS, ROOTS, TIMESTAMP_AUTHORITIES};
use crate::apple::algorithm::AlgorithmIdentifier;
use crate::apple::ber::{BerError, Oid, Reader, Tag};
use crate::apple::cms::{self, Attribute, CmsError, Extra};
use crate::apple::signature::DigestAlgorithm;
use crate::apple::signed_message::{Content, Fault, Purpose, Requirements, ValidAt, Verifier};

/// `1.2.840.113549.1.9.16.2.14` id-aa-timeStampToken (RFC 3161 Appendix A).
pub(super) const TOKEN: Oid<'static> = Oid(&[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0e,
]);
/// `1.2.840.113549.1.9.16.1.4` id-ct-TSTInfo (RFC 3161 §2.4.2).
const INFO: Oid<'static> = Oid(&[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
]);

/// Why a timestamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimestampFault {
    /// It cannot be read.
    Malformed(String),
    /// It is about another signature.
    OtherSignature,
    /// It is not signed by an authority that may.
    Signature(Box<Fault>),
}

/// The time that a token proves for `signature`.
pub(super) fn verify(
    attribute: &Attribute<'_>,
    signature: &[u8],
    verifier: &Verifier,
) -> Result<Timestamp, TimestampFault> {
    let malformed = |error: &dyn std::fmt::Display| TimestampFault::Malformed(error.to_string());
    let token = only_value(attribute).map_err(|error| malformed(&error))?;
    let message = cms::parse(token).map_err(|error: CmsError| malformed(&error))?;
    let content = message.content.as_deref().unwrap_or_default();
    let info = Info::parse(content).map_err(|error| malformed(&error))?;
    let digest = info
        .algorithm
        .without_parameters()
        .and_then(DigestAlgorithm::from_oid)
        .ok_or_else(|| {
            TimestampFault::Malformed(format!("digest {} is not known", info.algorithm.algorithm))
        })?;
    if *digest.digest(signature) != *info.digest {
        return Err(TimestampFault::OtherSignature);
    }
    let asked = Requirements {
        content: Content::Attached,
        content_type: INFO,
        digests: DIGESTS,
        roots: ROOTS,
        longest_chain: CHAIN,
        roles: TIMESTAMP_AUTHORITIES,
        valid_at: ValidAt::Instant(info.time),
        purpose: Purpose::Timestamps,
        extras: &[Extra::UnsignedAttributes],
    };
    verifier
        .verify(&message, &asked)
        .map_err(|fault| TimestampFault::Signature(Box::new(fault)))?;
    Ok(info.time)
}

/// The only value of an attribute, in its encoding.
fn only_value<'a>(attribute: &Attribute<'a>) -> Result<&'a [u8], BerError> {
    let mut values = attribute.values.reader()?;
    let value = values.any("a timestamp")?;
    values.end("the timestamp")?;
    Ok(value.raw)
}

/// TSTInfo (RFC 3161 §2.4.2), as far as it says which signature and when.
struct Info<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    digest: &'a [u8],
    time: Timestamp,
}

impl<'a> Info<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, BerError> {
        let mut file = Reader::new(bytes);
        let mut fields = file.read(Tag::SEQUENCE, "TSTInfo")?.reader()?;
        file.end("TSTInfo")?;
        fields.any("a version")?.integer()?;
        fields.any("a policy")?.oid()?;
        let mut imprint = fields.read(Tag::SEQUENCE, "a message imprint")?.reader()?;
        let algorithm = AlgorithmIdentifier::read(imprint.any("a digest algorithm")?)?;
        let digest = imprint.read(Tag::OCTET_STRING, "a digest")?.contents;
        imprint.end("the digest")?;
        fields.any("a serial number")?.integer_bytes()?;
        let time = fields.any("a time")?.time()?;
        // Accuracy, ordering, nonce, the authority's name and extensions say nothing that is asked here.
        while let Some(rest) = fields.next()? {
            rest.walk()?;
        }
        Ok(Self {
            algorithm,
            digest,
            time,
        })
    }
}
