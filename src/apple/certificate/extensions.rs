//! What the extensions of a certificate say (RFC 5280 §4.2.1), as far as a chain obeys it.
//!
//! An extension that we know must be well-formed, whether it is critical or not: a limit that cannot be read is no limit
//! that is kept. Of those that only tell where something is found, the shape is all that is looked at.

use super::APPLE_ARC;
use super::frame::Extension;
use super::general_name::GeneralName;
use super::name_constraints::NameConstraints;
use crate::apple::ber::{BerError, Element, Oid, Problem, Reader, Tag};

/// What the extensions say; where they are silent, all is allowed and nothing is known.
pub(super) struct Extensions<'a> {
    /// Those below Apple's arc.
    pub(super) markers: Vec<Oid<'a>>,
    /// BasicConstraints say CA.
    pub(super) is_ca: bool,
    /// BasicConstraints' pathLenConstraint.
    pub(super) path_length: Option<u32>,
    /// KeyUsage has keyCertSign.
    pub(super) may_sign_certificates: bool,
    /// KeyUsage has digitalSignature.
    pub(super) may_sign_data: bool,
    /// ExtendedKeyUsage has codeSigning or anyExtendedKeyUsage.
    pub(super) may_sign_code: bool,
    /// ExtendedKeyUsage has timeStamping.
    pub(super) may_make_timestamps: bool,
    /// SubjectKeyIdentifier.
    pub(super) subject_key_id: Option<&'a [u8]>,
    /// AuthorityKeyIdentifier.
    pub(super) authority_key: Option<AuthorityKey<'a>>,
    /// SubjectAltName, encoded.
    pub(super) alternative_names: Option<&'a [u8]>,
    /// NameConstraints, encoded.
    pub(super) name_constraints: Option<&'a [u8]>,
    /// The first that must be obeyed and is not known.
    pub(super) unknown: Option<Oid<'a>>,
}

/// How a certificate names its issuer's key.
#[derive(Default)]
pub(super) struct AuthorityKey<'a> {
    /// Its identifier: the issuer's SubjectKeyIdentifier.
    pub(super) id: Option<&'a [u8]>,
    /// The serial number of the issuer's certificate.
    pub(super) serial: Option<&'a [u8]>,
}

/// `2.5.29.x`: the extensions of RFC 5280.
const ARC: &[u8] = &[0x55, 0x1d];
/// `1.3.6.1.5.5.7.1.1` authorityInfoAccess.
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
/// `1.3.6.1.5.5.7.3.3` codeSigning.
const CODE_SIGNING: Oid<'static> = Oid(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03]);
/// `1.3.6.1.5.5.7.3.8` timeStamping.
const TIME_STAMPING: Oid<'static> = Oid(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08]);
/// `2.5.29.37.0` anyExtendedKeyUsage.
const ANY_PURPOSE: Oid<'static> = Oid(&[0x55, 0x1d, 0x25, 0x00]);

