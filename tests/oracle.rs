//! A second opinion: RustCrypto's `cms` and `x509-cert` read every message and certificate of the corpora as we do.
//!
//! Where the two readings differ, the difference stands in [`DIFFERENCES`] with its reason; one that is listed and no longer
//! occurs fails the test too. RustCrypto reads DER, so a message in BER is handed to it in definite lengths, as
//! [`countersign::apple::ber::Element::to_definite`] writes it, while ours is read as it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ::cms::cert::CertificateChoices;
use ::cms::content_info;
use ::cms::signed_data::SignerIdentifier;
use countersign::apple::ber::{Oid, Reader};
use countersign::apple::certificate::Certificate;
use countersign::apple::claims::OuterPlist;
use countersign::apple::cms::{self, ContentInfo, SignerId};
use countersign::apple::property_list;
use countersign::apple::signature::PublicKey;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString};
use x509_cert::der::{self, Decode as _, Encode as _, Tagged as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// Where the readings differ: the file, how, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("cms/ParseSuccessCMS/cinfo2.der", ONLY_OURS, WRAPPED_KEY_ID),
    ("cms/ParseSuccessCMS/cinfo5.der", ONLY_OURS, WRAPPED_KEY_ID),
    (
        "cms/ParseSuccessCMS/cinfo_sigd_definite_length.der",
        ONLY_OURS,
        WRAPPED_KEY_ID,
    ),
    (
        "cms/ParseSuccessCMS/cinfo_sigd_no_certs_v3.der",
        ONLY_OURS,
        WRAPPED_KEY_ID,
    ),
    (
        "cms/ParseSuccessCMS/config_profile.der",
        ONLY_OURS,
        WRAPPED_KEY_ID,
    ),
    (
        "cms/ParseSuccessCMS/fake_crlset_entry.ber.der",
        ONLY_OURS,
        "a certificate stands among the revocation lists, which we walk through and do not read",
    ),
    ("cms/ParseSuccessCMS/sigd1.der", ONLY_OURS, WRAPPED_KEY_ID),
    ("cms/ParseSuccessCMS/sigd3.der", ONLY_OURS, WRAPPED_KEY_ID),
    ("cms/ParseSuccessCMS/sigd5.der", ONLY_OURS, WRAPPED_KEY_ID),
];

const ONLY_OURS: &str = "only ours reads it";
/// Apple's regression data demand that these are read.
const WRAPPED_KEY_ID: &str = "a signer's subject key identifier is an OCTET STRING inside of [0]; RFC 5652 tags it implicitly, \
     and theirs takes nothing else";

/// What a CMS message says, as either library reads it. Sets are sorted, because they have no order.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    Signed {
        content_type: String,
        content: Option<Vec<u8>>,
        certificates: BTreeSet<Vec<u8>>,
        signers: BTreeSet<Signer>,
    },
    Data(Option<Vec<u8>>),
    Other(String),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Signer {
    id: Id,
    digest: String,
    algorithm: String,
    signature: Vec<u8>,
    attributes: Option<Attributes>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    IssuerAndSerial(Vec<u8>, Vec<u8>),
    SubjectKey(Vec<u8>),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attributes {
    encoded: BTreeSet<Vec<u8>>,
    content_type: Option<String>,
    message_digest: Option<Vec<u8>>,
    signing_time: Option<u64>,
}

fn ours(bytes: &[u8]) -> Result<Message, String> {
    let signed = match cms::parse_content_info(bytes).map_err(|error| error.to_string())? {
        ContentInfo::SignedData(signed) => signed,
        ContentInfo::Data(content) => return Ok(Message::Data(content.map(|c| c.into_owned()))),
        ContentInfo::Other(oid) => return Ok(Message::Other(oid.to_string())),
    };
    let signer = |info: &cms::SignerInfo<'_>| Signer {
        id: match &info.signer {
            SignerId::IssuerAndSerial { issuer, serial } => {
                Id::IssuerAndSerial(issuer.to_vec(), serial.to_vec())
            }
            SignerId::SubjectKeyId(id) => Id::SubjectKey(id.to_vec()),
        },
        digest: info.digest_algorithm.algorithm.to_string(),
        algorithm: info.signature_algorithm.algorithm.to_string(),
        signature: info.signature.to_vec(),
        attributes: info.signed_attributes.as_ref().map(|attributes| {
            let set = Reader::new(&attributes.der).any("attributes").unwrap();
            let mut reader = set.reader().unwrap();
            let mut encoded = BTreeSet::new();
            while let Some(attribute) = reader.next().unwrap() {
                encoded.insert(attribute.raw.to_vec());
            }
            Attributes {
                encoded,
                content_type: attributes.content_type.map(|oid| oid.to_string()),
                message_digest: attributes.message_digest.as_ref().map(|d| d.to_vec()),
                signing_time: attributes
                    .signing_time
                    .map(|time| time.as_second().try_into().unwrap()),
            }
        }),
    };
    Ok(Message::Signed {
        content_type: signed.content_type.to_string(),
        content: signed.content.as_ref().map(|content| content.to_vec()),
        certificates: signed.certificates.iter().map(|der| der.to_vec()).collect(),
        signers: signed.signers.iter().map(signer).collect(),
    })
}

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");

