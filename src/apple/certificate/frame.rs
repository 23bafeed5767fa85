//! The frame of a certificate (RFC 5280 §4.1): every part where it must stand, and nothing beside it.
//!
//! Only what stands inside of `tbsCertificate` is signed. What surrounds it, and what a generous reader passes over, is
//! whoever's who hands the certificate over, and would give one certificate many fingerprints. So nothing is passed over:
//! OpenSSL and Apple's reader refuse such certificates too.

use std::collections::HashSet;

use jiff::Timestamp;

use super::name::Name;
use crate::apple::algorithm::AlgorithmIdentifier;
use crate::apple::ber::{BerError, Element, Oid, Problem, Reader, Tag};

/// The version of certificates that may have extensions: v3, which is written as 2.
const V3: i64 = 2;

/// A certificate, taken apart.
pub(super) struct Frame<'a> {
    /// `tbsCertificate`: what the issuer signed.
    pub(super) signed: &'a [u8],
    /// With which algorithm.
    pub(super) algorithm: AlgorithmIdentifier<'a>,
    /// The signature.
    pub(super) signature: &'a [u8],
    /// The serial number's bytes.
    pub(super) serial: &'a [u8],
    /// The issuer's name, encoded.
    pub(super) issuer: &'a [u8],
    /// The same, read.
    pub(super) issuer_name: Name<'a>,
    /// notBefore and notAfter.
    pub(super) validity: (Timestamp, Timestamp),
    /// The subject's name, encoded.
    pub(super) subject: &'a [u8],
    /// The same, read.
    pub(super) subject_name: Name<'a>,
    /// The algorithm of the subject's key.
    pub(super) key_algorithm: AlgorithmIdentifier<'a>,
    /// The subject's key.
    pub(super) key: &'a [u8],
    /// The extensions, in order.
    pub(super) extensions: Vec<Extension<'a>>,
}

/// An extension, its value not read yet.
pub(super) struct Extension<'a> {
    /// Which one.
    pub(super) oid: Oid<'a>,
    /// Whether somebody who does not know it must refuse the certificate.
    pub(super) critical: bool,
    /// The encoding of its value.
    pub(super) value: &'a [u8],
    /// Where it stands.
    pub(super) offset: usize,
}

impl<'a> Frame<'a> {
    /// Takes a certificate apart.
    ///
    /// # Errors
    /// A part is missing, malformed, or too many.
    pub(super) fn read(certificate: Element<'a>) -> Result<Self, BerError> {
        if !certificate.is_definite()? {
            return Err(malformed(certificate.offset, "DER"));
        }
        let mut parts = certificate
            .expect(Tag::SEQUENCE, "a certificate")?
            .reader()?;
        let signed = parts.read(Tag::SEQUENCE, "tbsCertificate")?;
        let outside = parts.any("signatureAlgorithm")?;
        let algorithm = AlgorithmIdentifier::read(outside)?;
        let signature = parts.any("signatureValue")?.whole_bytes()?;
        parts.end("signatureValue")?;

        let mut fields = signed.reader()?;
        let version = version(&mut fields)?;
        let serial = fields.any("serialNumber")?.integer_bytes()?;
        let inside = fields.any("signature")?;
        if inside.raw != outside.raw {
            // RFC 5280 §4.1.1.2: the algorithm that is signed is the one that was used.
            return Err(malformed(outside.offset, "signatureAlgorithm"));
        }
        let issuer = fields.any("issuer")?;
        let validity = validity(fields.read(Tag::SEQUENCE, "validity")?)?;
        let subject = fields.any("subject")?;
        let mut key = fields
            .read(Tag::SEQUENCE, "subjectPublicKeyInfo")?
            .reader()?;
        let key_algorithm = AlgorithmIdentifier::read(key.any("the algorithm of a key")?)?;
        let key_bytes = key.any("a key")?.whole_bytes()?;
        key.end("a key")?;
        // issuerUniqueID and subjectUniqueID, which nobody uses.
        fields.optional(Tag::context_primitive(1))?;
        fields.optional(Tag::context_primitive(2))?;
        let extensions = match fields.optional(Tag::context(3))? {
            None => Vec::new(),
            Some(explicit) if version == V3 => extensions(explicit)?,
            Some(explicit) => return Err(malformed(explicit.offset, "version")),
        };
        fields.end("the extensions")?;
        Ok(Self {
            signed: signed.raw,
            algorithm,
            signature,
            serial,
            issuer: issuer.raw,
            issuer_name: Name::read(issuer)?,
            validity,
            subject: subject.raw,
            subject_name: Name::read(subject)?,
            key_algorithm,
            key: key_bytes,
            extensions,
        })
    }
}

fn malformed(offset: usize, what: &'static str) -> BerError {
    BerError {
        offset,
        problem: Problem::Malformed(what),
    }
}

fn version(fields: &mut Reader<'_>) -> Result<i64, BerError> {
    let Some(explicit) = fields.optional(Tag::context(0))? else {
        return Ok(0);
    };
    let mut inside = explicit.reader()?;
    let version = inside.any("a version")?.integer()?;
    inside.end("the version")?;
    match version {
        0..=V3 => Ok(version),
        _ => Err(malformed(explicit.offset, "version")),
    }
}

fn validity(element: Element<'_>) -> Result<(Timestamp, Timestamp), BerError> {
    let mut times = element.reader()?;
    let span = (
        times.any("notBefore")?.time()?,
        times.any("notAfter")?.time()?,
    );
    times.end("notAfter")?;
    Ok(span)
}

fn extensions(explicit: Element<'_>) -> Result<Vec<Extension<'_>>, BerError> {
    let mut inside = explicit.reader()?;
    let mut list = inside.read(Tag::SEQUENCE, "extensions")?.reader()?;
    inside.end("the extensions")?;
    let mut extensions = Vec::new();
    let mut seen = HashSet::new();
    while let Some(extension) = list.next()? {
        let mut fields = extension.expect(Tag::SEQUENCE, "an extension")?.reader()?;
        let oid = fields.any("the type of an extension")?.oid()?;
        let critical = match fields.optional(Tag::BOOLEAN)? {
            None => false,
            Some(critical) => critical.boolean()?,
        };
        let value = fields.read(Tag::OCTET_STRING, "the value of an extension")?;
        fields.end("the value of an extension")?;
        if !seen.insert(oid) {
            // RFC 5280 §4.2: which one would count?
            return Err(malformed(extension.offset, "extension, which stands twice"));
        }
        extensions.push(Extension {
            oid,
            critical,
            value: value.contents,
            offset: value.offset,
        });
    }
    Ok(extensions)
}
