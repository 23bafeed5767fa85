//! Reading the bytes that freezing writes, in one pass.
//!
//! A manifest has one form. So what is read need not be written again to compare it: this reader takes each line break, blank
//! and spelling for what freezing writes there, and gives up at the first that is another one. A manifest that it read is
//! frozen. Of one that it gave up on it says nothing: then the general reader of JSON finds out what is wrong, or finds a
//! form that is too rare to be known here.
//!
//! Builds with debug assertions compare all the same, so every test of the manifest holds this reader to its promise.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use memchr::{memchr2, memmem};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::archive::PinnedArchive;
use super::content::Content;
use super::entry::{PinnedCertificate, PinnedProfile, PinnedTarget};
use super::product::PinnedProduct;
use super::version::Version;
use crate::apple::entitlements::Entitlements;
use crate::apple::value::{DATA_KEY, MAX_DEPTH, Value};
use crate::base::parallel;

/// What these bytes say, if they are what freezing writes of it. `None` says nothing.
pub(super) fn read(bytes: &[u8]) -> Option<Content> {
    let mut reader = Reader {
        rest: std::str::from_utf8(bytes).ok()?,
    };
    let content = reader.content()?;
    reader.rest.is_empty().then_some(content)
}

/// What is not read yet. Every method reads something just behind what was read before, or gives up.
struct Reader<'a> {
    rest: &'a str,
}

/// The fewest bytes of an entry of a profile that is usual.
const SHORTEST: usize = 1024;

/// So few entries are not worth a second thread.
const FEW: usize = 64;

/// The last line of an entry of the list of profiles. Nothing inside of one is indented as little, and no text holds a bare
/// line feed.
const END_OF_ENTRY: &[u8] = b"\n    }";

/// How long the first lines of a certificate are, to the end of its SHA-256.
const NAME_OF_CERTIFICATE: usize = 87;