fn theirs(bytes: &[u8]) -> Result<Message, String> {
    let text = |error: der::Error| error.to_string();
    let info = match content_info::ContentInfo::from_der(bytes) {
        Ok(info) => info,
        Err(error) => {
            // Their ContentInfo demands content, which may be absent from plain data.
            let parts = Vec::<Any>::from_der(bytes).map_err(text)?;
            let [content_type] = parts.as_slice() else {
                return Err(text(error));
            };
            return match content_type.decode_as().map_err(text)? {
                ID_DATA => Ok(Message::Data(None)),
                ID_SIGNED_DATA => Err("a SignedData without content".to_owned()),
                other => Ok(Message::Other(other.to_string())),
            };
        }
    };
    match info.content_type {
        ID_SIGNED_DATA => {}
        ID_DATA => {
            let content: OctetString = info.content.decode_as().map_err(text)?;
            return Ok(Message::Data(Some(content.into_bytes().to_vec())));
        }
        other => return Ok(Message::Other(other.to_string())),
    }
    let signed: ::cms::signed_data::SignedData = info.content.decode_as().map_err(text)?;
    let content = match &signed.encap_content_info.econtent {
        None => None,
        Some(content) => {
            let content: OctetString = content.decode_as().map_err(text)?;
            Some(content.into_bytes().to_vec())
        }
    };
    let mut certificates = BTreeSet::new();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        if let CertificateChoices::Certificate(certificate) = choice {
            certificates.insert(certificate.to_der().map_err(text)?);
        }
    }
    let mut signers = BTreeSet::new();
    for info in signed.signer_infos.0.iter() {
        let attributes = match &info.signed_attrs {
            None => None,
            Some(attributes) => {
                let mut read = Attributes {
                    encoded: BTreeSet::new(),
                    content_type: None,
                    message_digest: None,
                    signing_time: None,
                };
                for attribute in attributes.iter() {
                    read.encoded.insert(attribute.to_der().map_err(text)?);
                    let value = || -> Result<&Any, String> {
                        match attribute.values.as_slice() {
                            [value] => Ok(value),
                            values => Err(format!("{} values", values.len())),
                        }
                    };
                    match attribute.oid {
                        CONTENT_TYPE => {
                            let oid: ObjectIdentifier = value()?.decode_as().map_err(text)?;
                            read.content_type = Some(oid.to_string());
                        }
                        MESSAGE_DIGEST => {
                            let digest: OctetString = value()?.decode_as().map_err(text)?;
                            read.message_digest = Some(digest.into_bytes().to_vec());
                        }
                        SIGNING_TIME => {
                            let der = value()?.to_der().map_err(text)?;
                            let time = x509_cert::time::Time::from_der(&der).map_err(text)?;
                            read.signing_time = Some(time.to_unix_duration().as_secs());
                        }
                        _ => {}
                    }
                }
                Some(read)
            }
        };
        signers.insert(Signer {
            id: match &info.sid {
                SignerIdentifier::IssuerAndSerialNumber(id) => Id::IssuerAndSerial(
                    id.issuer.to_der().map_err(text)?,
                    id.serial_number.as_bytes().to_vec(),
                ),
                SignerIdentifier::SubjectKeyIdentifier(id) => {
                    Id::SubjectKey(id.0.as_bytes().to_vec())
                }
            },
            digest: info.digest_alg.oid.to_string(),
            algorithm: info.signature_algorithm.oid.to_string(),
            signature: info.signature.as_bytes().to_vec(),
            attributes,
        });
    }
    Ok(Message::Signed {
        content_type: signed.encap_content_info.econtent_type.to_string(),
        content,
        certificates,
        signers,
    })
}

