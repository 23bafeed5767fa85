//! Digests of files, and how people write them.
//!
//! Wherever countersign takes a digest from a person or a pipeline it takes three spellings: `sha256:<64 hex>`, bare
//! 64 hex, and 40 hex. The last is what plain `shasum` prints (SHA-1) and is accepted because pipelines in the field
//! already carry it; countersign itself always writes the first. A SHA-1 given by hand compares what a reviewer
//! committed with what lies on disk, it does not authenticate anything by itself.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::error::{ErrorCode, Explain};

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

    /// Whether it is the digest of no bytes: what `… | shasum` prints where the command before it failed and printed nothing.
    /// No file that countersign reads may be empty, so nothing right has this digest.
    pub fn is_of_nothing(&self) -> bool {
        self.matches(&[])
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
    #[cfg(debug_assertions)]
    HASHED.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    Sha256::digest(bytes).into()
}

/// SHA-256 of the first `split` bytes, and of all of them; every byte is hashed once.
pub fn sha256_of_start_and_whole(bytes: &[u8], split: usize) -> ([u8; 32], [u8; 32]) {
    #[cfg(debug_assertions)]
    HASHED.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    let (start, rest) = bytes.split_at_checked(split).unwrap_or((bytes, &[]));
    let mut hash = Sha256::new();
    hash.update(start);
    let of_start = hash.clone().finalize().into();
    hash.update(rest);
    (of_start, hash.finalize().into())
}

/// SHA-256 of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Sha256Stream(Sha256);

impl Sha256Stream {
    /// The next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        #[cfg(debug_assertions)]
        HASHED.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        Digest::Sha256(self.0.finalize().into())
    }
}

#[cfg(debug_assertions)]
static HASHED: AtomicU64 = AtomicU64::new(0);

/// How many bytes this process has put into SHA-256 here. Only builds with debug assertions count them: a test holds that
/// no file is hashed twice.
#[cfg(debug_assertions)]
pub fn bytes_hashed() -> u64 {
    HASHED.load(Ordering::Relaxed)
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
                f.write_str(&hex(bytes))
            }
            Self::Sha1(bytes) => f.write_str(&hex(bytes)),
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
    /// No text: a command that should print a digest printed nothing.
    #[error("the digest is empty: the command that should print it printed nothing")]
    Empty,
    /// A digest and the name of its file, as `shasum` prints them.
    #[error("a digest stands alone, but text follows this one: cut it off with `| cut -d' ' -f1`")]
    Followed,
    /// The number of hex digits fits none of the accepted spellings.
    #[error("a digest has 64 hex digits (SHA-256) or 40 (SHA-1), but this one has {0}")]
    Length(usize),
    /// A character outside `0-9a-fA-F`.
    #[error("a digest holds only hex digits, but this one holds {0:?}")]
    NotHex(char),
    /// `something:` with an algorithm other than `sha256`.
    #[error("unknown digest algorithm {0:?}")]
    Algorithm(String),
}

impl Explain for DigestError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("write sha256:<64 hex>, 64 hex or 40 hex".to_owned())
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DigestError::Empty);
        }
        if let Some((digest, _)) = text.split_once(char::is_whitespace)
            && digest.parse::<Self>().is_ok()
        {
            return Err(DigestError::Followed);
        }
        let (algorithm, hex) = match text.split_once(':') {
            Some((algorithm, hex)) => (Some(algorithm), hex),
            None => (None, text),
        };
        if let Some(algorithm) = algorithm
            && !algorithm.eq_ignore_ascii_case("sha256")
        {
            return Err(DigestError::Algorithm(algorithm.to_owned()));
        }
        let decoded = match (hex.len(), algorithm) {
            (64, _) => decode_hex(hex).map(Self::Sha256),
            (40, None) => decode_hex(hex).map(Self::Sha1),
            _ => None,
        };
        decoded.ok_or_else(|| match hex.chars().find(|c| !c.is_ascii_hexdigit()) {
            Some(bad) => DigestError::NotHex(bad),
            None => DigestError::Length(hex.len()),
        })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer)
    }
}