/// Certificates that were read, with their text, by how it begins.
type Certificates<'a> = HashMap<&'a str, (&'a str, Arc<PinnedCertificate>)>;

/// How a line begins, at any depth that is read.
const LINE: &str =
    "\n                                                                                ";

impl<'a> Reader<'a> {
    fn content(&mut self) -> Option<Content> {
        let version = Version::of_schema(&self.text_behind("{\n  \"schema\": \"")?)?;
        let is_first = version == Version::First;
        Some(Content {
            version,
            revision: self.number_behind(",\n  \"revision\": ")?,
            profiles: {
                self.skip(",\n  \"profiles\": ")?;
                self.profiles()?
            },
            archive: match is_first {
                true => None,
                false => self.archive()?,
            },
            targets: {
                self.skip(",\n  \"targets\": ")?;
                self.list(1, Self::target)?
            },
            products: {
                let products = match is_first {
                    true => Vec::new(),
                    false => {
                        self.skip(",\n  \"products\": ")?;
                        self.list(1, Self::product)?
                    }
                };
                self.skip("\n}\n")?;
                products
            },
        })
    }

    fn archive(&mut self) -> Option<Option<PinnedArchive>> {
        self.skip(",\n  \"archive\": ")?;
        if self.skip("null").is_some() {
            return Some(None);
        }
        Some(Some(PinnedArchive {
            scheme: {
                self.skip("{\n    \"scheme\": ")?;
                match self.skip("null") {
                    Some(()) => None,
                    None => Some(self.text_behind("\"")?.into()),
                }
            },
            configurations: {
                self.skip(",\n    \"configurations\": ")?;
                self.list(2, |reader| reader.parsed_behind("\""))?
            },
            unmapped: {
                self.skip(",\n    \"unmapped\": ")?;
                let unmapped = self.list(2, |reader| reader.parsed_behind("\""))?;
                self.skip("\n  }")?;
                unmapped
            },
        }))
    }

    fn product(&mut self) -> Option<PinnedProduct> {
        Some(PinnedProduct {
            name: self.parsed_behind("{\n      \"name\": \"")?,
            bundle_id: self.parsed_behind(",\n      \"bundle_id\": \"")?,
            entitlements: self.text_behind(",\n      \"entitlements\": \"")?.into(),
            profile: self.parsed_behind(",\n      \"profile\": \"")?,
            certificate: {
                let certificate = self.hex_behind(",\n      \"certificate\": \"")?;
                self.skip("\n    }")?;
                certificate
            },
        })
    }

    /// The list of profiles, on every core: where an entry ends is told by how little its last line is indented.
    fn profiles(&mut self) -> Option<Vec<PinnedProfile>> {
        if self.skip("[]").is_some() {
            return Some(Vec::new());
        }
        self.skip("[")?;
        // A list that grows is copied again and again.
        let mut entries: Vec<&str> = Vec::with_capacity(self.rest.len() / SHORTEST);
        let end_of_entry = memmem::Finder::new(END_OF_ENTRY);
        loop {
            self.line(2)?;
            let end = end_of_entry.find(self.rest.as_bytes())? + END_OF_ENTRY.len();
            let (entry, rest) = self.rest.split_at_checked(end)?;
            entries.push(entry);
            self.rest = rest;
            if self.skip(",").is_none() {
                break;
            }
        }
        self.line(1)?;
        self.skip("]")?;
        let profiles = parallel::map_with(entries, FEW, Certificates::new, |known, entry| {
            let mut reader = Reader { rest: entry };
            let profile = reader.profile(known)?;
            reader.rest.is_empty().then_some(profile)
        });
        profiles.into_iter().collect()
    }

    fn profile(&mut self, known: &mut Certificates<'a>) -> Option<PinnedProfile> {
        Some(PinnedProfile {
            uuid: self.parsed_behind("{\n      \"uuid\": \"")?,
            filename: self.text_behind(",\n      \"filename\": \"")?.into(),
            name: self.text_behind(",\n      \"name\": \"")?.into(),
            team_id: self.parsed_behind(",\n      \"team_id\": \"")?,
            application_identifier: self
                .text_behind(",\n      \"application_identifier\": \"")?
                .into(),
            bundle_id: self.parsed_behind(",\n      \"bundle_id\": \"")?,
            kind: self.word_behind(",\n      \"kind\": \"")?,
            platforms: {
                self.skip(",\n      \"platforms\": ")?;
                self.list(3, |reader| Some(reader.text_behind("\"")?.into()))?
            },
            created: self.instant_behind(",\n      \"created\": \"")?,
            expires: self.instant_behind(",\n      \"expires\": \"")?,
            sha256: self.hex_behind(",\n      \"sha256\": \"")?,
            certificates: {
                self.skip(",\n      \"certificates\": ")?;
                self.list(3, |reader| reader.shared_certificate(known))?
            },
            entitlements: {
                self.skip(",\n      \"entitlements\": ")?;
                self.entitlements()?
            },
            device_count: self.number_behind(",\n      \"device_count\": ")?,
            state: {
                let state = self.word_behind(",\n      \"state\": \"")?;
                self.skip("\n    }")?;
                state
            },
            xcode_managed: None,
        })
    }

    /// A certificate, read once for all profiles that say the same of it.
    fn shared_certificate(
        &mut self,
        known: &mut Certificates<'a>,
    ) -> Option<Arc<PinnedCertificate>> {
        let before = self.rest;
        let name = before.get(..NAME_OF_CERTIFICATE)?;
        if let Some((text, certificate)) = known.get(name)
            && let Some(rest) = before.strip_prefix(text)
        {
            self.rest = rest;
            return Some(Arc::clone(certificate));
        }
        let certificate = Arc::new(self.certificate()?);
        let text = before.get(..before.len() - self.rest.len())?;
        known.insert(name, (text, Arc::clone(&certificate)));
        Some(certificate)
    }

    fn certificate(&mut self) -> Option<PinnedCertificate> {
        Some(PinnedCertificate {
            sha256: self.hex_behind("{\n          \"sha256\": \"")?,
            sha1: self.hex_behind(",\n          \"sha1\": \"")?,
            common_name: self.text_behind(",\n          \"common_name\": \"")?.into(),
            kind: self.word_behind(",\n          \"kind\": \"")?,
            serial: self.text_behind(",\n          \"serial\": \"")?.into(),
            issuer: self.text_behind(",\n          \"issuer\": \"")?.into(),
            expires: {
                let expires = self.instant_behind(",\n          \"expires\": \"")?;
                self.skip("\n        }")?;
                expires
            },
        })
    }

    fn target(&mut self) -> Option<PinnedTarget> {
        Some(PinnedTarget {
            project: self.text_behind("{\n      \"project\": \"")?.into(),
            target: self.parsed_behind(",\n      \"target\": \"")?,
            configuration: self.parsed_behind(",\n      \"configuration\": \"")?,
            platform: self.word_behind(",\n      \"platform\": \"")?,
            bundle_id: self.parsed_behind(",\n      \"bundle_id\": \"")?,
            profile: self.parsed_behind(",\n      \"profile\": \"")?,
            certificate: {
                let certificate = self.hex_behind(",\n      \"certificate\": \"")?;
                self.skip("\n    }")?;
                certificate
            },
        })
    }

    fn entitlements(&mut self) -> Option<Entitlements> {
        match self.value(3)? {
            Value::Dictionary(values) => Some(Entitlements::from(values)),
            _ => None,
        }
    }

    /// A value of entitlements whose own line is indented so deep.
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth >= 3 + MAX_DEPTH {
            return None;
        }
        match self.rest.as_bytes().first()? {
            b'"' => Some(Value::String(self.text_behind("\"")?.into())),
            b't' => self.skip("true").map(|()| Value::Boolean(true)),
            b'f' => self.skip("false").map(|()| Value::Boolean(false)),
            b'[' => Some(Value::Array(
                self.list(depth, |reader| reader.value(depth + 1))?,
            )),
            b'{' => self.dictionary(depth).map(Value::Dictionary),
            _ => Some(Value::Integer(self.number_behind("")?)),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<BTreeMap<Box<str>, Value>> {
        let mut values: BTreeMap<Box<str>, Value> = BTreeMap::new();
        if self.skip("{}").is_some() {
            return Some(values);
        }
        self.skip("{")?;
        loop {
            self.line(depth + 1)?;
            let key = self.text_behind("\"")?;
            let is_next = values
                .last_key_value()
                .is_none_or(|(last, _)| **last < *key);
            if !is_next || key == DATA_KEY {
                return None;
            }
            self.skip(": ")?;
            values.insert(key.into(), self.value(depth + 1)?);
            if self.skip(",").is_none() {
                break;
            }
        }
        self.line(depth)?;
        self.skip("}")?;
        Some(values)
    }

    /// A list whose own line is indented so deep.
    fn list<T>(
        &mut self,
        depth: usize,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.skip("[]").is_some() {
            return Some(items);
        }
        self.skip("[")?;
        loop {
            self.line(depth + 1)?;
            items.push(item(self)?);
            if self.skip(",").is_none() {
                break;
            }
        }
        self.line(depth)?;
        self.skip("]")?;
        Some(items)
    }

    fn skip(&mut self, expected: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn line(&mut self, depth: usize) -> Option<()> {
        self.skip(LINE.get(..1 + 2 * depth)?)
    }

    /// A text, with its opening quote in `before`.
    fn text_behind(&mut self, before: &str) -> Option<Cow<'a, str>> {
        self.skip(before)?;
        let end = memchr2(b'"', b'\\', self.rest.as_bytes())?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        let Some(rest) = rest.strip_prefix('"') else {
            return self.escaped_text();
        };
        self.rest = rest;
        let holds_control = text.bytes().fold(false, |any, byte| any | (byte < b' '));
        (!holds_control).then_some(Cow::Borrowed(text))
    }

    /// A text behind its opening quote in which something is escaped, as rarely.
    fn escaped_text(&mut self) -> Option<Cow<'a, str>> {
        let mut end = 0;
        loop {
            let rest = self.rest.as_bytes().get(end..)?;
            let at = memchr2(b'"', b'\\', rest)?;
            end += at;
            match rest.get(at)? {
                b'"' => break,
                _ => end += 2,
            }
        }
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.strip_prefix('"')?;
        let quoted = format!("\"{text}\"");
        let text: String = serde_json::from_str(&quoted).ok()?;
        let is_frozen = serde_json::to_string(&text).is_ok_and(|frozen| frozen == quoted);
        is_frozen.then_some(Cow::Owned(text))
    }

    /// A text that is kept as it is written.
    fn parsed_behind<T: FromStr>(&mut self, before: &str) -> Option<T> {
        self.text_behind(before)?.parse().ok()
    }

    /// A fingerprint: digits in lower case.
    fn hex_behind<T: FromStr>(&mut self, before: &str) -> Option<T> {
        let text = self.text_behind(before)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
        let is_lower = text.bytes().fold(true, |all, byte| all & is_hex(byte));
        is_lower.then(|| text.parse().ok())?
    }

    /// A word that one of our types is written as.
    fn word_behind<T: DeserializeOwned>(&mut self, before: &str) -> Option<T> {
        let text = self.text_behind(before)?;
        T::deserialize(IntoDeserializer::<Error>::into_deserializer(text.as_ref())).ok()
    }

    fn instant_behind(&mut self, before: &str) -> Option<Timestamp> {
        const FORM: &[u8] = b"0000-00-00T00:00:00Z";
        let text = self.text_behind(before)?;
        let mut both = text.bytes().zip(FORM);
        let is_formed = both.all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == *form,
        });
        if !is_formed || text.len() != FORM.len() {
            return None;
        }
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
        let year = text.get(..4)?.parse().ok()?;
        let instant = DateTime::new(
            year,
            part(5, 7)?,
            part(8, 10)?,
            part(11, 13)?,
            part(14, 16)?,
            part(17, 19)?,
            0,
        );
        Offset::UTC.to_timestamp(instant.ok()?).ok()
    }

    /// A whole number from 0.
    fn number_behind<T: FromStr>(&mut self, before: &str) -> Option<T> {
        self.skip(before)?;
        let mut bytes = self.rest.bytes();
        let end = bytes.position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let is_plain = digits == "0" || !digits.starts_with('0');
        is_plain.then(|| digits.parse().ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bundled manifest with one profile and one target, and entitlements of every kind.
    fn frozen() -> Vec<u8> {
        let bundled = include_bytes!("../../../manifests/profiles.json");
        let mut content = read(bundled).unwrap();
        content.profiles.truncate(1);
        content.targets.truncate(1);
        let entitlements = r#"{"": "", "a\"\\\n\u001f/\u007fé": [], "b": {"c": [{"d": true}, [false]]}, "e": {}, "n": 17}"#;
        for profile in &mut content.profiles {
            profile.name = "A \"name\"\tof\u{8}\u{c}\r\u{0} 名前".to_owned();
            profile.entitlements = serde_json::from_str(entitlements).unwrap();
            profile.platforms = vec!["iOS".to_owned(), "xrOS".to_owned()];
        }
        content.to_bytes()
    }

    /// Whatever is read is what freezing writes of it.
    fn holds(bytes: &[u8]) -> bool {
        let content = read(bytes);
        if let Some(content) = &content {
            assert_eq!(content.to_bytes(), bytes);
        }
        content.is_some()
    }

    #[test]
    fn what_freezing_writes_is_read() {
        let bundled = include_bytes!("../../../manifests/profiles.json");
        assert!(holds(bundled));
        assert!(holds(&frozen()));
        let mut content = read(bundled).unwrap();
        content.targets.clear();
        assert!(holds(&content.to_bytes()));
        content.profiles.clear();
        assert!(holds(&content.to_bytes()));
    }

    #[test]
    fn no_byte_is_changed_added_or_left_out_unnoticed() {
        let frozen = frozen();
        for at in 0..frozen.len() {
            for byte in *b"\n \"\\,0e]" {
                let mut changed = frozen.clone();
                changed[at] = byte;
                holds(&changed);
                let mut longer = frozen.clone();
                longer.insert(at, byte);
                holds(&longer);
            }
            let mut shorter = frozen.clone();
            shorter.remove(at);
            holds(&shorter);
            assert!(!holds(&frozen[..at]));
        }
        assert!(!holds(&[frozen.as_slice(), b"\n"].concat()));
    }

    #[test]
    fn what_can_be_written_in_two_ways_is_read_in_one() {
        let frozen = String::from_utf8(frozen()).unwrap();
        for (from, to) in [
            ("17", "017"),
            ("17", "1.7e1"),
            ("17", "-0"),
            ("17", "9223372036854775808"),
            ("\\u001f", "\\u001F"),
            ("\\u001f/", "\\u001f\\/"),
            ("\\u0000", "\0"),
            ("é", "\\u00e9"),
            ("\\t", "\\u0009"),
            ("\"n\": 17", "\"e\": 17"),
            ("\"n\": 17", "\"d\": 17"),
            ("00Z", "00.000Z"),
            ("00Z", "00z"),
            ("00Z", "00+00:00"),
            ("00Z", "60Z"),
            ("T", " "),
            ("\"platforms\": [", "\"platforms\": []"),
            ("\"revision\": 1", "\"revision\": 01"),
            ("\"active\"", "\"Active\""),
        ] {
            assert!(frozen.contains(from), "{from:?} is in it");
            assert!(!holds(frozen.replace(from, to).as_bytes()), "{to:?}");
        }
        // Fingerprints in upper case, and with colons.
        let sha1 = frozen.find("\"sha1\": \"").unwrap() + 9;
        let (before, digits) = frozen.split_at(sha1);
        let (digits, behind) = digits.split_at(40);
        let pairs: Vec<&str> = (0..40).step_by(2).map(|at| &digits[at..at + 2]).collect();
        for other in [digits.to_uppercase(), pairs.join(":")] {
            assert_ne!(other, digits);
            assert!(!holds(format!("{before}{other}{behind}").as_bytes()));
        }
    }

    #[test]
    fn nesting_ends_where_that_of_values_ends() {
        let bundled = include_bytes!("../../../manifests/profiles.json");
        let mut content = read(bundled).unwrap();
        content.profiles.truncate(1);
        content.targets.clear();
        for depth in 1..=MAX_DEPTH + 2 {
            let nested = (1..depth).fold(Value::Array(Vec::new()), |value, _| {
                Value::Array(vec![value])
            });
            let entitlements = [(Box::from("a"), nested)].into_iter().collect();
            content.profiles[0].entitlements = entitlements;
            let bytes = content.to_bytes();
            let general = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
            let general = general["profiles"][0]["entitlements"].clone();
            let is_value = serde_json::from_value::<Value>(general).is_ok();
            assert_eq!(holds(&bytes), is_value, "{depth}");
        }
    }
}
