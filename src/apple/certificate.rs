//! X.509 certificates: the ones developers sign with, and the ones that sign profiles.
//!
//! A [`Certificate`] is read but not trusted: its fields hold what its bytes say. Its kind comes from Apple's marker
//! extensions (`1.2.840.113635.100.6.1.x`), never from the common name, which anybody can write into a certificate of
//! their own. Certificates are named by fingerprint: two with one common name are normal around a renewal, and serial
//! numbers are unique only within one issuer.

use std::fmt;
use std::ops::Range;

use super::ber::{BerError, Oid, Reader};
use super::signature::{
    DigestAlgorithm, PublicKey, SignatureAlgorithm, SignatureError, SignatureFamily,
};
use crate::base::clock::Validity;
use crate::base::digest::hex;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::{CertSha1, CertSha256, TeamId};

mod extensions;
mod frame;
mod general_name;
mod kind;
mod name;
mod name_constraints;

use extensions::Extensions;
use frame::Frame;
use name::Name;
use name_constraints::NameConstraints;

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
    /// ExtendedKeyUsage allows signing code, or any purpose; true where it is silent.
    pub may_sign_code: bool,
    /// ExtendedKeyUsage allows making timestamps, or any purpose; true where it is silent.
    pub may_make_timestamps: bool,
    /// The extension that must be obeyed and that we do not know, dotted, if there is one: such a certificate must not be
    /// trusted (RFC 5280 §4.2).
    pub unknown_critical_extension: Option<String>,
    /// Its public key, if it is of a kind that signs profiles.
    pub public_key: Option<PublicKey>,
    /// Extension OIDs below Apple's arc, encoded.
    markers: Vec<Box<[u8]>>,
    subject: Range<usize>,
    issuer: Range<usize>,
    signed: Range<usize>,
    /// `None` where it is made with an algorithm that is not accepted.
    own_signature: Option<(SignatureFamily, DigestAlgorithm, Box<[u8]>)>,
    subject_key_id: Option<Box<[u8]>>,
    authority_key_id: Option<Box<[u8]>>,
    authority_serial: Option<Box<[u8]>>,
    alternative_names: Option<Box<[u8]>>,
    name_constraints: Option<Box<[u8]>>,
}

/// Why bytes are not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not DER, or not the shape of a certificate.
    #[error("not an X.509 certificate: {0}")]
    Malformed(#[from] BerError),
    /// More than [`MAX_BYTES`].
    #[error("a certificate of {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// Bytes follow the certificate.
    #[error("{0} bytes follow the certificate")]
    Trailing(usize),
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
        let mut file = Reader::new(der);
        let frame = Frame::read(file.any("a certificate")?)?;
        let rest = file.rest();
        if !rest.is_empty() {
            return Err(CertificateError::Trailing(rest.len()));
        }
        let said = Extensions::read(&frame.extensions)?;
        let text = |name: &Name<'_>, kind| name.texts(kind).next().map(str::to_owned);
        let markers: Vec<Box<[u8]>> = said.markers.iter().map(|oid| oid.0.into()).collect();
        let (not_before, not_after) = frame.validity;
        Ok(Self {
            sha256: CertSha256::of(der),
            sha1: CertSha1::of(der),
            common_name: text(&frame.subject_name, name::COMMON_NAME).unwrap_or_default(),
            team_id: text(&frame.subject_name, name::UNIT).and_then(|unit| unit.parse().ok()),
            issuer_common_name: text(&frame.issuer_name, name::COMMON_NAME).unwrap_or_default(),
            issuer_unit: text(&frame.issuer_name, name::UNIT),
            serial: frame.serial.into(),
            validity: Validity {
                not_before,
                not_after,
            },
            kind: CertificateKind::from_markers(&markers),
            is_ca: said.is_ca,
            path_length: said.path_length,
            may_sign_certificates: said.may_sign_certificates,
            may_sign_data: said.may_sign_data,
            may_sign_code: said.may_sign_code,
            may_make_timestamps: said.may_make_timestamps,
            unknown_critical_extension: said.unknown.map(|oid| oid.to_string()),
            public_key: PublicKey::new(frame.key_algorithm, frame.key),
            markers,
            subject: range_of(der, frame.subject),
            issuer: range_of(der, frame.issuer),
            signed: range_of(der, frame.signed),
            own_signature: own_signature(&frame),
            subject_key_id: said.subject_key_id.map(Into::into),
            authority_key_id: said
                .authority_key
                .as_ref()
                .and_then(|key| key.id)
                .map(Into::into),
            authority_serial: said
                .authority_key
                .and_then(|key| key.serial)
                .map(Into::into),
            alternative_names: said.alternative_names.map(Into::into),
            name_constraints: said.name_constraints.map(Into::into),
            der: der.into(),
        })
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

    /// The text of the first attribute of one kind in the subject's name.
    pub fn subject_text(&self, kind: Oid<'_>) -> Option<String> {
        let name = Name::from_der(self.subject()).ok()?;
        name.texts(kind).next().map(str::to_owned)
    }

    /// The subject key identifier, if it states one.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.subject_key_id.as_deref()
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Whether its subject has a name.
    pub fn has_subject(&self) -> bool {
        Name::from_der(self.subject()).is_ok_and(|name| !name.is_empty())
    }

    /// Whether it names `issuer` as its issuer, by its name and, where both tell it, by its key (RFC 5280 §4.2.1.1).
    pub fn names_as_issuer(&self, issuer: &Certificate) -> bool {
        let is_or_silent = |named: &Option<Box<[u8]>>, has: Option<&[u8]>| match (named, has) {
            (Some(named), Some(has)) => **named == *has,
            _ => true,
        };
        self.issuer() == issuer.subject()
            && is_or_silent(&self.authority_key_id, issuer.subject_key_id())
            && is_or_silent(&self.authority_serial, Some(&issuer.serial))
    }

    /// Whether its name constraints, if it has any, allow the names of `below`: a certificate under it, which may be the
    /// signer's (RFC 5280 §4.2.1.10).
    pub fn allows_names_of(&self, below: &Certificate, is_signer: bool) -> bool {
        let Some(constraints) = &self.name_constraints else {
            return true;
        };
        let allows = || {
            let constraints = NameConstraints::from_der(constraints)?;
            let subject = Name::from_der(below.subject())?;
            let alternative = below.alternative_names.as_deref();
            let names = name_constraints::names_of(&subject, alternative, is_signer)?;
            Ok::<_, BerError>(constraints.allow(&names))
        };
        allows().unwrap_or(false)
    }

    /// Whether `issuer`'s key signed this certificate.
    ///
    /// # Errors
    /// It did not, or with an algorithm that is not accepted.
    pub fn verify_issued_by(&self, issuer: &Certificate) -> Result<(), SignatureError> {
        let (Some(key), Some((family, digest, signature))) =
            (&issuer.public_key, &self.own_signature)
        else {
            return Err(SignatureError::Invalid);
        };
        let signed = self.der.get(self.signed.clone()).unwrap_or_default();
        key.verify(*family, *digest, signed, signature)
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
        with_generation(&self.issuer_common_name, self.issuer_unit.as_deref())
    }

    /// The subject likewise: what certificates that it issued give as [`issuer_name`](Self::issuer_name).
    pub fn subject_name(&self) -> String {
        with_generation(&self.common_name, self.subject_text(name::UNIT).as_deref())
    }
}