/// What a certificate says, as far as we read it.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    not_before: i64,
    not_after: i64,
    /// The key, where it is of a kind that we take.
    key: Option<(&'static str, Vec<u8>)>,
    is_ca: bool,
    path_length: Option<u32>,
    may_sign_certificates: bool,
    may_sign_data: bool,
    subject_key_id: Option<Vec<u8>>,
    markers: Vec<String>,
    common_name: String,
    team_id: Option<String>,
    issuer_common_name: String,
    issuer_unit: Option<String>,
    unknown_critical_extension: Option<String>,
}

fn our_facts(der: &[u8]) -> Result<Facts, String> {
    let certificate = Certificate::from_der(der).map_err(|error| error.to_string())?;
    assert_eq!(*certificate.der, *der);
    Ok(Facts {
        subject: certificate.subject().to_vec(),
        issuer: certificate.issuer().to_vec(),
        serial: certificate.serial.to_vec(),
        not_before: certificate.validity.not_before.as_second(),
        not_after: certificate.validity.not_after.as_second(),
        key: certificate.public_key.as_ref().map(|key| {
            let (PublicKey::Rsa(bytes)
            | PublicKey::P256(bytes)
            | PublicKey::P384(bytes)
            | PublicKey::P521(bytes)) = key;
            (key.name(), bytes.to_vec())
        }),
        is_ca: certificate.is_ca,
        path_length: certificate.path_length,
        may_sign_certificates: certificate.may_sign_certificates,
        may_sign_data: certificate.may_sign_data,
        subject_key_id: certificate.subject_key_id().map(<[u8]>::to_vec),
        markers: certificate.markers(),
        common_name: certificate.common_name.clone(),
        team_id: certificate.team_id.as_ref().map(ToString::to_string),
        issuer_common_name: certificate.issuer_common_name.clone(),
        issuer_unit: certificate.issuer_unit.clone(),
        unknown_critical_extension: certificate.unknown_critical_extension.clone(),
    })
}

/// The extensions that may be critical: those whose meaning a chain of ours obeys or need not obey.
const KNOWN: &[&str] = &[
    "2.5.29.14",         // subjectKeyIdentifier
    "2.5.29.15",         // keyUsage
    "2.5.29.17",         // subjectAltName
    "2.5.29.19",         // basicConstraints
    "2.5.29.31",         // cRLDistributionPoints
    "2.5.29.32",         // certificatePolicies
    "2.5.29.35",         // authorityKeyIdentifier
    "2.5.29.37",         // extKeyUsage
    "1.3.6.1.5.5.7.1.1", // authorityInfoAccess
];