impl<'a> Extensions<'a> {
    /// Reads the values of extensions.
    ///
    /// # Errors
    /// One that we know is malformed.
    pub(super) fn read(extensions: &[Extension<'a>]) -> Result<Self, BerError> {
        let mut said = Self {
            markers: Vec::new(),
            is_ca: false,
            path_length: None,
            may_sign_certificates: true,
            may_sign_data: true,
            may_sign_code: true,
            may_make_timestamps: true,
            subject_key_id: None,
            authority_key: None,
            alternative_names: None,
            name_constraints: None,
            unknown: None,
        };
        for extension in extensions {
            said.read_value(extension).map_err(|error| BerError {
                offset: extension.offset + error.offset,
                problem: error.problem,
            })?;
        }
        Ok(said)
    }

    fn read_value(&mut self, extension: &Extension<'a>) -> Result<(), BerError> {
        if extension.oid.0.starts_with(APPLE_ARC) {
            self.markers.push(extension.oid);
            return Ok(());
        }
        let known = match extension.oid.0.strip_prefix(ARC) {
            Some([number]) => *number,
            _ if extension.oid.0 == AUTHORITY_INFO_ACCESS => return walk(extension.value),
            _ => 0,
        };
        match known {
            14 => {
                let id = only(extension.value, "a key identifier")?;
                let id = id.expect(Tag::OCTET_STRING, "a key identifier")?;
                self.subject_key_id = Some(id.contents);
            }
            15 => {
                let bits = only(extension.value, "a key usage")?;
                self.may_sign_data = bit(bits, 0)?;
                self.may_sign_certificates = bit(bits, 5)?;
            }
            17 => {
                GeneralName::read_all(only(extension.value, "names")?)?;
                self.alternative_names = Some(extension.value);
            }
            19 => (self.is_ca, self.path_length) = basic_constraints(extension.value)?,
            30 => {
                NameConstraints::from_der(extension.value)?;
                self.name_constraints = Some(extension.value);
            }
            35 => self.authority_key = Some(authority_key(extension.value)?),
            37 => {
                self.may_sign_code = serves(extension.value, CODE_SIGNING)?;
                self.may_make_timestamps = serves(extension.value, TIME_STAMPING)?;
            }
            31 => distribution_points(extension.value)?,
            // certificatePolicies
            32 => walk(extension.value)?,
            // policyConstraints and inhibitAnyPolicy are limits that we do not know how to keep.
            36 | 54 => self.unknown = self.unknown.or(Some(extension.oid)),
            _ if extension.critical => self.unknown = self.unknown.or(Some(extension.oid)),
            _ => {}
        }
        Ok(())
    }
}

/// The only element of a value.
fn only<'a>(value: &'a [u8], what: &'static str) -> Result<Element<'a>, BerError> {
    let mut reader = Reader::new(value);
    let element = reader.any(what)?;
    reader.end(what)?;
    Ok(element)
}

fn walk(value: &[u8]) -> Result<(), BerError> {
    only(value, "the value of an extension")?.walk()
}

fn malformed(element: Element<'_>, what: &'static str) -> BerError {
    BerError {
        offset: element.offset,
        problem: Problem::Malformed(what),
    }
}

/// A bit of a named bit string, the first one being 0 (X.690 §8.6, §11.2.2).
fn bit(bits: Element<'_>, number: usize) -> Result<bool, BerError> {
    let contents = bits.expect(Tag::BIT_STRING, "a key usage")?.contents;
    let Some((0..=7, bytes)) = contents.split_first() else {
        return Err(malformed(bits, "key usage"));
    };
    let byte = bytes.get(number / 8).copied().unwrap_or(0);
    Ok(byte & (0x80 >> (number % 8)) != 0)
}

/// BasicConstraints: whether it is an authority's, and pathLenConstraint.
fn basic_constraints(value: &[u8]) -> Result<(bool, Option<u32>), BerError> {
    let constraints = only(value, "basic constraints")?;
    let mut fields = constraints
        .expect(Tag::SEQUENCE, "basic constraints")?
        .reader()?;
    let is_ca = match fields.optional(Tag::BOOLEAN)? {
        None => false,
        Some(is_ca) => is_ca.boolean()?,
    };
    let path_length = match fields.next()? {
        None => None,
        Some(length) => {
            let number = u32::try_from(length.integer()?);
            Some(number.map_err(|_| malformed(length, "path length"))?)
        }
    };
    fields.end("a path length")?;
    Ok((is_ca, path_length))
}

fn authority_key(value: &[u8]) -> Result<AuthorityKey<'_>, BerError> {
    let key = only(value, "an authority key identifier")?;
    let mut fields = key
        .expect(Tag::SEQUENCE, "an authority key identifier")?
        .reader()?;
    let id = fields.optional(Tag::context_primitive(0))?;
    if let Some(issuer) = fields.optional(Tag::context(1))? {
        GeneralName::read_in(issuer)?;
    }
    let serial = fields.optional(Tag::context_primitive(2))?;
    fields.end("an authority key identifier")?;
    Ok(AuthorityKey {
        id: id.map(|id| id.contents),
        serial: serial.map(|serial| serial.contents),
    })
}

/// CRLDistributionPoints: their shape alone.
fn distribution_points(value: &[u8]) -> Result<(), BerError> {
    let list = only(value, "distribution points")?;
    let mut list = list
        .expect(Tag::SEQUENCE, "distribution points")?
        .reader()?;
    while let Some(point) = list.next()? {
        let mut fields = point
            .expect(Tag::SEQUENCE, "a distribution point")?
            .reader()?;
        let name = fields.optional(Tag::context(0))?;
        if let Some(name) = name {
            let mut choice = name.reader()?;
            let name = choice.any("a name")?;
            choice.end("a name")?;
            match name.tag {
                // nameRelativeToCRLIssuer
                Tag(0xa1) => name.walk()?,
                _ => drop(GeneralName::read_in(
                    name.expect(Tag::context(0), "names")?,
                )?),
            }
        }
        // reasons
        fields.optional(Tag::context_primitive(1))?;
        let issuer = fields.optional(Tag::context(2))?;
        if let Some(issuer) = issuer {
            GeneralName::read_in(issuer)?;
        }
        fields.end("a distribution point")?;
        if name.is_none() && issuer.is_none() {
            return Err(malformed(point, "distribution point, which has no name"));
        }
    }
    Ok(())
}

fn serves(value: &[u8], wanted: Oid<'_>) -> Result<bool, BerError> {
    let purposes = only(value, "purposes")?;
    let mut list = purposes.expect(Tag::SEQUENCE, "purposes")?.reader()?;
    let mut serves = false;
    while let Some(purpose) = list.next()? {
        serves |= [wanted, ANY_PURPOSE].contains(&purpose.oid()?);
    }
    Ok(serves)
}