fn with_generation(common_name: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) if unit.starts_with('G') && unit.len() <= 3 => format!("{common_name} {unit}"),
        _ => common_name.to_owned(),
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} {:?})", self.sha256, self.common_name)
    }
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

/// How and with what the certificate is signed, if the algorithm is one that names its digest.
fn own_signature(frame: &Frame<'_>) -> Option<(SignatureFamily, DigestAlgorithm, Box<[u8]>)> {
    let SignatureAlgorithm { family, digest } =
        SignatureAlgorithm::from_oid(frame.algorithm.without_parameters()?)?;
    Some((family, digest?, frame.signature.into()))
}

impl Explain for CertificateError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apple::ber::Tag;

    const ROOT: &[u8] = include_bytes!("roots/AppleIncRootCertificate.cer");

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
        assert!(matches!(
            Certificate::from_der(large.get(1..).unwrap()),
            Err(CertificateError::Malformed(_))
        ));
        let mut followed = ROOT.to_vec();
        followed.extend([0, 0]);
        assert_eq!(
            Certificate::from_der(&followed).unwrap_err(),
            CertificateError::Trailing(2)
        );
    }

    #[test]
    fn a_certificate_prints_its_fingerprint_and_its_name() {
        let root = Certificate::from_der(ROOT).unwrap();
        let printed = format!("Certificate({} \"Apple Root CA\")", root.sha256);
        assert_eq!(format!("{root:?}"), printed);
        assert_eq!(root.serial_last_six(), "02");
    }

    /// Two authorities of Apple's have one name: their generations tell them apart.
    #[test]
    fn an_issuer_is_named_with_its_generation() {
        let mut certificate = Certificate::from_der(ROOT).unwrap();
        certificate.issuer_common_name = "WWDR".to_owned();
        for (unit, name) in [
            (Some("G3"), "WWDR G3"),
            (Some("G10"), "WWDR G10"),
            (Some("G100"), "WWDR"),
            (Some("Go to market"), "WWDR"),
            (Some("CA"), "WWDR"),
            (None, "WWDR"),
        ] {
            certificate.issuer_unit = unit.map(str::to_owned);
            assert_eq!(certificate.issuer_name(), name);
        }
    }

    #[test]
    fn bytes_that_lie_elsewhere_have_no_range() {
        let bytes = [0; 8];
        assert_eq!(range_of(&bytes, &bytes[2..5]), 2..5);
        assert_eq!(range_of(&bytes, &bytes), 0..8);
        assert_eq!(range_of(&bytes[..4], &bytes[4..6]), 0..0);
        assert_eq!(range_of(&bytes[..4], &bytes[3..5]), 0..0);
        assert_eq!(range_of(&bytes[4..], &bytes[..2]), 0..0);
        assert_eq!(range_of(&bytes[..2], &bytes), 0..0);
    }

    /// Found by fuzzing: a profile proved although a byte of its signer's certificate had been changed.
    #[test]
    fn what_no_signature_covers_must_have_its_shape_all_the_same() {
        // The root of the rehearsals, which signed itself, with one byte changed behind what it signed.
        let changed = include_bytes!(
            "../../fixtures/fuzz/certificate/algorithm-identified-by-an-integer.cer"
        );
        assert!(matches!(
            Certificate::from_der(changed),
            Err(CertificateError::Malformed(_))
        ));
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
