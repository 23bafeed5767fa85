//! X.509 certificates: the ones developers sign with, and the ones that sign profiles.
//!
//! A [`Certificate`] is read but not trusted: its fields hold what its bytes say. Its kind comes from Apple's marker
//! extensions (`1.2.840.113635.100.6.1.x`), never from the common name, which anybody can write into a certificate of
//! their own. Certificates are named by fingerprint: two with one common name are normal around a renewal, and serial
//! numbers are unique only within one issuer.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as KeyKind;

use super::ber::{Oid, Reader, Tag};
use super::signature::{DigestAlgorithm, PublicKey, SignatureAlgorithm, SignatureError};
use crate::base::clock::Validity;
use crate::base::digest::hex;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::{CertSha1, CertSha256, TeamId};

mod kind;

pub use kind::CertificateKind;

/// Larger than any certificate Apple has issued, by an order of magnitude.
pub const MAX_BYTES: usize = 64 * 1024;

/// `1.2.840.113635.100`: Apple's certificate arcs, encoded.
const APPLE_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64];

/// A certificate as its bytes tell it.
#[derive(Clone)]
pub struct Certificate {
    /// The DER encoding.
    pub der: Box<[u8]>,
    /// SHA-256 of the encoding: the name we call it by.
    pub sha256: CertSha256,
    /// SHA-1 of the encoding: the name Apple's tools call it by.
    pub sha1: CertSha1,
    /// Subject CN; empty where there is none.
    pub common_name: String,
    /// Subject OU of a developer certificate: the team.
    pub team_id: Option<TeamId>,
    /// Issuer CN; empty where there is none.
    pub issuer_common_name: String,
    /// Issuer OU, which tells the generations of Apple's WWDR intermediates apart (`G3`).
    pub issuer_unit: Option<String>,
    /// The serial number's bytes.
    pub serial: Box<[u8]>,
    /// notBefore to notAfter.
    pub validity: Validity,
    /// What Apple issued it for.
    pub kind: CertificateKind,
    /// BasicConstraints say CA.
    pub is_ca: bool,
    /// The most authorities that may stand between it and a leaf (BasicConstraints' pathLenConstraint), if it says so.
    pub path_length: Option<u32>,
    /// KeyUsage allows signing certificates; true where it is silent.
    pub may_sign_certificates: bool,
    /// KeyUsage allows signing data; true where it is silent.
    pub may_sign_data: bool,
    /// The critical extension that we do not know, dotted, if there is one: such a certificate must not be trusted
    /// (RFC 5280 §4.2).
    pub unknown_critical_extension: Option<String>,
    /// Its public key, if it is of a kind that signs profiles.
    pub public_key: Option<PublicKey>,
    /// Extension OIDs below Apple's arc, encoded.
    markers: Vec<Box<[u8]>>,
    subject: Range<usize>,
    issuer: Range<usize>,
    signed: Range<usize>,
    own_signature: Option<(DigestAlgorithm, Box<[u8]>)>,
    subject_key_id: Option<Box<[u8]>>,
}

/// Why bytes are not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not DER, or not the shape of a certificate.
    #[error("not an X.509 certificate: {0}")]
    Malformed(String),
    /// More than [`MAX_BYTES`].
    #[error("a certificate of {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// Bytes follow the certificate.
    #[error("{0} bytes follow the certificate")]
    Trailing(usize),
    /// A date outside of what instants can hold.
    #[error("the validity is not a date")]
    Date,
}

