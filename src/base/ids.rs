//! Identifiers. Each is its own type, so that the compiler finds a mix-up.
//!
//! Every type here validates on construction: a value that exists is well-formed. None of them says that the thing it
//! names is trusted; that is what the proof values ([`crate::apple::profile::Profile`] and its like) are for.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::{decode_hex, hex, parse_text, sha1, sha256};
use super::error::{ErrorCode, Explain};
use super::withheld::Text;

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: {rule}")]
pub struct IdError {
    /// The text, cut to a length that fits a message.
    pub text: String,
    /// The identifier it should have been.
    pub what: &'static str,
    /// The rule it broke.
    pub rule: &'static str,
}

impl IdError {
    fn new(text: &str, what: &'static str, rule: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            what,
            rule,
        }
    }
}

impl Explain for IdError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }
}

/// Declares an identifier that is a checked text: construction by `FromStr`, `Display`, serde as a JSON string.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(inline)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        text_id!(@checked $name, $what, $rule, $check);
    };
    (@checked $name:ident, $what:literal, $rule:literal, $check:expr) => {
        impl $name {
            /// Whether the text is one; why it is not.
            pub(crate) fn check(text: &str) -> Result<(), IdError> {
                let check: fn(&str) -> bool = $check;
                match check(text) {
                    true => Ok(()),
                    false => Err(IdError::new(text, $what, $rule)),
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::check(text)?;
                Ok(Self(text.into()))
            }
        }

        text_id!(@serde $name);
    };
    (@serde $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse_text(deserializer)
            }
        }
    };
}

/// Declares an identifier that is a checked text and may be withheld ([`Text`]): its value compares, and what is shown,
/// stored and handed on is what it is shown as.
macro_rules! withheld_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(inline)]
        pub struct $name(#[schemars(with = "String")] Text);

        impl $name {
            /// The text as it was written; of one that is withheld, what is shown in its stead.
            pub fn as_str(&self) -> &str {
                self.0.shown()
            }

            /// What decides, for comparisons alone: see [`Text::revealed`].
            pub fn revealed(&self) -> &str {
                self.0.revealed()
            }

            /// Whether it is withheld, so that it can neither be stored nor handed on.
            pub fn is_withheld(&self) -> bool {
                self.0.is_withheld()
            }

            /// One that is shown as `shown`.
            ///
            /// # Errors
            /// `text` is none. The error does not quote it.
            pub fn withheld(text: &str, shown: &str) -> Result<Self, IdError> {
                match Self::check(text) {
                    Ok(()) => Ok(Self(Text::withheld(text, shown))),
                    Err(_) => Err(IdError::new(shown, $what, $rule)),
                }
            }
        }

        text_id!(@checked $name, $what, $rule, $check);
    };
}

withheld_id!(
    /// A developer team at Apple: ten characters `A-Z0-9` today; the subject OU of its certificates. It can differ from
    /// the prefix of an application identifier, which older accounts got from a pool of their own (TN2311).
    TeamId,
    "team id",
    "1 to 64 ASCII letters and digits, as in QMQYCKL255",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
);

withheld_id!(
    /// The bundle id of one product (`CFBundleIdentifier`): never a pattern.
    BundleId,
    "bundle id",
    "1 to 255 characters of A-Z a-z 0-9 - . _, as in com.example.app",
    |text| (1..=255).contains(&text.len()) && text.bytes().all(is_bundle_id_byte)
);

text_id!(
    /// The name of a target in an Xcode project.
    TargetName,
    "target name",
    "1 to 255 characters, none of them a control character",
    is_plain_name
);

text_id!(
    /// The name of a product without an Xcode project, as the policy declares it.
    ProductName,
    "product name",
    "1 to 255 characters, none of them a control character",
    is_plain_name
);

text_id!(
    /// The name of a build configuration (`Debug`, `Release`, …).
    ConfigurationName,
    "configuration name",
    "1 to 255 characters, none of them a control character",
    is_plain_name
);

text_id!(
    /// A host name as the machine itself tells it; compared whole and without regard to case.
    HostName,
    "host name",
    "1 to 253 characters of A-Z a-z 0-9 - . _",
    |text| (1..=253).contains(&text.len()) && text.bytes().all(is_bundle_id_byte)
);

text_id!(
    /// The name of a region in the policy's topology.
    RegionName,
    "region name",
    "1 to 64 characters of A-Z a-z 0-9 - . _",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(is_bundle_id_byte)
);

