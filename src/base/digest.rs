//! Digests of files, and how people write them.
//!
//! Wherever countersign takes a digest from a person or a pipeline it takes three spellings: `sha256:<64 hex>`, bare
//! 64 hex, and 40 hex. The last is what plain `shasum` prints (SHA-1) and is accepted because pipelines in the field
//! already carry it; countersign itself always writes the first. A SHA-1 given by hand compares what a reviewer
//! committed with what lies on disk, it does not authenticate anything by itself.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The digest of a file's bytes, in one of the two algorithms that people paste into pipelines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, with = "String", extend("pattern" = "^(sha256:[0-9a-f]{64}|[0-9a-f]{40})$"))]
pub enum Digest {
    /// SHA-256: what countersign writes, as `sha256:<hex>`.
    Sha256([u8; 32]),
    /// SHA-1: what plain `shasum` prints; accepted, never written.
    Sha1([u8; 20]),
}

impl Digest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::Sha256(sha256(bytes))
    }

    /// Whether `bytes` have this digest, computed with this digest's own algorithm.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.same_algorithm_over(bytes) == *self
    }

    /// The digest of `bytes` in the same algorithm as `self`, for a message that shows both values side by side.
    pub fn same_algorithm_over(&self, bytes: &[u8]) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(sha256(bytes)),
            Self::Sha1(_) => Self::Sha1(sha1(bytes)),
        }
    }
}

/// SHA-256 of `bytes`, raw.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-1 of `bytes`, raw: only for what Apple's tools and `shasum` name by SHA-1.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(bytes) => {
                f.write_str("sha256:")?;
                write_hex(f, bytes)
            }
            Self::Sha1(bytes) => write_hex(f, bytes),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The number of hex digits fits none of the accepted spellings.
    #[error("a digest has 64 hex digits (SHA-256) or 40 (SHA-1), this one has {0}")]
    Length(usize),
    /// A character outside `0-9a-fA-F`.
    #[error("a digest is written in hex digits, this one holds {0:?}")]
    NotHex(char),
    /// `something:` with an algorithm other than `sha256`.
    #[error("unknown digest algorithm {0:?}: write sha256:<64 hex>, 64 hex or 40 hex")]
    Algorithm(String),
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (algorithm, hex) = match text.split_once(':') {
            Some((algorithm, hex)) => (Some(algorithm), hex),
            None => (None, text),
        };
        if let Some(algorithm) = algorithm
            && !algorithm.eq_ignore_ascii_case("sha256")
        {
            return Err(DigestError::Algorithm(algorithm.to_owned()));
        }
        if let Some(bad) = hex.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(DigestError::NotHex(bad));
        }
        match (hex.len(), algorithm) {
            (64, _) => Ok(Self::Sha256(
                decode_hex(hex).ok_or(DigestError::Length(64))?,
            )),
            (40, None) => Ok(Self::Sha1(decode_hex(hex).ok_or(DigestError::Length(40))?)),
            (n, _) => Err(DigestError::Length(n)),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes `bytes` in lower-case hex.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    let text: String = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect();
    f.write_str(&text)
}

/// Decodes exactly `2 × N` hex digits of either case.
pub(crate) fn decode_hex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    if hex.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_three_spellings_of_one_file() {
        let bytes = b"pinned\n";
        let ours = Digest::of(bytes).to_string();
        assert!(ours.parse::<Digest>().unwrap().matches(bytes));
        let bare = ours.strip_prefix("sha256:").unwrap();
        assert!(
            bare.to_uppercase()
                .parse::<Digest>()
                .unwrap()
                .matches(bytes)
        );
        let shasum = Digest::Sha1(sha1(bytes)).to_string();
        assert_eq!(shasum.len(), 40);
        assert!(shasum.parse::<Digest>().unwrap().matches(bytes));
    }

    #[test]
    fn refuses_a_digest_of_the_wrong_length_and_says_the_length() {
        assert_eq!("abcd".parse::<Digest>(), Err(DigestError::Length(4)));
        let sha1_dressed_as_sha256 = format!("sha256:{}", "a".repeat(40));
        assert_eq!(
            sha1_dressed_as_sha256.parse::<Digest>(),
            Err(DigestError::Length(40))
        );
        assert_eq!(
            "é".repeat(32).parse::<Digest>(),
            Err(DigestError::NotHex('é'))
        );
        assert_eq!(
            "md5:00".parse::<Digest>(),
            Err(DigestError::Algorithm("md5".into()))
        );
    }
}
