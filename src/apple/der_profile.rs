//! The inner layer of a profile: the payload of its `DER-Encoded-Profile`, which is what the OS itself reads (TN3125).
//!
//! It is a SET of SEQUENCE { UTF8String key, value }. Values are those of a property list: booleans, integers, strings,
//! UTCTime, OCTET STRING, SEQUENCE for arrays, and for dictionaries a SET or `[16]` of the same pairs. Entitlements
//! stand in the envelope of Apple's DER entitlements, `[APPLICATION 16] { INTEGER 1, [16] { … } }`.
//! `DeveloperCertificates` holds SHA-256 hashes, not certificates. Measured on 257 real files.

use std::collections::BTreeMap;

use super::ber::{BerError, Element, Problem, Reader, Tag};
use super::claims::Claims;
use super::value::Value;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::CertSha256;

/// `[16]`, constructed: a dictionary.
const DICTIONARY: Tag = Tag::context(16);
/// `[APPLICATION 16]`, constructed: the envelope of entitlements.
const ENTITLEMENTS: Tag = Tag::application(16);

/// Why an inner payload or DER entitlements cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DerProfileError {
    /// The encoding is damaged or has another shape; offsets count from the start of the payload.
    #[error("{0}")]
    Encoding(#[from] BerError),
    /// A key holds a value of another shape.
    #[error("at key {key:?}: {error}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with its value.
        error: BerError,
    },
    /// A key stands twice.
    #[error("key {0:?} stands twice")]
    Repeated(String),
    /// Entitlements of a version other than 1.
    #[error("entitlements of version {0}; this program knows version 1")]
    Version(i64),
}

/// Reads the payload of an inner layer.
///
/// # Errors
/// It is damaged, a key stands twice, or holds a value of another shape.
pub fn parse(payload: &[u8]) -> Result<Claims, DerProfileError> {
    let mut file = Reader::new(payload);
    let set = file.read(Tag::SET, "a SET of keys and values")?;
    file.end("the payload")?;
    let mut claims = Claims::default();
    let mut entries = set.reader()?;
    let mut keys = std::collections::BTreeSet::new();
    while let Some(entry) = entries.next()? {
        let (key, value) = pair(entry)?;
        if !keys.insert(key) {
            return Err(DerProfileError::Repeated(key.to_owned()));
        }
        read_entry(&mut claims, key, value).map_err(|error| match error {
            DerProfileError::Encoding(error) => DerProfileError::Key {
                key: key.to_owned(),
                error,
            },
            other => other,
        })?;
    }
    Ok(claims)
}

/// Reads entitlements in Apple's DER encoding: `[APPLICATION 16] { INTEGER 1, [16] { pairs } }`.
///
/// # Errors
/// They are damaged, of another version, or a key stands twice.
pub fn parse_entitlements(der: &[u8]) -> Result<BTreeMap<Box<str>, Value>, DerProfileError> {
    let mut file = Reader::new(der);
    let envelope = file.any("entitlements")?;
    file.end("the entitlements")?;
    entitlements(envelope)
}

fn pair(entry: Element<'_>) -> Result<(&str, Element<'_>), BerError> {
    let mut fields = entry
        .expect(Tag::SEQUENCE, "a key and its value")?
        .reader()?;
    let key = fields.any("a key")?.text()?;
    let value = fields.any("a value")?;
    fields.end("the value")?;
    Ok((key, value))
}

