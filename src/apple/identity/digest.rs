//! Two digests of "which private keys are here".
//!
//! *Canonical* is ours: SHA-256 over the SHA-256 fingerprints of the code-signing leaf certificates whose private keys
//! are in the keychain, sorted and each once, behind a line that names the format. The same keys give the same digest,
//! in whatever order, however often and in whatever language they were listed.
//!
//! *Compatible* is what pipelines in the field already compare: SHA-1 of the very bytes that `security find-identity
//! -v -p codesigning` printed, which is what piping it into `shasum` gives. Order of keychains, the user's language and
//! the calendar (an identity that expires changes its row) leak into it, so it is accepted and never the default.
//! It authenticates nothing: it only tells whether two captures are the same.

use std::collections::BTreeSet;

use crate::base::digest::{Digest, sha1};
use crate::base::ids::CertSha256;

/// The line that precedes the fingerprints: another format gets another line, so that digests of two never meet.
const HEADER: &[u8] = b"countersign identities v1\n";

/// The digest of a set of identities: SHA-256 of `countersign identities v1\n` and the raw fingerprints (32 bytes
/// each) in ascending order, duplicates left out.
pub fn canonical(certificates: impl IntoIterator<Item = CertSha256>) -> Digest {
    let certificates: BTreeSet<CertSha256> = certificates.into_iter().collect();
    let mut bytes = HEADER.to_vec();
    for certificate in &certificates {
        bytes.extend_from_slice(certificate.as_bytes());
    }
    Digest::of(&bytes)
}

/// The digest of a capture: SHA-1 of the raw bytes, line ends and all.
pub fn compatible(captured: &[u8]) -> Digest {
    Digest::Sha1(sha1(captured))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let one = CertSha256::of(b"one");
        let two = CertSha256::of(b"two");
        assert_eq!(canonical([one, two]), canonical([two, one, two]));
        assert_ne!(canonical([one]), canonical([two]));
        assert_ne!(canonical([]), canonical([one]));
    }

    #[test]
    fn the_canonical_bytes_are_the_documented_ones() {
        // printf 'countersign identities v1\n' | sha256sum
        assert_eq!(canonical([]), Digest::of(b"countersign identities v1\n"));
        let mut bytes = b"countersign identities v1\n".to_vec();
        bytes.extend([0x01; 32]);
        bytes.extend([0xff; 32]);
        assert_eq!(
            canonical([
                CertSha256::from_bytes([0xff; 32]),
                CertSha256::from_bytes([0x01; 32])
            ]),
            Digest::of(&bytes)
        );
    }

    #[test]
    fn the_compatible_digest_is_what_shasum_prints() {
        // printf '     0 valid identities found\n' | shasum
        let digest = compatible(b"     0 valid identities found\n");
        assert_eq!(
            digest.to_string(),
            "5b1928434e89a32d46fad6c1de4c5d68475cef67"
        );
    }
}