impl Certificate {
    /// Reads a certificate from its DER encoding.
    ///
    /// # Errors
    /// The bytes are no certificate, too many, or followed by others.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_BYTES {
            return Err(CertificateError::TooLarge(der.len()));
        }
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(CertificateError::Trailing(rest.len()));
        }
        let tbs = &parsed.tbs_certificate;
        let date = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).map_err(|_| CertificateError::Date)
        };
        let mut certificate = Self {
            sha256: CertSha256::of(der),
            sha1: CertSha1::of(der),
            common_name: first(tbs.subject.iter_common_name()).unwrap_or_default(),
            team_id: first(tbs.subject.iter_organizational_unit())
                .and_then(|unit| unit.parse().ok()),
            issuer_common_name: first(tbs.issuer.iter_common_name()).unwrap_or_default(),
            issuer_unit: first(tbs.issuer.iter_organizational_unit()),
            serial: tbs.raw_serial().into(),
            validity: Validity {
                not_before: date(tbs.validity.not_before)?,
                not_after: date(tbs.validity.not_after)?,
            },
            kind: CertificateKind::Other,
            is_ca: false,
            path_length: None,
            may_sign_certificates: true,
            may_sign_data: true,
            unknown_critical_extension: None,
            public_key: public_key(&parsed),
            markers: Vec::new(),
            subject: range_of(der, tbs.subject.as_raw()),
            issuer: range_of(der, tbs.issuer.as_raw()),
            signed: range_of(der, tbs.as_ref()),
            own_signature: own_signature(der).map(|(digest, bits)| (digest, bits.into())),
            subject_key_id: None,
            der: der.into(),
        };
        certificate.read_extensions(&parsed);
        certificate.kind = CertificateKind::from_markers(&certificate.markers);
        Ok(certificate)
    }

    fn read_extensions(&mut self, parsed: &X509Certificate<'_>) {
        for extension in parsed.extensions() {
            let is_apples = extension.oid.as_bytes().starts_with(APPLE_ARC);
            if is_apples {
                self.markers.push(extension.oid.as_bytes().into());
            }
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => {
                    self.is_ca = constraints.ca;
                    self.path_length = constraints.path_len_constraint;
                }
                ParsedExtension::KeyUsage(usage) => {
                    self.may_sign_certificates = usage.key_cert_sign();
                    self.may_sign_data = usage.digital_signature();
                }
                ParsedExtension::SubjectKeyIdentifier(id) => {
                    self.subject_key_id = Some(id.0.into())
                }
                ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::AuthorityKeyIdentifier(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::CRLDistributionPoints(_)
                | ParsedExtension::AuthorityInfoAccess(_)
                | ParsedExtension::SubjectAlternativeName(_) => {}
                _ if extension.critical && !is_apples => {
                    self.unknown_critical_extension = Some(extension.oid.to_id_string());
                }
                _ => {}
            }
        }
    }

    /// Whether it carries the marker extension with this OID.
    pub fn has_marker(&self, oid: Oid<'_>) -> bool {
        self.markers.iter().any(|marker| **marker == *oid.0)
    }

    /// The markers, dotted, for messages.
    pub fn markers(&self) -> Vec<String> {
        self.markers
            .iter()
            .map(|marker| Oid(marker).to_string())
            .collect()
    }

    /// The subject's distinguished name, encoded.
    pub fn subject(&self) -> &[u8] {
        self.der.get(self.subject.clone()).unwrap_or_default()
    }

    /// The issuer's distinguished name, encoded.
    pub fn issuer(&self) -> &[u8] {
        self.der.get(self.issuer.clone()).unwrap_or_default()
    }

    /// The subject key identifier, if it states one.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.subject_key_id.as_deref()
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Whether `issuer`'s key signed this certificate.
    ///
    /// # Errors
    /// It did not, or with an algorithm that is not accepted.
    pub fn verify_issued_by(&self, issuer: &Certificate) -> Result<(), SignatureError> {
        let (Some(key), Some((digest, signature))) = (&issuer.public_key, &self.own_signature)
        else {
            return Err(SignatureError::Invalid);
        };
        let signed = self.der.get(self.signed.clone()).unwrap_or_default();
        key.verify(*digest, signed, signature)
    }

    /// The last six hex digits of the serial number: enough for a person to tell certificates apart, too few to
    /// look one up by.
    pub fn serial_last_six(&self) -> String {
        let tail = self
            .serial
            .get(self.serial.len().saturating_sub(3)..)
            .unwrap_or_default();
        hex(tail)
    }

    /// The issuer as people name it: common name and, where there is one, generation.
    pub fn issuer_name(&self) -> String {
        match &self.issuer_unit {
            Some(unit) if unit.starts_with('G') && unit.len() <= 3 => {
                format!("{} {unit}", self.issuer_common_name)
            }
            _ => self.issuer_common_name.clone(),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} {:?})", self.sha256, self.common_name)
    }
}