fn read_entry(claims: &mut Claims, key: &str, value: Element<'_>) -> Result<(), DerProfileError> {
    match key {
        "UUID" => claims.uuid = Some(value.text()?.to_owned()),
        "Name" => claims.name = Some(value.text()?.to_owned()),
        "AppIDName" => claims.app_id_name = Some(value.text()?.to_owned()),
        "TeamName" => claims.team_name = Some(value.text()?.to_owned()),
        "TeamIdentifier" => claims.team_ids = Some(strings(value)?),
        "ApplicationIdentifierPrefix" => claims.prefixes = Some(strings(value)?),
        "Platform" => claims.platforms = Some(strings(value)?),
        "CreationDate" => claims.created = Some(value.time()?),
        "ExpirationDate" => claims.expires = Some(value.time()?),
        "ProvisionsAllDevices" => claims.provisions_all_devices = Some(value.boolean()?),
        "IsXcodeManaged" => claims.xcode_managed = Some(value.boolean()?),
        "TimeToLive" => claims.time_to_live = Some(integer(value)?),
        "ProfileDistributionType" => claims.distribution_type = Some(value.text()?.to_owned()),
        "ProvisionedDevices" => {
            claims.devices = Some(
                strings(value)?
                    .into_iter()
                    .map(String::into_boxed_str)
                    .collect(),
            );
        }
        "DeveloperCertificates" => claims.certificates = Some(hashes(value)?),
        "Entitlements" => claims.entitlements = Some(entitlements(value)?),
        _ => {
            // Version, and keys of the future: read through for their shape, then passed over.
            value.walk()?;
        }
    }
    Ok(())
}

/// An INTEGER, or the NumericString that Apple's encoder wrote in its place until 2022.
fn integer(value: Element<'_>) -> Result<i64, BerError> {
    if value.tag != Tag::NUMERIC_STRING {
        return value.integer();
    }
    value.text()?.parse().map_err(|_| BerError {
        offset: value.offset,
        problem: Problem::Malformed("NumericString"),
    })
}

/// One string, or an array of them: the encoder writes a lone team identifier without its array.
fn strings(value: Element<'_>) -> Result<Vec<String>, BerError> {
    if value.tag != Tag::SEQUENCE {
        return Ok(vec![value.text()?.to_owned()]);
    }
    let mut items = value
        .expect(Tag::SEQUENCE, "an array of strings")?
        .reader()?;
    let mut strings = Vec::new();
    while let Some(item) = items.next()? {
        strings.push(item.text()?.to_owned());
    }
    Ok(strings)
}

fn hashes(value: Element<'_>) -> Result<Vec<CertSha256>, BerError> {
    let mut items = value
        .expect(Tag::SEQUENCE, "an array of hashes")?
        .reader()?;
    let mut hashes = Vec::new();
    while let Some(item) = items.next()? {
        let bytes = item.expect(Tag::OCTET_STRING, "a SHA-256 hash")?.contents;
        let hash = bytes.try_into().map_err(|_| BerError {
            offset: item.offset,
            problem: Problem::Malformed("SHA-256 hash"),
        })?;
        hashes.push(CertSha256::from_bytes(hash));
    }
    Ok(hashes)
}

fn entitlements(envelope: Element<'_>) -> Result<BTreeMap<Box<str>, Value>, DerProfileError> {
    let mut fields = envelope
        .expect(ENTITLEMENTS, "entitlements ([APPLICATION 16])")?
        .reader()?;
    let version = fields.any("a version")?.integer()?;
    if version != 1 {
        return Err(DerProfileError::Version(version));
    }
    let pairs = fields.read(DICTIONARY, "a dictionary ([16])")?;
    fields.end("the entitlements")?;
    dictionary(pairs)
}

fn dictionary(element: Element<'_>) -> Result<BTreeMap<Box<str>, Value>, DerProfileError> {
    let mut entries = element.reader()?;
    let mut map = BTreeMap::new();
    while let Some(entry) = entries.next()? {
        let (key, element) = pair(entry)?;
        if map.insert(Box::from(key), value(element)?).is_some() {
            return Err(DerProfileError::Repeated(key.to_owned()));
        }
    }
    Ok(map)
}

