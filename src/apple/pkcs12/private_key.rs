//! A private key in its box, and the public key that tells which certificate it belongs to.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair as _,
};
use secrecy::{ExposeSecret as _, SecretSlice};

/// A private key in PKCS#8, zeroed when the last owner drops it; it has no `Display`, no `Serialize`, and a `Debug`
/// that says nothing. Two identities may share one: a renewed certificate often keeps its key.
#[derive(Clone)]
pub struct PrivateKey(Arc<SecretSlice<u8>>);

impl PrivateKey {
    /// Takes over the DER of a PKCS#8 `PrivateKeyInfo`.
    pub fn new(pkcs8: Vec<u8>) -> Self {
        Self(Arc::new(pkcs8.into()))
    }

    /// The key itself, PKCS#8 in DER. Every call is a place where a secret leaves its box.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The public half as a certificate's `subjectPublicKey` holds it: an `RSAPublicKey` or an uncompressed point. The key
    /// was checked to be consistent. `None`: not a kind that signs code (RSA of 2048 to 8192 bits, or P-256, P-384,
    /// P-521), or damaged.
    pub(in crate::apple) fn public_key(&self) -> Option<Vec<u8>> {
        let pkcs8 = self.expose();
        if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
            return Some(pair.public_key().as_ref().to_vec());
        }
        [
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &ECDSA_P384_SHA384_ASN1_SIGNING,
            &ECDSA_P521_SHA512_ASN1_SIGNING,
        ]
        .iter()
        .find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, pkcs8).ok())
        .map(|pair| pair.public_key().as_ref().to_vec())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing_and_rubbish_has_no_public_key() {
        let key = PrivateKey::new(b"not a key".to_vec());
        assert_eq!(format!("{key:?}"), "PrivateKey(…)");
        assert_eq!(key.public_key(), None);
    }
}
