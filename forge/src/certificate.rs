//! X.509 certificates with the extensions Apple's have, in Apple's order, and the identities made of them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jiff::Timestamp;

use super::ber::Element;
use super::der;
use super::key::{Hash, Key};
use super::stream;

/// A distinguished name in the order of its encoding.
#[derive(Clone, Debug, Default)]
pub struct Name(Vec<(&'static str, String, bool)>);

impl Name {
    /// No attributes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute as UTF8String; see [`attribute`] for the types.
    pub fn utf8(mut self, oid: &'static str, text: &str) -> Self {
        self.0.push((oid, text.to_owned(), false));
        self
    }

    /// Adds an attribute as PrintableString, as country codes and Apple's RSA root have it.
    pub fn printable(mut self, oid: &'static str, text: &str) -> Self {
        self.0.push((oid, text.to_owned(), true));
        self
    }

    /// The value of the first attribute of that type.
    pub fn get(&self, oid: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, ..)| *known == oid)
            .map(|(_, text, _)| text.as_str())
    }

    /// `Name`.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(self.0.iter().map(|(oid, text, printable)| {
            let value = if *printable {
                der::printable(text)
            } else {
                der::utf8(text)
            };
            der::set_of([der::sequence([der::oid(oid), value])])
        }))
    }
}

/// The attribute types of distinguished names.
pub mod attribute {
    /// `CN`.
    pub const COMMON_NAME: &str = "2.5.4.3";
    /// `C`.
    pub const COUNTRY: &str = "2.5.4.6";
    /// `O`.
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// `OU`: the team id of a developer's certificate.
    pub const UNIT: &str = "2.5.4.11";
    /// `UID`.
    pub const USER_ID: &str = "0.9.2342.19200300.100.1.1";
}

/// A certificate to be issued.
#[derive(Clone)]
pub struct CertificateSpec {
    /// The subject's name.
    pub subject: Name,
    /// Big-endian, positive.
    pub serial: Vec<u8>,
    /// First and last instant of validity.
    pub validity: (Timestamp, Timestamp),
    /// Extensions, each from [`extension`]; the key identifiers are placeholders until there are keys.
    pub extensions: Vec<Extension>,
    /// The digest that the issuer signs.
    pub hash: Hash,
}

/// An extension, as far as it is known before the keys are.
#[derive(Clone)]
pub enum Extension {
    /// Ready.
    Ready(Vec<u8>),
    /// subjectKeyIdentifier of the key to come.
    SubjectKey,
    /// authorityKeyIdentifier of the issuer to come.
    AuthorityKey,
}

impl CertificateSpec {
    /// A certificate that `issuer` signs.
    pub fn issue(&self, key: &Key, issuer: &Identity) -> Identity {
        self.assemble(key, &issuer.key, &issuer.subject)
    }

    /// A certificate that signs itself.
    pub fn self_sign(&self, key: &Key) -> Identity {
        self.assemble(key, key, &self.subject)
    }

    /// A certificate that names one issuer and is signed by another's key: a forgery of the issuer's signature.
    pub fn issue_as(&self, key: &Key, issuer: &Name, signer: &Key) -> Identity {
        self.assemble(key, signer, issuer)
    }

    fn assemble(&self, key: &Key, signer: &Key, issuer: &Name) -> Identity {
        let extensions = der::sequence(self.extensions.iter().map(|extension| match extension {
            Extension::Ready(der) => der.clone(),
            Extension::SubjectKey => {
                extension::make("2.5.29.14", false, &der::octets(key.identifier()))
            }
            Extension::AuthorityKey => extension::make(
                "2.5.29.35",
                false,
                &der::sequence([der::context_primitive(0, signer.identifier())]),
            ),
        }));
        let algorithm = signer.certificate_algorithm(self.hash);
        let to_be_signed = der::sequence([
            der::context(0, der::integer(2)),
            der::unsigned(&self.serial),
            algorithm.clone(),
            issuer.to_der(),
            der::sequence([der::time(self.validity.0), der::time(self.validity.1)]),
            self.subject.to_der(),
            key.public_key_info(),
            der::context(3, extensions),
        ]);
        Identity {
            der: signed(to_be_signed, algorithm, self.hash, signer),
            key: key.clone(),
            subject: self.subject.clone(),
            issuer: issuer.clone(),
            serial: self.serial.clone(),
            validity: self.validity,
        }
    }
}

