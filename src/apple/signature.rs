//! Whether one signature over some bytes holds under one public key, for all of Apple's formats.
//!
//! RSA is PKCS#1 v1.5 with 2,048 to 8,192 bits, ECDSA is on P-256, P-384 or P-521 with DER signatures: what Apple's
//! profile and developer certificates use. SHA-1 is taken with RSA alone, because the outer layer of every real profile
//! is signed that way; whether it suffices is decided by the caller, who knows the layer.

use std::fmt;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sha2::Digest as _;

use super::algorithm::{AlgorithmIdentifier, Parameters};
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

/// A family of signatures, and of the keys that make them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFamily {
    /// RSA with PKCS #1 v1.5 padding.
    Rsa,
    /// ECDSA.
    Ecdsa,
}

impl fmt::Display for SignatureFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        })
    }
}

/// What a signature algorithm OID says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// The family: the key must be of it.
    pub family: SignatureFamily,
    /// The digest; `None` where it is named elsewhere (`rsaEncryption`, `id-ecPublicKey` in a SignerInfo).
    pub digest: Option<DigestAlgorithm>,
}

impl SignatureAlgorithm {
    /// The algorithm that an OID of RFC 3370 §3, RFC 5754 §3 or RFC 3279 §2.2 names.
    pub fn from_oid(oid: Oid<'_>) -> Option<Self> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        let (family, digest) = match oid.0 {
            // 1.2.840.113549.1.1.x, PKCS #1
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, scheme] => {
                let digest = match scheme {
                    1 => None,
                    5 => Some(Sha1),
                    11 => Some(Sha256),
                    12 => Some(Sha384),
                    13 => Some(Sha512),
                    _ => return None,
                };
                (SignatureFamily::Rsa, digest)
            }
            // 1.2.840.10045.2.1 id-ecPublicKey
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => (SignatureFamily::Ecdsa, None),
            // 1.2.840.10045.4.3.x ecdsa-with-SHA2
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, scheme] => {
                let digest = match scheme {
                    2 => Sha256,
                    3 => Sha384,
                    4 => Sha512,
                    _ => return None,
                };
                (SignatureFamily::Ecdsa, Some(digest))
            }
            _ => return None,
        };
        Some(Self { family, digest })
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
    /// The key in a SubjectPublicKeyInfo with this algorithm and these bytes, if it is of a kind that signs profiles.
    pub fn new(algorithm: AlgorithmIdentifier<'_>, bytes: &[u8]) -> Option<Self> {
        match (algorithm.algorithm.0, algorithm.parameters) {
            // 1.2.840.113549.1.1.1 rsaEncryption
            ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], Parameters::None) => {
                Some(Self::Rsa(bytes.into()))
            }
            // 1.2.840.10045.2.1 id-ecPublicKey
            ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], Parameters::Oid(curve)) => match curve.0 {
                // 1.2.840.10045.3.1.7 prime256v1
                [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Some(Self::P256(bytes.into())),
                // 1.3.132.0.{34,35} secp384r1, secp521r1
                [0x2b, 0x81, 0x04, 0x00, 0x22] => Some(Self::P384(bytes.into())),
                [0x2b, 0x81, 0x04, 0x00, 0x23] => Some(Self::P521(bytes.into())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The signatures that it makes.
    pub fn family(&self) -> SignatureFamily {
        match self {
            Self::Rsa(_) => SignatureFamily::Rsa,
            Self::P256(_) | Self::P384(_) | Self::P521(_) => SignatureFamily::Ecdsa,
        }
    }

    /// Its name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::P256(_) => "ECDSA P-256",
            Self::P384(_) => "ECDSA P-384",
            Self::P521(_) => "ECDSA P-521",
        }
    }

    /// Whether `signature` of this family over `message` holds under this key.
    ///
    /// # Errors
    /// It does not, the family is another key's, or the combination is none that we take.
    pub fn verify(
        &self,
        family: SignatureFamily,
        digest: DigestAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        if family != self.family() {
            return Err(SignatureError::Family {
                key: self.name(),
                signature: family,
            });
        }
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
                    key: self.name(),
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
        f.write_str(self.name())
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bytes, the key or the signature are not the ones that belong together.
    #[error("the signature does not belong to these bytes and this key")]
    Invalid,
    /// The algorithm of the signature is one of other keys.
    #[error("{signature} signatures are not made by a key of {key}")]
    Family {
        /// The key's name.
        key: &'static str,
        /// What the signature says that it is.
        signature: SignatureFamily,
    },
    /// A key and digest that Apple does not combine.
    #[error("a signature by {key} with {digest} is not accepted")]
    Combination {
        /// The key's name.
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