fn their_facts(bytes: &[u8]) -> Result<Facts, String> {
    let text = |error: der::Error| error.to_string();
    let certificate = x509_cert::Certificate::from_der(bytes).map_err(text)?;
    let tbs = certificate.tbs_certificate();
    let first = |name: &Name, oid: &str| {
        let oid = ObjectIdentifier::new_unwrap(oid);
        name.iter()
            .find(|attribute| attribute.oid == oid)
            .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
    };
    let spki = tbs.subject_public_key_info();
    let key = spki.subject_public_key.raw_bytes().to_vec();
    let curve = spki
        .algorithm
        .parameters
        .as_ref()
        .filter(|parameters| parameters.tag() == der::Tag::ObjectIdentifier)
        .map(|curve| curve.decode_as::<ObjectIdentifier>().unwrap().to_string());
    let family = match (spki.algorithm.oid.to_string().as_str(), curve.as_deref()) {
        ("1.2.840.113549.1.1.1", _) => Some("RSA"),
        ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => Some("ECDSA P-256"),
        ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => Some("ECDSA P-384"),
        ("1.2.840.10045.2.1", Some("1.3.132.0.35")) => Some("ECDSA P-521"),
        _ => None,
    };
    let constraints: Option<(bool, BasicConstraints)> = tbs.get_extension().map_err(text)?;
    let constraints = constraints.map(|(_, constraints)| constraints);
    let usage: Option<(bool, KeyUsage)> = tbs.get_extension().map_err(text)?;
    let usage = usage.map(|(_, usage)| usage);
    let key_id: Option<(bool, SubjectKeyIdentifier)> = tbs.get_extension().map_err(text)?;
    let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    let oids = |is_wanted: &dyn Fn(&x509_cert::ext::Extension, &str) -> bool| -> Vec<String> {
        let all = extensions.iter().map(|e| (e, e.extn_id.to_string()));
        all.filter(|(e, oid)| is_wanted(e, oid))
            .map(|(_, oid)| oid)
            .collect()
    };
    let is_apples = |oid: &str| oid.starts_with("1.2.840.113635.100.");
    Ok(Facts {
        subject: tbs.subject().to_der().map_err(text)?,
        issuer: tbs.issuer().to_der().map_err(text)?,
        serial: tbs.serial_number().as_bytes().to_vec(),
        not_before: tbs
            .validity()
            .not_before
            .to_unix_duration()
            .as_secs()
            .try_into()
            .unwrap(),
        not_after: tbs
            .validity()
            .not_after
            .to_unix_duration()
            .as_secs()
            .try_into()
            .unwrap(),
        key: family.map(|family| (family, key)),
        is_ca: constraints
            .as_ref()
            .is_some_and(|constraints| constraints.ca),
        path_length: constraints
            .and_then(|constraints| constraints.path_len_constraint)
            .map(u32::from),
        may_sign_certificates: usage.as_ref().is_none_or(KeyUsage::key_cert_sign),
        may_sign_data: usage.as_ref().is_none_or(KeyUsage::digital_signature),
        subject_key_id: key_id.map(|(_, id)| id.0.into_bytes().to_vec()),
        markers: oids(&|_, oid| is_apples(oid)),
        common_name: first(tbs.subject(), "2.5.4.3").unwrap_or_default(),
        team_id: first(tbs.subject(), "2.5.4.11").filter(|unit| {
            (1..=64).contains(&unit.len()) && unit.bytes().all(|b| b.is_ascii_alphanumeric())
        }),
        issuer_common_name: first(tbs.issuer(), "2.5.4.3").unwrap_or_default(),
        issuer_unit: first(tbs.issuer(), "2.5.4.11"),
        unknown_critical_extension: oids(&|extension, oid| {
            extension.critical && !is_apples(oid) && !KNOWN.contains(&oid)
        })
        .pop(),
    })
}

/// How two readings differ, in words that stand in [`DIFFERENCES`].
fn difference<T: std::fmt::Debug + PartialEq>(
    ours: &Result<T, String>,
    theirs: &Result<T, String>,
    fields: fn(&T, &T) -> String,
) -> Option<String> {
    match (ours, theirs) {
        (Err(_), Err(_)) => None,
        (Ok(_), Err(_)) => Some(ONLY_OURS.to_owned()),
        (Err(_), Ok(_)) => Some("only theirs reads it".to_owned()),
        (Ok(ours), Ok(theirs)) if ours == theirs => None,
        (Ok(ours), Ok(theirs)) => Some(fields(ours, theirs)),
    }
}