/// Signs a certificate, once: a hierarchy's few certificates are asked for by every profile that is minted.
fn signed(to_be_signed: Vec<u8>, algorithm: Vec<u8>, hash: Hash, signer: &Key) -> Arc<[u8]> {
    type Issued = HashMap<(Vec<u8>, Vec<u8>), Arc<[u8]>>;
    static ISSUED: LazyLock<Mutex<Issued>> = LazyLock::new(Mutex::default);
    let known = (signer.identifier(), to_be_signed.clone());
    if let Some(certificate) = ISSUED.lock().unwrap().get(&known) {
        return certificate.clone();
    }
    let signature = der::bits(signer.sign(hash, &to_be_signed));
    let certificate: Arc<[u8]> = der::sequence([to_be_signed, algorithm, signature]).into();
    ISSUED.lock().unwrap().insert(known, certificate.clone());
    certificate
}

/// A certificate with its private key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub der: Arc<[u8]>,
    /// The private key of its subject.
    pub key: Key,
    /// Its subject.
    pub subject: Name,
    /// Who it says issued it.
    pub issuer: Name,
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// First and last instant of validity.
    pub validity: (Timestamp, Timestamp),
}

impl Identity {
    /// The subject's common name.
    pub fn common_name(&self) -> &str {
        self.subject.get(attribute::COMMON_NAME).unwrap_or_default()
    }

