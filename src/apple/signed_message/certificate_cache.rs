//! The certificates that were read and the links between them that were verified, each once.
//!
//! Profiles share their signer chains, and one developer certificate is in most profiles of its team: in a directory of a
//! thousand there are a handful of distinct certificates.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use crate::apple::certificate::{Certificate, CertificateError};
use crate::base::ids::CertSha256;

/// How many certificates and links are remembered: Apple has a dozen; the bound is for hostile input.
const LIMIT: usize = 4096;

/// The length of a certificate and its last bytes. They belong to its signature, so no two honest certificates share
/// them; the whole is compared before a certificate counts as known. This finds it without hashing all of it.
type Key = (usize, [u8; 16]);

/// What was read and verified before.
#[derive(Debug, Default)]
pub(super) struct CertificateCache {
    certificates: RwLock<HashMap<Key, Arc<Certificate>>>,
    /// Whether the first signed the second.
    links: RwLock<HashMap<(CertSha256, CertSha256), bool>>,
}

impl CertificateCache {
    /// Reads a certificate, or finds it among those read before.
    pub(super) fn certificate(&self, der: &[u8]) -> Result<Arc<Certificate>, CertificateError> {
        let key = match der.last_chunk() {
            Some(end) => (der.len(), *end),
            None => return Certificate::from_der(der).map(Arc::new),
        };
        if let Some(known) = recall(&self.certificates, &key)
            && *known.der == *der
        {
            return Ok(known);
        }
        let certificate = Arc::new(Certificate::from_der(der)?);
        remember(&self.certificates, key, Arc::clone(&certificate));
        Ok(certificate)
    }

    /// Whether `issuer` signed `subject`: computed once for each pair.
    pub(super) fn is_issued_by(&self, subject: &Certificate, issuer: &Certificate) -> bool {
        let key = (issuer.sha256, subject.sha256);
        if let Some(known) = recall(&self.links, &key) {
            return known;
        }
        let holds = subject.verify_issued_by(issuer).is_ok();
        remember(&self.links, key, holds);
        holds
    }
}

fn recall<K: Eq + Hash, V: Clone>(cache: &RwLock<HashMap<K, V>>, key: &K) -> Option<V> {
    // A poisoned cache still holds only finished entries.
    cache
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(key)
        .cloned()
}

/// Remembers a value, unless there is one under this key: the first one stays.
fn remember<K: Eq + Hash, V>(cache: &RwLock<HashMap<K, V>>, key: K, value: V) {
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() < LIMIT {
        cache.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &[u8] = include_bytes!("../roots/AppleIncRootCertificate.cer");

    #[test]
    fn a_known_certificate_is_found_again() {
        let cache = CertificateCache::default();
        let first = cache.certificate(ROOT).unwrap();
        let second = cache.certificate(ROOT).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn bytes_that_end_like_a_known_certificate_are_another_certificate() {
        let cache = CertificateCache::default();
        let first = cache.certificate(ROOT).unwrap();
        let mut altered = ROOT.to_vec();
        // In its name: the same length and the same end.
        let name = b"Apple Root CA";
        let at = ROOT.windows(name.len()).position(|here| here == name);
        altered[at.unwrap()] = b'B';
        let other = cache.certificate(&altered).unwrap();
        assert_eq!(*other.der, *altered);
        assert_ne!(other.sha256, first.sha256);
        assert!(Arc::ptr_eq(&first, &cache.certificate(ROOT).unwrap()));
    }

    #[test]
    fn bytes_too_short_for_a_key_are_read_all_the_same() {
        assert!(CertificateCache::default().certificate(b"short").is_err());
    }

    /// A file of a stranger's fills no memory.
    #[test]
    fn a_cache_has_its_limit() {
        let cache = RwLock::new(HashMap::new());
        for key in 0..=LIMIT {
            remember(&cache, key, ());
        }
        assert_eq!(cache.read().unwrap().len(), LIMIT);
        assert_eq!(recall(&cache, &(LIMIT - 1)), Some(()));
        assert_eq!(recall(&cache, &LIMIT), None);
    }
}