/// The lines of the two that differ, by their field names.
fn differing_fields<T: std::fmt::Debug>(ours: &T, theirs: &T) -> String {
    let (ours, theirs) = (format!("{ours:#?}"), format!("{theirs:#?}"));
    let mut names: Vec<String> = Vec::new();
    let mut name = String::new();
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        if let Some((field, _)) = ours.trim().split_once(": ") {
            name = field.to_owned();
        }
        if ours != theirs && !names.contains(&name) {
            names.push(name.clone());
        }
    }
    format!("they differ in {}", names.join(", "))
}

/// Every file in a folder of the real data.
fn files(folder: &str) -> Vec<PathBuf> {
    support::files_below(&Path::new(DATA).join(folder))
}

/// The name of a file in [`DIFFERENCES`].
fn label(file: &Path) -> String {
    file.strip_prefix(DATA).unwrap().display().to_string()
}

/// Every CMS message by its name: files of the CMS corpora, real profiles, and their inner layers.
fn messages() -> BTreeMap<String, Vec<u8>> {
    let mut messages = BTreeMap::new();
    for file in files("cms") {
        messages.insert(label(&file), fs::read(&file).unwrap());
    }
    for file in [files("profiles"), files("projects")].concat() {
        let extension = file.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("mobileprovision" | "provisionprofile")) {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        if let Ok(outer) = cms::parse(&bytes)
            && let Some(content) = &outer.content
            && let Ok(plist) = OuterPlist::read(content)
            && let Some(inner) = plist.inner
        {
            messages.insert(format!("{} (inner layer)", label(&file)), inner.to_vec());
        }
        messages.insert(label(&file), bytes);
    }
    messages
}

/// Every certificate by its name: Apple's, those bundled in messages, and those that profiles list.
fn certificates() -> BTreeMap<Vec<u8>, String> {
    let mut certificates = BTreeMap::new();
    for file in files("certificates") {
        let bytes = fs::read(&file).unwrap();
        let alone = Reader::new(&bytes)
            .any("a certificate")
            .unwrap()
            .raw
            .to_vec();
        certificates.insert(alone, label(&file));
        // As it is, where other bytes follow.
        certificates
            .entry(bytes)
            .or_insert_with(|| format!("{} (whole file)", label(&file)));
    }
    for (name, bytes) in messages() {
        let Ok(message) = cms::parse(&bytes) else {
            continue;
        };
        for (number, der) in (1..).zip(&message.certificates) {
            certificates
                .entry(der.to_vec())
                .or_insert_with(|| format!("{name} (certificate {number})"));
        }
        let content = message.content.as_deref().unwrap_or_default();
        let listed = OuterPlist::read(content).map(|plist| plist.certificate_ders);
        for (number, der) in (1..).zip(listed.unwrap_or_default()) {
            certificates
                .entry(der.to_vec())
                .or_insert_with(|| format!("{name} (developer certificate {number})"));
        }
    }
    certificates
}

/// Holds what was found against what is listed, for the names that `is_judged` tells.
fn hold_against_the_list(found: BTreeMap<String, String>, is_judged: fn(&str) -> bool) {
    let listed: BTreeMap<String, String> = DIFFERENCES
        .iter()
        .filter(|(name, ..)| is_judged(name))
        .map(|(name, how, _)| ((*name).to_owned(), (*how).to_owned()))
        .collect();
    let unlisted: Vec<_> = found
        .iter()
        .filter(|(name, how)| listed.get(*name) != Some(how))
        .collect();
    let gone: Vec<_> = listed
        .iter()
        .filter(|(name, how)| found.get(*name) != Some(how))
        .collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not listed: {unlisted:#?}\nlisted and gone: {gone:#?}"
    );
}

fn is_a_certificate_s_name(name: &str) -> bool {
    name.starts_with("certificates/") || name.contains("certificate ")
}