/// `bytes` in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(hex_of_half(byte >> 4)));
        text.push(char::from(hex_of_half(byte & 0xf)));
    }
    text
}

/// Whether `text` is `bytes` in lower-case hex.
pub(crate) fn is_hex_of(text: &[u8], bytes: &[u8; 32]) -> bool {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (hex_of_half(byte >> 4), hex_of_half(byte & 0xf));
        }
    }
    text == digits
}

fn hex_of_half(half: u8) -> u8 {
    half + if half < 10 { b'0' } else { b'a' - 10 }
}

/// Decodes exactly `2 × N` hex digits of either case.
pub(crate) fn decode_hex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode_hex_into(hex, &mut bytes)?;
    Some(bytes)
}

/// Decodes hex digits of either case, two a byte.
pub(crate) fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; hex.len() / 2];
    decode_hex_into(hex, &mut bytes)?;
    Some(bytes)
}

fn decode_hex_into(hex: &str, bytes: &mut [u8]) -> Option<()> {
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(())
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Reads a JSON string into a type that is made from text, through its only door and without a copy of the text.
pub(crate) fn parse_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
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
    fn hex_is_read_in_either_case_and_written_in_lower_case() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = hex(&bytes);
        assert_eq!(bytes_of_hex(&text).unwrap(), bytes);
        assert_eq!(bytes_of_hex(&text.to_uppercase()).unwrap(), bytes);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        for bad in ["0", "0g", "g0", "/0", ":0", "@0", "`0", "+1", " 1", "é"] {
            assert_eq!(bytes_of_hex(bad), None, "{bad:?}");
        }
        assert_eq!(decode_hex::<1>("0001"), None);
        let digest = sha256(b"");
        let text = hex(&digest);
        assert!(is_hex_of(text.as_bytes(), &digest));
        let [upper, longer] = [text.to_uppercase(), format!("{text}0")];
        for bad in [&upper, &longer, &text[1..], ""] {
            assert!(!is_hex_of(bad.as_bytes(), &digest), "{bad}");
        }
    }

    #[test]
    fn a_start_and_the_whole_are_hashed_as_each_alone() {
        let bytes: Vec<u8> = (0..200).collect();
        for split in [0, 1, 55, 56, 63, 64, 65, 199, 200] {
            let both = sha256_of_start_and_whole(&bytes, split);
            assert_eq!(both, (sha256(&bytes[..split]), sha256(&bytes)), "{split}");
            let mut stream = Sha256Stream::default();
            stream.update(&bytes[..split]);
            stream.update(&bytes[split..]);
            assert_eq!(stream.finish(), Digest::of(&bytes));
        }
    }

    #[test]
    fn json_holds_a_digest_as_a_string_and_nothing_else() {
        let digest = Digest::of(b"pinned\n");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        let value = serde_json::to_value(digest).unwrap();
        assert_eq!(serde_json::from_value::<Digest>(value).unwrap(), digest);
        for bad in ["7", "null", "[1]", r#"{"Sha256":[0]}"#, r#""abcd""#] {
            assert!(serde_json::from_str::<Digest>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_digests_of_nothing_are_known_in_each_spelling() {
        // shasum </dev/null; shasum -a 256 </dev/null
        for nothing in [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert!(
                nothing.parse::<Digest>().unwrap().is_of_nothing(),
                "{nothing}"
            );
        }
        assert!(!Digest::of(b"\n").is_of_nothing());
        assert!(!Digest::Sha1([0; 20]).is_of_nothing());
    }

    #[test]
    fn a_text_that_no_pipeline_meant_as_a_digest_is_told_with_the_reason() {
        let followed = format!("{}  manifests/profiles.json\n", "a".repeat(64));
        assert_eq!(followed.parse::<Digest>(), Err(DigestError::Followed));
        assert_eq!(" \n".parse::<Digest>(), Err(DigestError::Empty));
        assert_eq!("ab cd".parse::<Digest>(), Err(DigestError::NotHex(' ')));
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