/// The first value of an attribute, as text.
fn first<'a, 'b: 'a>(
    mut values: impl Iterator<Item = &'a x509_parser::x509::AttributeTypeAndValue<'b>>,
) -> Option<String> {
    let value = values.next()?;
    value
        .as_str()
        .map(str::to_owned)
        .ok()
        .or_else(|| Some(String::from_utf8_lossy(value.as_slice()).into_owned()))
}

/// Where `part`, a subslice of `whole`, lies in it.
fn range_of(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    if part.len() <= whole.len() && start <= whole.len() - part.len() {
        start..start + part.len()
    } else {
        0..0
    }
}

fn public_key(parsed: &X509Certificate<'_>) -> Option<PublicKey> {
    let spki = parsed.public_key();
    match spki.parsed().ok()? {
        KeyKind::RSA(_) => Some(PublicKey::Rsa(spki.subject_public_key.data.as_ref().into())),
        KeyKind::EC(point) => {
            let curve = spki.algorithm.parameters.as_ref()?.as_oid().ok()?;
            let point: Box<[u8]> = point.data().into();
            if curve == oid_registry::OID_EC_P256 {
                Some(PublicKey::P256(point))
            } else if curve == oid_registry::OID_NIST_EC_P384 {
                Some(PublicKey::P384(point))
            } else if curve == oid_registry::OID_NIST_EC_P521 {
                Some(PublicKey::P521(point))
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The digest under the certificate's own signature and the signature's bytes, if the part that no signature covers has
/// the shape it must have: the algorithm stands there exactly as it does inside (RFC 5280 §4.1.1.2), and the bits are
/// whole bytes. x509-parser is generous there, down to the tag of the algorithm's identifier.
fn own_signature(der: &[u8]) -> Option<(DigestAlgorithm, &[u8])> {
    let mut fields = Reader::new(der)
        .read(Tag::SEQUENCE, "a certificate")
        .and_then(|certificate| certificate.reader())
        .ok()?;
    let signed = fields.read(Tag::SEQUENCE, "tbsCertificate").ok()?;
    let algorithm = fields.read(Tag::SEQUENCE, "signatureAlgorithm").ok()?;
    let bits = fields.read(Tag::BIT_STRING, "signatureValue").ok()?;
    let mut signed = signed.reader().ok()?;
    signed.optional(Tag::context(0)).ok()?;
    signed.read(Tag::INTEGER, "serialNumber").ok()?;
    let inside = signed.read(Tag::SEQUENCE, "signature").ok()?;
    if inside.raw != algorithm.raw {
        return None;
    }
    let oid = algorithm
        .reader()
        .ok()?
        .any("an algorithm")
        .ok()?
        .oid()
        .ok()?;
    let SignatureAlgorithm::With(digest) = SignatureAlgorithm::from_oid(oid)? else {
        return None;
    };
    Some((digest, bits.contents.strip_prefix(&[0])?))
}

impl Explain for CertificateError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert!(matches!(
            Certificate::from_der(b"no"),
            Err(CertificateError::Malformed(_))
        ));
        assert!(matches!(
            Certificate::from_der(&[]),
            Err(CertificateError::Malformed(_))
        ));
        let large = vec![0x30; MAX_BYTES + 1];
        assert_eq!(
            Certificate::from_der(&large).unwrap_err(),
            CertificateError::TooLarge(MAX_BYTES + 1)
        );
    }

    /// Found by fuzzing: a profile proved although a byte of its signer's certificate had been changed.
    #[test]
    fn what_no_signature_covers_must_have_its_shape_all_the_same() {
        // The root of the rehearsals, which signed itself, with one byte changed behind what it signed.
        let changed = include_bytes!(
            "../../fixtures/fuzz/certificate/algorithm-identified-by-an-integer.cer"
        );
        let certificate = Certificate::from_der(changed).unwrap();
        assert!(certificate.is_self_issued());
        assert!(certificate.verify_issued_by(&certificate).is_err());
        let mut honest = changed.to_vec();
        assert_eq!(
            std::mem::replace(&mut honest[525], Tag::OID.0),
            Tag::INTEGER.0
        );
        let honest = Certificate::from_der(&honest).unwrap();
        honest.verify_issued_by(&honest).unwrap();

        let changed =
            include_bytes!("../../fixtures/fuzz/certificate/signature-not-of-whole-bytes.cer");
        assert!(Certificate::from_der(changed).is_err());
    }
}