#[test]
fn every_cms_message_is_read_alike() {
    let messages = messages();
    if messages.is_empty() {
        return;
    }
    assert!(messages.len() > 300, "{}", messages.len());
    let mut found = BTreeMap::new();
    let mut read_by_both = 0;
    for (name, bytes) in &messages {
        let element = Reader::new(bytes).next().ok().flatten();
        let definite = element
            .filter(|element| element.raw.len() == bytes.len())
            .filter(|element| element.is_definite() == Ok(false))
            .and_then(|element| element.to_definite(element.tag, usize::MAX).ok());
        let theirs = theirs(definite.as_deref().unwrap_or(bytes));
        let ours = ours(bytes);
        read_by_both += usize::from(ours.is_ok() && ours == theirs);
        if let Some(how) = difference(&ours, &theirs, differing_fields) {
            let why = (ours.as_ref().err(), theirs.as_ref().err());
            eprintln!("{name}: {how}: {why:?}");
            found.insert(name.clone(), how);
        }
    }
    assert!(read_by_both > 200, "{read_by_both}");
    hold_against_the_list(found, |name| !is_a_certificate_s_name(name));
}

#[test]
fn every_certificate_is_read_alike() {
    let certificates = certificates();
    if certificates.is_empty() {
        return;
    }
    assert!(certificates.len() > 60, "{}", certificates.len());
    let mut found = BTreeMap::new();
    let mut read_by_both = 0;
    for (der, name) in &certificates {
        let (ours, theirs) = (our_facts(der), their_facts(der));
        read_by_both += usize::from(ours.is_ok() && ours == theirs);
        if let Some(how) = difference(&ours, &theirs, differing_fields) {
            let why = (ours.as_ref().err(), theirs.as_ref().err());
            eprintln!("{name}: {how}: {why:?}");
            found.insert(name.clone(), how);
        }
    }
    assert!(read_by_both > 60, "{read_by_both}");
    hold_against_the_list(found, is_a_certificate_s_name);
}

/// Every property list in XML by its name: the content of profiles, entitlements and Info.plists.
fn property_lists() -> BTreeMap<String, Vec<u8>> {
    let mut lists = BTreeMap::new();
    for (name, bytes) in messages() {
        if let Ok(message) = cms::parse(&bytes)
            && let Some(content) = message.content
        {
            lists.insert(name, content.to_vec());
        }
    }
    for folder in ["profiles", "projects", "reports"] {
        for file in files(folder) {
            lists.insert(label(&file), fs::read(&file).unwrap());
        }
    }
    lists.retain(|_, bytes| {
        bytes.starts_with(b"<?xml") && bytes.windows(6).any(|it| it == b"<plist")
    });
    lists
}

/// The `plist` crate passes over what ours refuses; what neither refuses says the same to both.
#[test]
fn every_property_list_is_read_alike() {
    let lists = property_lists();
    if lists.is_empty() {
        return;
    }
    let mut read_by_both = 0;
    for (name, bytes) in lists {
        const LIMIT: usize = 8 << 20;
        let ours = property_list::read_with(&bytes, LIMIT, &mut |_| true);
        let theirs = plist::Value::from_reader_xml(bytes.as_slice())
            .map_err(|error| error.to_string())
            .and_then(|value| {
                let mut binary = Vec::new();
                value.to_writer_binary(&mut binary).unwrap();
                // What theirs reads and ours has no place for, real numbers, is refused in either encoding.
                property_list::read_with(&binary, LIMIT, &mut |_| true)
                    .map_err(|error| error.to_string())
            });
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{name}");
                read_by_both += 1;
            }
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{name}: {ours:?}, {theirs:?}"),
        }
    }
    assert!(read_by_both > 150, "{read_by_both}");
}

/// The comparison itself can fail: a reading that leaves out one certificate is another reading.
#[test]
fn a_reading_that_differs_is_told_by_its_field() {
    let reading = |certificates: &[&[u8]]| Message::Signed {
        content_type: Oid(&[0x2a, 0x03]).to_string(),
        content: None,
        certificates: certificates.iter().map(|der| der.to_vec()).collect(),
        signers: BTreeSet::new(),
    };
    let (one, other) = (Ok(reading(&[b"a"])), Ok(reading(&[b"b"])));
    assert_eq!(difference(&one, &one, differing_fields), None);
    let how = difference(&one, &other, differing_fields).unwrap();
    assert!(how.contains("certificates"), "{how}");
}
