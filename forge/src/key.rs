//! Private keys that grow from their labels, and the two signature schemes Apple uses.
//!
//! A label always gives the same key and a message always the same signature (PKCS#1 v1.5 is deterministic, and ECDSA
//! takes its nonce by RFC 6979), so minted files can be compared byte for byte. Nothing here runs in constant time and
//! anyone can grow these keys: they protect nothing.

pub mod ec;
pub mod rsa;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use sha2::Digest;

use super::der;

/// A digest algorithm of certificates and CMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1: what real outer layers use to this day.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384: what the EC root signs with.
    Sha384,
}

impl Hash {
    /// The digest of `message`.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1::Sha1::digest(message).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
        }
    }

    /// The object identifier of the digest alone.
    pub fn oid(self) -> &'static str {
        match self {
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
        }
    }
}

/// A private key; clones share it.
#[derive(Clone)]
pub struct Key(Arc<Kind>);

enum Kind {
    Rsa(Box<rsa::RsaKey>),
    Ec(ec::EcKey),
}

impl Key {
    /// RSA, 2048 bits. Searching the primes takes about a tenth of a second, once per process.
    pub fn rsa(label: &str) -> Key {
        Self::cached(format!("rsa {label}"), || {
            Kind::Rsa(rsa::RsaKey::grow(label).into())
        })
    }

    /// ECDSA on P-256.
    pub fn p256(label: &str) -> Key {
        Self::cached(format!("p256 {label}"), || {
            Kind::Ec(ec::EcKey::grow(ec::Curve::P256, label))
        })
    }

    /// ECDSA on P-384.
    pub fn p384(label: &str) -> Key {
        Self::cached(format!("p384 {label}"), || {
            Kind::Ec(ec::EcKey::grow(ec::Curve::P384, label))
        })
    }

    fn cached(name: String, grow: impl FnOnce() -> Kind) -> Key {
        static KEYS: LazyLock<Mutex<HashMap<String, Key>>> = LazyLock::new(Mutex::default);
        let mut keys = KEYS.lock().unwrap();
        keys.entry(name)
            .or_insert_with(|| Key(Arc::new(grow())))
            .clone()
    }

    /// Whether it is an RSA key.
    pub fn is_rsa(&self) -> bool {
        matches!(*self.0, Kind::Rsa(_))
    }

    /// The signature over `message` in the form certificates and CMS hold it.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        match &*self.0 {
            Kind::Rsa(key) => key.sign(hash, message),
            Kind::Ec(key) => key.sign(hash, message),
        }
    }

    /// The `AlgorithmIdentifier` of a certificate signed by this key.
    pub fn certificate_algorithm(&self, hash: Hash) -> Vec<u8> {
        match (&*self.0, hash) {
            (Kind::Rsa(_), Hash::Sha1) => der::algorithm_null("1.2.840.113549.1.1.5"),
            (Kind::Rsa(_), Hash::Sha256) => der::algorithm_null("1.2.840.113549.1.1.11"),
            (Kind::Rsa(_), Hash::Sha384) => der::algorithm_null("1.2.840.113549.1.1.12"),
            (Kind::Ec(_), hash) => der::algorithm(ec::signature_oid(hash)),
        }
    }

    /// The `signatureAlgorithm` of a CMS signer: plain rsaEncryption, as Apple writes it, or ecdsa-with-….
    pub fn signer_algorithm(&self, hash: Hash) -> Vec<u8> {
        match &*self.0 {
            Kind::Rsa(_) => der::algorithm_null("1.2.840.113549.1.1.1"),
            Kind::Ec(_) => der::algorithm(ec::signature_oid(hash)),
        }
    }

    /// `SubjectPublicKeyInfo`.
    pub fn public_key_info(&self) -> Vec<u8> {
        let (algorithm, key) = self.public_parts();
        der::sequence([algorithm, der::bits(key)])
    }

    /// The subject key identifier: SHA-1 of the public key's bits (RFC 5280 §4.2.1.2).
    pub fn identifier(&self) -> Vec<u8> {
        Hash::Sha1.digest(&self.public_parts().1)
    }

    fn public_parts(&self) -> (Vec<u8>, Vec<u8>) {
        match &*self.0 {
            Kind::Rsa(key) => (der::algorithm_null("1.2.840.113549.1.1.1"), key.public()),
            Kind::Ec(key) => (key.curve.algorithm(), key.public()),
        }
    }

    /// `PrivateKeyInfo` (PKCS#8), unencrypted.
    pub fn pkcs8(&self) -> Vec<u8> {
        let (algorithm, key) = match &*self.0 {
            Kind::Rsa(key) => (der::algorithm_null("1.2.840.113549.1.1.1"), key.private()),
            Kind::Ec(key) => (key.curve.algorithm(), key.private()),
        };
        der::sequence([der::integer(0), algorithm, der::octets(key)])
    }
}