    /// SHA-1 of the certificate in upper-case hex: what `security find-identity` prints.
    pub fn sha1_hex(&self) -> String {
        Hash::Sha1
            .digest(&self.der)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    /// SHA-256 of the certificate: what inner layers list.
    pub fn sha256(&self) -> Vec<u8> {
        Hash::Sha256.digest(&self.der)
    }

    /// The same with another `tbsCertificate`, which `issuer` signs with SHA-256; the algorithm outside stays.
    pub fn with_signed_part(&self, to_be_signed: &[u8], issuer: &Key) -> Identity {
        let algorithm = Element::read(&self.der).at(&[1]).to_der();
        let signature = der::bits(issuer.sign(Hash::Sha256, to_be_signed));
        Identity {
            der: der::sequence([to_be_signed, &algorithm, &signature]).into(),
            ..self.clone()
        }
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// `IssuerAndSerialNumber`: how CMS names a signer.
    pub fn issuer_and_serial(&self) -> Vec<u8> {
        der::sequence([self.issuer.to_der(), der::unsigned(&self.serial)])
    }
}

/// PEM armour.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(str::from_utf8(line).unwrap());
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Base64 with padding, on one line.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (at, byte)| {
            word | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..4 {
            if at <= chunk.len() {
                out.push(char::from(
                    ALPHABET[(word >> (18 - 6 * at) & 0x3f) as usize],
                ));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// A serial number that grows from the label: eight bytes as on Apple's own certificates, or sixteen as on developers'.
pub fn serial(label: &str, len: usize) -> Vec<u8> {
    stream::serial(label, len)
}

/// The extensions of Apple's certificates.
pub mod extension {
    use super::super::der;
    use super::Extension;

    /// Any extension around the DER of its value.
    pub fn make(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
        let mut parts = vec![der::oid(oid)];
        if critical {
            parts.push(der::boolean(true));
        }
        parts.push(der::octets(value));
        der::sequence(parts)
    }

    fn ready(oid: &str, critical: bool, value: &[u8]) -> Extension {
        Extension::Ready(make(oid, critical, value))
    }

    /// basicConstraints of an authority, with or without a path length.
    pub fn authority(path_length: Option<i64>) -> Extension {
        let mut parts = vec![der::boolean(true)];
        parts.extend(path_length.map(der::integer));
        ready("2.5.29.19", true, &der::sequence(parts))
    }

    /// basicConstraints of a leaf: an empty sequence.
    pub fn leaf() -> Extension {
        ready("2.5.29.19", true, &der::sequence::<&[u8]>([]))
    }

    /// keyUsage keyCertSign and cRLSign.
    pub fn signs_certificates() -> Extension {
        ready("2.5.29.15", true, &der::tlv(0x03, [1, 0x06]))
    }

    /// keyUsage digitalSignature.
    pub fn signs_data() -> Extension {
        ready("2.5.29.15", true, &der::tlv(0x03, [7, 0x80]))
    }

    /// extendedKeyUsage of one purpose: `1.3.6.1.5.5.7.3.3` is code signing.
    pub fn purpose(oid: &str) -> Extension {
        ready("2.5.29.37", true, &der::sequence([der::oid(oid)]))
    }

    /// nameConstraints: general names, each as it is encoded, that are permitted and excluded.
    pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
        let subtrees = |number: u8, names: &[Vec<u8>]| match names {
            [] => Vec::new(),
            names => {
                let subtrees: Vec<_> = names.iter().map(|name| der::sequence([name])).collect();
                der::context(number, subtrees.concat())
            }
        };
        let constraints = der::sequence([subtrees(0, permitted), subtrees(1, excluded)]);
        ready("2.5.29.30", true, &constraints)
    }

    /// subjectAltName of these general names.
    pub fn alternative_names(names: &[Vec<u8>]) -> Extension {
        ready("2.5.29.17", false, &der::sequence(names))
    }

    /// One of Apple's markers: an extension that holds NULL. Developers' certificates have it critical.
    pub fn marker(oid: &str, critical: bool) -> Extension {
        ready(oid, critical, &der::null())
    }

    /// authorityInfoAccess: where the issuer's certificate is, if told, and the OCSP responder.
    pub fn access(issuer: Option<&str>, ocsp: &str) -> Extension {
        let method =
            |oid: &str, url: &str| der::sequence([der::oid(oid), der::context_primitive(6, url)]);
        let mut parts = Vec::new();
        parts.extend(issuer.map(|url| method("1.3.6.1.5.5.7.48.2", url)));
        parts.push(method("1.3.6.1.5.5.7.48.1", ocsp));
        ready("1.3.6.1.5.5.7.1.1", false, &der::sequence(parts))
    }

    /// cRLDistributionPoints with one URL.
    pub fn revocations(url: &str) -> Extension {
        let point = der::context(0, der::context(0, der::context_primitive(6, url)));
        ready("2.5.29.31", false, &der::sequence([der::sequence([point])]))
    }

    /// certificatePolicies: the policy, a notice to users and the practice statement.
    pub fn policy(notice: &str, statement: &str) -> Extension {
        let qualifiers = der::sequence([
            der::sequence([
                der::oid("1.3.6.1.5.5.7.2.2"),
                der::sequence([der::utf8(notice)]),
            ]),
            der::sequence([der::oid("1.3.6.1.5.5.7.2.1"), der::tlv(0x16, statement)]),
        ]);
        ready(
            "2.5.29.32",
            false,
            &der::sequence([der::sequence([
                der::oid("1.2.840.113635.100.5.1"),
                qualifiers,
            ])]),
        )
    }

    /// `1.2.840.113635.100.6.1.33`: the date that Developer ID certificates carry.
    pub fn developer_id_date(date: &str) -> Extension {
        ready("1.2.840.113635.100.6.1.33", false, &der::utf8(date))
    }
}
