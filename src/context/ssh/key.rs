//! Public keys, and whether a signature belongs to one.
//!
//! The primitives are aws-lc-rs's. What this file adds is OpenSSH's encoding of keys and signatures (RFC 4253 section 6.6,
//! RFC 5656, RFC 8332, RFC 8709, and `PROTOCOL.u2f` for keys in a security key). RSA signs with SHA-2 alone and has at
//! least 2,048 bits. DSA is not accepted.

use std::fmt;

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64ct::{Base64Unpadded, Encoding as _};

use super::wire::Reader;
use crate::base::digest::sha256;

/// A public key: the bytes that OpenSSH names it by, and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    blob: Box<[u8]>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    Ed25519,
    P256,
    P384,
    P521,
    /// In a security key.
    SkEd25519,
    /// In a security key.
    SkP256,
}

/// Why bytes are no key that signs here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not OpenSSH's encoding of a key.
    #[error("the key is damaged")]
    Damaged,
    /// A certificate: a key that an authority vouches for.
    #[error("the key is a certificate ({0}), and certificates are not accepted")]
    Certificate(String),
    /// A kind of key that nothing here verifies.
    #[error("keys of the type {0:?} are not accepted")]
    Type(String),
}

impl PublicKey {
    /// Reads a key from the bytes that OpenSSH writes in base64.
    ///
    /// # Errors
    /// They are no key, or one of a kind that is not accepted.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let word = Reader::new(blob).text().ok_or(KeyError::Damaged)?;
        let kind = match word {
            "ssh-rsa" => Kind::Rsa,
            "ssh-ed25519" => Kind::Ed25519,
            "ecdsa-sha2-nistp256" => Kind::P256,
            "ecdsa-sha2-nistp384" => Kind::P384,
            "ecdsa-sha2-nistp521" => Kind::P521,
            "sk-ssh-ed25519@openssh.com" => Kind::SkEd25519,
            "sk-ecdsa-sha2-nistp256@openssh.com" => Kind::SkP256,
            certificate if certificate.contains("-cert-v0") => {
                return Err(KeyError::Certificate(shortened(certificate)));
            }
            other => return Err(KeyError::Type(shortened(other))),
        };
        Parts::of(kind, blob).ok_or(KeyError::Damaged)?;
        Ok(Self {
            blob: blob.into(),
            kind,
        })
    }

    /// The bytes that OpenSSH names it by.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its fingerprint, as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }

    /// Whether `signature`, in OpenSSH's encoding, is this key's over `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify(message, signature).is_some()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let parts = Parts::of(self.kind, &self.blob)?;
        let mut reader = Reader::new(signature);
        let scheme = reader.text()?;
        let value = reader.string()?;
        let message = match parts.application {
            None => message.to_vec(),
            // A security key signs the hash of the application that it was made for, what it did, and the message's hash.
            Some(application) => {
                let flags = reader.byte()?;
                let counter = reader.uint32()?;
                [
                    &sha256(application)[..],
                    &[flags],
                    &counter.to_be_bytes(),
                    &sha256(message),
                ]
                .concat()
            }
        };
        reader.end()?;
        match self.kind {
            Kind::Rsa => {
                let parameters: &RsaParameters = match scheme {
                    "rsa-sha2-256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "rsa-sha2-512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => return None,
                };
                let key = RsaPublicKeyComponents {
                    n: parts.modulus,
                    e: parts.point,
                };
                key.verify(parameters, &message, value).ok()
            }
            Kind::Ed25519 | Kind::SkEd25519 => {
                let key = UnparsedPublicKey::new(&signature::ED25519, parts.point);
                (scheme == parts.word).then_some(())?;
                key.verify(&message, value).ok()
            }
            Kind::P256 | Kind::P384 | Kind::P521 | Kind::SkP256 => {
                let (algorithm, size): (&EcdsaVerificationAlgorithm, usize) = match self.kind {
                    Kind::P384 => (&signature::ECDSA_P384_SHA384_FIXED, 48),
                    Kind::P521 => (&signature::ECDSA_P521_SHA512_FIXED, 66),
                    _ => (&signature::ECDSA_P256_SHA256_FIXED, 32),
                };
                (scheme == parts.word).then_some(())?;
                let value = fixed(value, size)?;
                let key = UnparsedPublicKey::new(algorithm, parts.point);
                key.verify(&message, &value).ok()
            }
        }
    }
}

/// The fingerprint of a key's bytes.
fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", Base64Unpadded::encode_string(&sha256(blob)))
}

/// What the bytes of a key say.
struct Parts<'a> {
    word: &'a str,
    /// The point of an elliptic curve, or the exponent of an RSA key.
    point: &'a [u8],
    /// The modulus of an RSA key.
    modulus: &'a [u8],
    /// What a key in a security key was made for.
    application: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn of(kind: Kind, blob: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(blob);
        let word = reader.text()?;
        let mut parts = Self {
            word,
            point: &[],
            modulus: &[],
            application: None,
        };
        match kind {
            Kind::Rsa => {
                parts.point = reader.positive()?;
                parts.modulus = reader.positive()?;
            }
            Kind::Ed25519 | Kind::SkEd25519 => {
                parts.point = reader.string().filter(|point| point.len() == 32)?;
            }
            Kind::P256 | Kind::P384 | Kind::P521 | Kind::SkP256 => {
                let (curve, size) = match kind {
                    Kind::P384 => ("nistp384", 48),
                    Kind::P521 => ("nistp521", 66),
                    _ => ("nistp256", 32),
                };
                reader.text().filter(|named| *named == curve)?;
                let point = reader.string()?;
                // Uncompressed; that it lies on the curve is the library's to say.
                let is_whole = point.first() == Some(&4) && point.len() == 1 + 2 * size;
                parts.point = is_whole.then_some(point)?;
            }
        }
        if matches!(kind, Kind::SkEd25519 | Kind::SkP256) {
            parts.application = Some(reader.string()?);
        }
        reader.end()?;
        Some(parts)
    }
}

/// The two numbers of an ECDSA signature, each in `size` bytes.
fn fixed(value: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut reader = Reader::new(value);
    let mut both = Vec::with_capacity(2 * size);
    for _ in 0..2 {
        let number = reader.positive()?;
        let padding = size.checked_sub(number.len())?;
        both.resize(both.len() + padding, 0);
        both.extend_from_slice(number);
    }
    reader.end()?;
    Some(both)
}

/// A word of an untrusted file, as long as a message may be.
fn shortened(word: &str) -> String {
    word.chars().take(64).collect()
}

/// The fingerprint.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.fingerprint())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {self}", self.kind)
    }
}