impl HostName {
    /// Whether both name the same host: DNS names do not regard case.
    pub fn same_as(&self, other: &HostName) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

fn is_bundle_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn is_plain_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Which bundle ids a profile covers: one bundle id, everything below a prefix (`com.example.*`), or all (`*`).
/// Nothing else is a wildcard (TN3125).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline)]
pub struct BundlePattern(Box<str>);

impl BundlePattern {
    /// The pattern as written in the profile, without the application-identifier prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it ends in the wildcard.
    pub fn is_wildcard(&self) -> bool {
        self.0.ends_with('*')
    }

    /// Whether it covers `bundle_id`. `com.example.*` covers what starts with `com.example.`, not `com.example` itself.
    pub fn covers(&self, bundle_id: &BundleId) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => {
                let bundle_id = bundle_id.revealed();
                bundle_id.len() > prefix.len() && bundle_id.starts_with(prefix)
            }
            None => *self.0 == *bundle_id.revealed(),
        }
    }

    /// How closely it fits whatever it covers: exact patterns above wildcards, longer prefixes above shorter.
    pub fn specificity(&self) -> (bool, usize) {
        (!self.is_wildcard(), self.0.len())
    }
}

impl FromStr for BundlePattern {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let literal = match text.strip_suffix('*') {
            Some(prefix) if prefix.is_empty() || prefix.ends_with('.') => prefix,
            Some(_) => "*",
            None if text.is_empty() => "*",
            None => text,
        };
        if literal.len() <= 255 && literal.bytes().all(is_bundle_id_byte) {
            Ok(Self(text.into()))
        } else {
            Err(IdError::new(
                text,
                "bundle id pattern",
                "a bundle id, a prefix ending in .*, or * alone",
            ))
        }
    }
}

text_id!(@serde BundlePattern);

text_id!(
    /// The id of an API key of App Store Connect, as its file is called by: `AuthKey_2X9R4HXF34.p8`.
    ApiKeyId,
    "key id",
    "10 characters A-Z 0-9, as in 2X9R4HXF34",
    |text| text.len() == 10
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
);

text_id!(
    /// The issuer of the API keys of a team at App Store Connect: a UUID.
    IssuerId,
    "issuer id",
    "a UUID, as in 57246542-96fe-1a63-e053-0824d011072a",
    is_uuid
);

/// Whether a text is a UUID: 32 hex digits in five groups.
fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// The UUID of a provisioning profile, spelled as its file spells it; compared without regard to case, because Xcode
/// and build settings mix both.
///
/// A gate compares UUIDs all the time, so the number that the digits are is kept beside them. The digits stand in fixed places, so
/// numbers are in the order of the texts.
#[derive(Clone, JsonSchema)]
#[schemars(inline, with = "String", extend("format" = "uuid"))]
pub struct ProfileUuid {
    number: u128,
    text: Box<str>,
}

impl ProfileUuid {
    /// The spelling of the profile itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for ProfileUuid {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if !is_uuid(text) {
            return Err(IdError::new(
                text,
                "profile UUID",
                "32 hex digits in groups of 8-4-4-4-12",
            ));
        }
        let digits = text.chars().filter_map(|digit| digit.to_digit(16));
        Ok(Self {
            number: digits.fold(0, |number, digit| (number << 4) | u128::from(digit)),
            text: text.into(),
        })
    }
}

impl PartialEq for ProfileUuid {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for ProfileUuid {}
impl PartialOrd for ProfileUuid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ProfileUuid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}
impl Hash for ProfileUuid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}
impl fmt::Debug for ProfileUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
text_id!(@serde ProfileUuid);

