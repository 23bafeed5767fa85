//! Whether one signature over some bytes holds under one public key, for all of Apple's formats.
//!
//! RSA is PKCS#1 v1.5 with 2,048 to 8,192 bits, ECDSA is on P-256, P-384 or P-521 with DER signatures: what Apple's
//! profile and developer certificates use. SHA-1 is taken with RSA alone, because the outer layer of every real profile
//! is signed that way; whether it suffices is decided by the caller, who knows the layer.

use std::fmt;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sha2::Digest as _;

use super::ber::Oid;
use crate::base::error::{ErrorCode, Explain};

/// A digest algorithm of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SHA-1: broken for collisions; Apple's outer layers only.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// The algorithm that an OID of RFC 3370 §2.1 or RFC 5754 §2 names.
    pub fn from_oid(oid: Oid<'_>) -> Option<Self> {
        Some(match oid.0 {
            // 1.3.14.3.2.26
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Self::Sha1,
            // 2.16.840.1.101.3.4.2.{1,2,3}
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1] => Self::Sha256,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 2] => Self::Sha384,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 3] => Self::Sha512,
            _ => return None,
        })
    }

    /// The digest of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// What a signature algorithm OID says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSA or ECDSA; the digest is named elsewhere (`rsaEncryption`, `id-ecPublicKey` in a SignerInfo).
    KeyOnly,
    /// The combination names the digest.
    With(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// The algorithm that an OID of RFC 3370 §3, RFC 5754 §3 or RFC 3279 §2.2 names.
    pub fn from_oid(oid: Oid<'_>) -> Option<Self> {
        Some(match oid.0 {
            // 1.2.840.113549.1.1.x, PKCS #1
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, scheme] => match scheme {
                1 => Self::KeyOnly,
                5 => Self::With(DigestAlgorithm::Sha1),
                11 => Self::With(DigestAlgorithm::Sha256),
                12 => Self::With(DigestAlgorithm::Sha384),
                13 => Self::With(DigestAlgorithm::Sha512),
                _ => return None,
            },
            // 1.2.840.10045.2.1 id-ecPublicKey
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Self::KeyOnly,
            // 1.2.840.10045.4.3.x ecdsa-with-SHA2
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, scheme] => match scheme {
                2 => Self::With(DigestAlgorithm::Sha256),
                3 => Self::With(DigestAlgorithm::Sha384),
                4 => Self::With(DigestAlgorithm::Sha512),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// A public key of a kind that signs profiles.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA: the `RSAPublicKey` of PKCS #1, DER.
    Rsa(Box<[u8]>),
    /// A point on P-256, uncompressed.
    P256(Box<[u8]>),
    /// A point on P-384, uncompressed.
    P384(Box<[u8]>),
    /// A point on P-521, uncompressed.
    P521(Box<[u8]>),
}

impl PublicKey {
    /// The family's name, for messages.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::P256(_) => "ECDSA P-256",
            Self::P384(_) => "ECDSA P-384",
            Self::P521(_) => "ECDSA P-521",
        }
    }

    /// Whether `signature` over `message` holds under this key.
    ///
    /// # Errors
    /// It does not, or the combination is none that we take.
    pub fn verify(
        &self,
        digest: DigestAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        let (algorithm, key): (&dyn VerificationAlgorithm, &[u8]) = match (self, digest) {
            (Self::Rsa(key), Sha1) => (
                &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                key,
            ),
            (Self::Rsa(key), Sha256) => (&signature::RSA_PKCS1_2048_8192_SHA256, key),
            (Self::Rsa(key), Sha384) => (&signature::RSA_PKCS1_2048_8192_SHA384, key),
            (Self::Rsa(key), Sha512) => (&signature::RSA_PKCS1_2048_8192_SHA512, key),
            (Self::P256(key), Sha256) => (&signature::ECDSA_P256_SHA256_ASN1, key),
            (Self::P256(key), Sha384) => (&signature::ECDSA_P256_SHA384_ASN1, key),
            (Self::P384(key), Sha256) => (&signature::ECDSA_P384_SHA256_ASN1, key),
            (Self::P384(key), Sha384) => (&signature::ECDSA_P384_SHA384_ASN1, key),
            (Self::P521(key), Sha512) => (&signature::ECDSA_P521_SHA512_ASN1, key),
            _ => {
                return Err(SignatureError::Combination {
                    key: self.family(),
                    digest,
                });
            }
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .map_err(|_| SignatureError::Invalid)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family())
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bytes, the key or the signature are not the ones that belong together.
    #[error("the signature does not belong to these bytes and this key")]
    Invalid,
    /// A key and digest that Apple does not combine.
    #[error("a signature by {key} with {digest} is not accepted")]
    Combination {
        /// The key's family.
        key: &'static str,
        /// The digest.
        digest: DigestAlgorithm,
    },
}

impl Explain for SignatureError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }
}
