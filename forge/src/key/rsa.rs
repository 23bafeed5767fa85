//! RSA keys grown from a label, and PKCS#1 v1.5 with SHA-1: what aws-lc-rs refuses to make and Apple's outer layers
//! are.
//!
//! The two primes are the first ones at or above two 1024-bit numbers that grow from the label.

use std::collections::HashMap;
use std::sync::Mutex;

use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};

use super::super::{der, stream};
use super::Hash;

/// An RSA private key.
pub struct RsaKey {
    key: RsaPrivateKey,
    /// What it signed, by what was signed: a product that is signed again with one flaw repeats most of it.
    signed: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl RsaKey {
    /// The key of `label`.
    pub fn grow(label: &str) -> RsaKey {
        let exponent = BigUint::from(65537u32);
        let p = prime_from(start(label, "p"), &exponent);
        let q = prime_from(start(label, "q"), &exponent);
        RsaKey {
            key: RsaPrivateKey::from_p_q(p, q, exponent).unwrap(),
            signed: Mutex::default(),
        }
    }

    /// A PKCS#1 v1.5 signature.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let digest = hash.digest(message);
        // DigestInfo up to the digest itself (RFC 8017 §9.2 note 1).
        let info = der::sequence([der::algorithm_null(hash.oid()), der::octets(&digest)]);
        if let Some(signature) = self.signed.lock().unwrap().get(&info) {
            return signature.clone();
        }
        let padding = Pkcs1v15Sign {
            hash_len: Some(digest.len()),
            prefix: info[..info.len() - digest.len()].into(),
        };
        let signature = self.key.sign(padding, &digest).unwrap();
        self.signed.lock().unwrap().insert(info, signature.clone());
        signature
    }

    /// `RSAPublicKey`.
    pub fn public(&self) -> Vec<u8> {
        der::sequence([
            der::unsigned(&self.key.n().to_bytes_be()),
            der::unsigned(&self.key.e().to_bytes_be()),
        ])
    }

    /// `RSAPrivateKey`.
    pub fn private(&self) -> Vec<u8> {
        let key = &self.key;
        let one = BigUint::from(1u32);
        let (p, q) = (&key.primes()[0], &key.primes()[1]);
        let coefficient = q.modpow(&(p - BigUint::from(2u32)), p);
        let numbers = [
            key.n(),
            key.e(),
            key.d(),
            p,
            q,
            &(key.d() % (p - &one)),
            &(key.d() % (q - &one)),
            &coefficient,
        ]
        .map(|number| der::unsigned(&number.to_bytes_be()));
        der::sequence(std::iter::once(der::integer(0)).chain(numbers))
    }
}

/// Where the search for a prime begins: odd, and so large that two of them always give 2048 bits.
fn start(label: &str, which: &str) -> BigUint {
    let mut raw = stream::bytes(&format!("rsa {which} of {label}"), 128);
    raw[0] |= 0xc0;
    raw[127] |= 1;
    BigUint::from_bytes_be(&raw)
}

/// The first prime from there on that the exponent allows.
fn prime_from(start: BigUint, exponent: &BigUint) -> BigUint {
    let sieve: Vec<u32> = (3..2000u32)
        .filter(|n| (2..*n).all(|d| n % d != 0))
        .collect();
    let rest = |prime: &u32| {
        let rest = (&start % prime).to_bytes_be();
        rest.iter()
            .fold(0, |rest, byte| rest << 8 | u32::from(*byte))
    };
    let rests: Vec<u32> = sieve.iter().map(rest).collect();
    (0..)
        .filter(|step| {
            let mut small = sieve.iter().zip(&rests);
            small.all(|(prime, rest)| (rest + 2 * step) % prime != 0)
        })
        .map(|step: u32| &start + BigUint::from(2 * step))
        .find(|candidate| is_prime(candidate) && candidate % exponent != BigUint::from(1u32))
        .unwrap()
}

/// Miller–Rabin with a few fixed bases: for numbers nobody chose in order to deceive, one would do.
fn is_prime(candidate: &BigUint) -> bool {
    let one = BigUint::from(1u32);
    let minus_one = candidate - &one;
    let mut odd = minus_one.clone();
    let mut twos = 0;
    while &odd % 2u32 == BigUint::from(0u32) {
        odd >>= 1;
        twos += 1;
    }
    [2u32, 3, 5, 7].iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, candidate);
        if power == one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % candidate;
            power == minus_one
        })
    })
}
