//! Private keys in PEM, as PKCS#8, PKCS#1 and SEC1 (RFC 7468, RFC 8017 A.1.2, RFC 5915): what stands in many a `.p12` that is
//! none.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair,
};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::error::Pkcs12Error;
use super::limits::MAX_ENTRIES;
use super::private_key::PrivateKey;

/// What a PEM text with a private key holds.
#[derive(Debug)]
pub struct PemKeys {
    /// Its private keys, in the order of the text: all of them sign code.
    pub keys: Vec<PrivateKey>,
    /// Its certificates in DER, likewise.
    pub certificates: Vec<Vec<u8>>,
}

const KEY_LABELS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];

/// Whether `bytes` are PEM with a private key that reads whole, of whatever kind.
pub fn is_pem_key(bytes: &[u8]) -> bool {
    let mut has_key = false;
    for block in Pem::iter_from_buffer(bytes).take(MAX_ENTRIES) {
        let Ok(block) = block else {
            return false;
        };
        has_key |= block.label.ends_with("PRIVATE KEY");
        wipe(block);
    }
    has_key
}

/// Reads the keys and certificates of a PEM text; `None` if it is no PEM with a private key.
///
/// # Errors
/// A block is damaged, or a key is encrypted or of a kind that signs no code.
pub fn read_pem(bytes: &[u8]) -> Result<Option<PemKeys>, Pkcs12Error> {
    if !contains(bytes, b"-----BEGIN ") || !contains(bytes, b"PRIVATE KEY-----") {
        return Ok(None);
    }
    if contains(bytes, b"ENCRYPTED") {
        return Err(Pkcs12Error::Unsupported(
            "a private key in PEM that is encrypted with a passphrase of its own".to_owned(),
        ));
    }
    let mut found = PemKeys {
        keys: Vec::new(),
        certificates: Vec::new(),
    };
    for (at, block) in Pem::iter_from_buffer(bytes).enumerate() {
        if at >= MAX_ENTRIES {
            return Err(Pkcs12Error::TooManyParts);
        }
        let block = block.map_err(|error| {
            Pkcs12Error::NotUsablePem(format!("PEM block {} is damaged ({error})", at + 1))
        })?;
        if block.label == "CERTIFICATE" {
            found.certificates.push(block.contents);
        } else if KEY_LABELS.contains(&block.label.as_str()) {
            let key = private_key(&block).ok_or_else(|| {
                Pkcs12Error::NotUsablePem(format!(
                    "the private key in PEM block {} is damaged, or of a kind that signs no code",
                    at + 1
                ))
            });
            wipe(block);
            found.keys.push(key?);
        }
    }
    Ok((!found.keys.is_empty()).then_some(found))
}

/// The key of a block, as PKCS#8.
fn private_key(block: &Pem) -> Option<PrivateKey> {
    let der = &block.contents;
    let key = match block.label.as_str() {
        "RSA PRIVATE KEY" => {
            let pair = rsa::KeyPair::from_der(der).ok()?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
            PrivateKey::new(pkcs8.as_ref().to_vec())
        }
        "EC PRIVATE KEY" => {
            let curves = [
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                &ECDSA_P384_SHA384_ASN1_SIGNING,
                &ECDSA_P521_SHA512_ASN1_SIGNING,
            ];
            let mut curves = curves.iter();
            let pair = curves.find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok());
            PrivateKey::new(pair?.to_pkcs8v1().ok()?.as_ref().to_vec())
        }
        _ => PrivateKey::new(der.clone()),
    };
    key.public_key().is_some().then_some(key)
}

/// The public key of a certificate, as that of a private key is given; `None` if the certificate does not read.
pub fn public_key_of(certificate_der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(certificate_der).ok()?;
    Some(certificate.public_key().subject_public_key.data.to_vec())
}

fn wipe(block: Pem) {
    drop(Zeroizing::new(block.contents));
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}