/// Declares a hash that names a thing, written in hex.
macro_rules! fingerprint {
    ($(#[$doc:meta])* $name:ident, $len:literal, $hash:ident, $what:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
        #[schemars(inline, extend("pattern" = format!("^[0-9a-f]{{{}}}$", 2 * $len)))]
        pub struct $name(#[schemars(with = "String")] [u8; $len]);

        impl $name {
            /// The hash of these bytes: for a certificate, its DER encoding.
            pub fn of(bytes: &[u8]) -> Self {
                Self($hash(bytes))
            }

            /// Takes a hash that was computed elsewhere (an inner profile layer lists certificates by hash).
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw hash.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The first bytes as a number, which orders hashes as their bytes do.
            pub fn leading(&self) -> u64 {
                self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
            }
        }

        impl Ord for $name {
            /// The order of their bytes. Where thousands are looked up, a call for each comparison is most of the cost, and
            /// the first bytes nearly always decide.
            fn cmp(&self, other: &Self) -> Ordering {
                let by_leading = self.leading().cmp(&other.leading());
                by_leading.then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            /// Hex of either case, with or without the colons that OpenSSL prints.
            fn from_str(text: &str) -> Result<Self, IdError> {
                decode_hex(text)
                    .or_else(|| decode_hex(&text.replace(':', "")))
                    .map(Self)
                    .ok_or_else(|| IdError::new(text, $what, $rule))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&hex(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse_text(deserializer)
            }
        }
    };
}

fingerprint!(
    /// SHA-256 of a certificate's DER encoding: how countersign names certificates.
    CertSha256, 32, sha256, "SHA-256 certificate fingerprint", "64 hex digits"
);

fingerprint!(
    /// SHA-1 of a certificate's DER encoding: how `security find-identity` and Xcode name certificates.
    CertSha1, 20, sha1, "SHA-1 certificate fingerprint", "40 hex digits"
);

fingerprint!(
    /// SHA-256 of a whole file's bytes.
    FileSha256, 32, sha256, "SHA-256 of a file", "64 hex digits"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_apple_says_and_nothing_else() {
        let covers = |pattern: &str, id: &str| {
            pattern
                .parse::<BundlePattern>()
                .unwrap()
                .covers(&id.parse().unwrap())
        };
        assert!(covers("com.example.app", "com.example.app"));
        assert!(!covers("com.example.app", "com.example.app.share"));
        assert!(covers("com.example.*", "com.example.app.share"));
        assert!(!covers("com.example.*", "com.example"));
        assert!(!covers("com.example.*", "com.exampleapp"));
        assert!(covers("*", "anything"));
    }

    #[test]
    fn fingerprints_are_in_the_order_of_their_bytes() {
        let mut all: Vec<[u8; 20]> = Vec::new();
        for at in [0, 7, 8, 19] {
            for byte in [1, 0x7f, 0x80, 0xff] {
                let mut bytes = [9; 20];
                bytes[at] = byte;
                all.push(bytes);
            }
        }
        for a in &all {
            for b in &all {
                let fingerprints = CertSha1::from_bytes(*a).cmp(&CertSha1::from_bytes(*b));
                assert_eq!(fingerprints, a.cmp(b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_star_elsewhere_is_not_a_pattern() {
        for bad in ["com.*.app", "com.exam*", "**", "", "com.example.*.", "a b"] {
            assert!(bad.parse::<BundlePattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn exact_beats_wildcard_and_longer_beats_shorter() {
        let specificity = |p: &str| p.parse::<BundlePattern>().unwrap().specificity();
        assert!(specificity("com.a") > specificity("com.example.long.*"));
        assert!(specificity("com.example.*") > specificity("com.*"));
        assert!(specificity("com.*") > specificity("*"));
    }

    #[test]
    fn uuids_compare_without_case_and_keep_their_spelling() {
        let lower: ProfileUuid = "026760ef-f2cd-4ba8-bf44-a3697149965e".parse().unwrap();
        let upper: ProfileUuid = "026760EF-F2CD-4BA8-BF44-A3697149965E".parse().unwrap();
        assert_eq!(lower, upper);
        assert_eq!(upper.to_string(), "026760EF-F2CD-4BA8-BF44-A3697149965E");
        assert!("../../etc/passwd".parse::<ProfileUuid>().is_err());
        assert!(
            "026760ef-f2cd-4ba8-bf44-a3697149965/"
                .parse::<ProfileUuid>()
                .is_err()
        );
    }

    #[test]
    fn uuids_are_in_the_order_of_their_texts_in_one_case() {
        let texts = [
            "00000000-0000-0000-0000-00000000000A",
            "00000000-0000-0000-0000-0000000000a0",
            "0fffffff-ffff-FFFF-ffff-ffffffffffff",
            "9fffffff-0000-0000-0000-000000000000",
            "A0000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-fffffffffffe",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        ];
        let uuids = texts.map(|text| text.parse::<ProfileUuid>().unwrap());
        assert!(uuids.is_sorted_by(|a, b| a < b), "{uuids:?}");
    }

    #[test]
    fn fingerprints_read_openssl_and_security_spellings() {
        let plain: CertSha1 = "1111222233334444555566667777888899990000".parse().unwrap();
        let colons: CertSha1 = "11:11:22:22:33:33:44:44:55:55:66:66:77:77:88:88:99:99:00:00"
            .parse()
            .unwrap();
        assert_eq!(plain, colons);
        assert!(
            "9XXXXX304D7307XXXX981678FAXXXX50AA5XXX08"
                .parse::<CertSha1>()
                .is_err()
        );
    }
}