/// Any value; depth is bounded by the reader.
fn value(element: Element<'_>) -> Result<Value, DerProfileError> {
    Ok(match element.tag {
        Tag::BOOLEAN => Value::Boolean(element.boolean()?),
        Tag::INTEGER => Value::Integer(element.integer()?),
        Tag::UTF8_STRING | Tag::PRINTABLE_STRING | Tag::IA5_STRING => element.text()?.into(),
        Tag::NUMERIC_STRING => Value::Integer(integer(element)?),
        Tag::OCTET_STRING => Value::Data(element.contents.into()),
        Tag::UTC_TIME | Tag::GENERALIZED_TIME => Value::String(element.time()?.to_string().into()),
        Tag::SEQUENCE => {
            let mut items = element.reader()?;
            let mut values = Vec::new();
            while let Some(item) = items.next()? {
                values.push(value(item)?);
            }
            Value::Array(values)
        }
        Tag::SET | DICTIONARY => Value::Dictionary(dictionary(element)?),
        found => {
            let problem = Problem::Unexpected {
                expected: "a property-list value",
                found,
            };
            return Err(BerError {
                offset: element.offset,
                problem,
            }
            .into());
        }
    })
}

impl Explain for DerProfileError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DER with lengths below 128.
    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat()
    }

    fn entry(key: &str, value: &[u8]) -> Vec<u8> {
        tlv(0x30, &[tlv(0x0c, key.as_bytes()), value.to_vec()].concat())
    }

    #[test]
    fn reads_every_shape_of_value() {
        let nested = tlv(0xb0, &entry("n", &tlv(0x02, &[5])));
        let pairs = [
            entry("a", &tlv(0x01, &[0xff])),
            entry("b", &tlv(0x30, &tlv(0x0c, b"x"))),
            entry("c", &nested),
        ]
        .concat();
        let der = tlv(0x70, &[tlv(0x02, &[1]), tlv(0xb0, &pairs)].concat());
        let entitlements = parse_entitlements(&der).unwrap();
        assert_eq!(entitlements["a"], Value::Boolean(true));
        assert_eq!(entitlements["b"], Value::Array(vec!["x".into()]));
        assert_eq!(
            entitlements["c"],
            Value::Dictionary([("n".into(), Value::Integer(5))].into())
        );
    }

    #[test]
    fn numbers_of_the_older_encoder_are_numeric_strings() {
        let payload = tlv(0x31, &entry("TimeToLive", &tlv(0x12, b"364")));
        assert_eq!(parse(&payload).unwrap().time_to_live, Some(364));
        let payload = tlv(0x31, &entry("TimeToLive", &tlv(0x12, b"36 4")));
        assert!(parse(&payload).is_err());
    }

    #[test]
    fn a_repeated_key_is_refused() {
        let payload = tlv(
            0x31,
            &[
                entry("UUID", &tlv(0x0c, b"a")),
                entry("UUID", &tlv(0x0c, b"a")),
            ]
            .concat(),
        );
        assert_eq!(
            parse(&payload).unwrap_err(),
            DerProfileError::Repeated("UUID".into())
        );
    }

    #[test]
    fn a_value_of_the_wrong_shape_names_key_and_offset() {
        let payload = tlv(0x31, &entry("UUID", &tlv(0x02, &[1])));
        let error = parse(&payload).unwrap_err().to_string();
        assert_eq!(
            error,
            "at key \"UUID\": at byte 10: expected a UTF8String, found INTEGER"
        );
    }

    #[test]
    fn another_version_of_entitlements_is_refused() {
        let der = tlv(0x70, &[tlv(0x02, &[2]), tlv(0xb0, &[])].concat());
        assert_eq!(
            parse_entitlements(&der).unwrap_err(),
            DerProfileError::Version(2)
        );
    }

    #[test]
    fn a_hash_of_the_wrong_length_is_refused() {
        let payload = tlv(
            0x31,
            &entry("DeveloperCertificates", &tlv(0x30, &tlv(0x04, &[0; 20]))),
        );
        assert!(
            parse(&payload)
                .unwrap_err()
                .to_string()
                .contains("malformed SHA-256 hash")
        );
    }
}
