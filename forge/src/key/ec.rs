//! ECDSA keys grown from a label, signing with the nonces of RFC 6979.
//!
//! aws-lc-rs multiplies points but signs at random, so the nonce goes through it as if it were a private key: the `x`
//! of its public key is `r`. The rest is arithmetic modulo the group order.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use rsa::BigUint;

use super::super::{der, stream};
use super::Hash;

/// A curve of Apple's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// prime256v1: intermediate and leaf of the inner layer.
    P256,
    /// secp384r1: Apple Root CA - G3.
    P384,
}

impl Curve {
    /// Bytes of a scalar or coordinate.
    pub fn width(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// The `AlgorithmIdentifier` of its public keys.
    pub fn algorithm(self) -> Vec<u8> {
        let curve = match self {
            Self::P256 => "1.2.840.10045.3.1.7",
            Self::P384 => "1.3.132.0.34",
        };
        der::sequence([der::oid("1.2.840.10045.2.1"), der::oid(curve)])
    }

    /// The order of its group (SEC 2).
    fn order(self) -> BigUint {
        let hex: &[u8] = match self {
            Self::P256 => b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
            Self::P384 => {
                b"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
            }
        };
        BigUint::parse_bytes(hex, 16).unwrap()
    }

    /// The uncompressed public point of a private scalar.
    fn point(self, scalar: &BigUint) -> Vec<u8> {
        let algorithm = match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        };
        // ECPrivateKey (RFC 5915) without the public key, which the library then computes.
        let private = der::sequence([der::integer(1), der::octets(self.fixed(scalar))]);
        let info = der::sequence([der::integer(0), self.algorithm(), der::octets(private)]);
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, &info).unwrap();
        pair.public_key().as_ref().to_vec()
    }

    /// A scalar in as many bytes as the curve has.
    fn fixed(self, scalar: &BigUint) -> Vec<u8> {
        let bytes = scalar.to_bytes_be();
        let mut out = vec![0; self.width() - bytes.len()];
        out.extend(bytes);
        out
    }

    /// The leftmost bits of a digest, as many as the curve has (RFC 6979 §2.3.2).
    fn leftmost(self, digest: &[u8]) -> BigUint {
        BigUint::from_bytes_be(&digest[..digest.len().min(self.width())])
    }
}

/// The `ecdsa-with-…` of a digest.
pub fn signature_oid(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "1.2.840.10045.4.1",
        Hash::Sha256 => "1.2.840.10045.4.3.2",
        Hash::Sha384 => "1.2.840.10045.4.3.3",
    }
}

/// An ECDSA private key.
pub struct EcKey {
    /// Its curve.
    pub curve: Curve,
    scalar: BigUint,
    point: Vec<u8>,
}

impl EcKey {
    /// The key of `label`.
    pub fn grow(curve: Curve, label: &str) -> EcKey {
        let raw = stream::bytes(&format!("ec scalar of {label}"), curve.width());
        Self::from_scalar(curve, BigUint::from_bytes_be(&raw) % curve.order())
    }

    /// The key of a private scalar in hex: for test vectors.
    pub fn from_hex(curve: Curve, hex: &str) -> EcKey {
        Self::from_scalar(curve, BigUint::parse_bytes(hex.as_bytes(), 16).unwrap())
    }

    fn from_scalar(curve: Curve, scalar: BigUint) -> EcKey {
        let point = curve.point(&scalar);
        EcKey {
            curve,
            scalar,
            point,
        }
    }

    /// The public key: an uncompressed point.
    pub fn public(&self) -> Vec<u8> {
        self.point.clone()
    }

    /// `ECPrivateKey`, with the public key in it.
    pub fn private(&self) -> Vec<u8> {
        der::sequence([
            der::integer(1),
            der::octets(self.curve.fixed(&self.scalar)),
            der::context(1, der::bits(&self.point)),
        ])
    }

    /// `Ecdsa-Sig-Value` over `message`.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let (r, s) = self.sign_numbers(hash, message);
        der::sequence([der::unsigned(&r), der::unsigned(&s)])
    }

    /// The two numbers of the signature, each as wide as the curve.
    pub fn sign_numbers(&self, hash: Hash, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let order = self.curve.order();
        let digest = hash.digest(message);
        let nonce = self.nonce(hash, &digest);
        let x = &self.curve.point(&nonce)[1..=self.curve.width()];
        let r = BigUint::from_bytes_be(x) % &order;
        // The order is prime, so that Fermat inverts.
        let inverse = nonce.modpow(&(&order - BigUint::from(2u32)), &order);
        let s = inverse * (self.curve.leftmost(&digest) + &r * &self.scalar) % &order;
        (self.curve.fixed(&r), self.curve.fixed(&s))
    }

    /// The nonce of RFC 6979 §3.2.
    fn nonce(&self, hash: Hash, digest: &[u8]) -> BigUint {
        let algorithm = match hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        };
        let mac = |key: &[u8], parts: &[&[u8]]| -> Vec<u8> {
            hmac::sign(&hmac::Key::new(algorithm, key), &parts.concat())
                .as_ref()
                .to_vec()
        };
        let order = self.curve.order();
        let secret = self.curve.fixed(&self.scalar);
        let reduced = self.curve.fixed(&(self.curve.leftmost(digest) % &order));
        let mut value = vec![1; digest.len()];
        let mut key = vec![0; digest.len()];
        key = mac(&key, &[&value, &[0], &secret, &reduced]);
        value = mac(&key, &[&value]);
        key = mac(&key, &[&value, &[1], &secret, &reduced]);
        value = mac(&key, &[&value]);
        loop {
            let mut candidate = Vec::new();
            while candidate.len() < self.curve.width() {
                value = mac(&key, &[&value]);
                candidate.extend_from_slice(&value);
            }
            let nonce = self.curve.leftmost(&candidate);
            if nonce != BigUint::from(0u32) && nonce < order {
                return nonce;
            }
            key = mac(&key, &[&value, &[0]]);
            value = mac(&key, &[&value]);
        }
    }
}
