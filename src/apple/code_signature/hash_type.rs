//! The hash types of a CodeDirectory (`kSecCodeSignatureHash…` in CSCommon.h).

use std::fmt;

use aws_lc_rs::digest;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Digest as _;

/// How the slots of a CodeDirectory are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HashType {
    /// 1: SHA-1, for systems before macOS 10.11.4 and iOS 11.
    Sha1,
    /// 2: SHA-256.
    Sha256,
    /// 3: SHA-256, cut to 20 bytes.
    Sha256Truncated,
    /// 4: SHA-384.
    Sha384,
}

impl HashType {
    /// The type with this number; `None` where no system knows it.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Sha1,
            2 => Self::Sha256,
            3 => Self::Sha256Truncated,
            4 => Self::Sha384,
            _ => return None,
        })
    }

    /// Its number in a CodeDirectory, and in the names of seals (`hash2`).
    pub fn number(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha256Truncated => 3,
            Self::Sha384 => 4,
        }
    }

    /// How many bytes a hash has.
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256Truncated => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// How strong systems hold it: they choose the CodeDirectory with the highest (`hashPriorities` in codedirectory.cpp).
    pub fn strength(self) -> u8 {
        match self {
            Self::Sha1 => 0,
            Self::Sha256Truncated => 1,
            Self::Sha256 => 2,
            Self::Sha384 => 3,
        }
    }

    /// The hash of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The hash of `bytes` before it is cut: what the second signed attribute of a signature holds.
    pub fn whole_hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256Truncated => Self::Sha256.hash(bytes),
            _ => self.hash(bytes),
        }
    }
}

impl fmt::Display for HashType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha256Truncated => "sha256-truncated",
            Self::Sha384 => "sha384",
        })
    }
}

/// A hash in the making.
pub struct Hasher {
    state: State,
    length: usize,
}

enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    // No processor at hand has instructions for it, and here this library's assembly takes a quarter less time than RustCrypto's.
    Sha384(digest::Context),
}

impl Hasher {
    /// Of no bytes yet.
    pub fn new(kind: HashType) -> Self {
        let state = match kind {
            HashType::Sha1 => State::Sha1(sha1::Sha1::new()),
            HashType::Sha256 | HashType::Sha256Truncated => State::Sha256(sha2::Sha256::new()),
            HashType::Sha384 => State::Sha384(digest::Context::new(&digest::SHA384)),
        };
        Self {
            state,
            length: kind.length(),
        }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
        }
    }

    /// The hash of all of them.
    pub fn finish(self) -> Vec<u8> {
        let mut hash = match self.state {
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha384(state) => state.finish().as_ref().to_vec(),
        };
        hash.truncate(self.length);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::hex;

    #[test]
    fn a_cut_hash_is_the_beginning_of_the_whole_one() {
        assert_eq!(
            hex(&HashType::Sha1.hash(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        let whole = hex(&HashType::Sha256.hash(b"abc"));
        assert!(whole.starts_with("ba7816bf8f01cfea"));
        assert_eq!(hex(&HashType::Sha256Truncated.hash(b"abc")), whole[..40]);
        assert_eq!(hex(&HashType::Sha256Truncated.whole_hash(b"abc")), whole);
        assert!(hex(&HashType::Sha384.hash(b"abc")).starts_with("cb00753f45a35e8b"));
        for number in 0..=u8::MAX {
            if let Some(kind) = HashType::from_number(number) {
                assert_eq!(kind.number(), number);
                assert_eq!(kind.hash(b"").len(), kind.length());
            }
        }
    }
}
