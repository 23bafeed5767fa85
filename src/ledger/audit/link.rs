//! A line as a link of the chain: everything about it is checked, and only what binds it is kept.
//!
//! A verification reads millions of lines and shows none of them. So it borrows from the line what it needs, and hashes each
//! byte once for the two digests of a line: its own, which stands in it, and that of the whole line, which the next one
//! names. What is a link is also a [`Record`](super::record::Record), and the other way round.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::record::{Unreadable, split_digest};
use crate::base::digest::{Digest, is_hex_of, sha256_of_start_and_whole};
use crate::base::event::Outcome;
use crate::base::ids::{HostName, IdError, RegionName};

/// A line that was looked at.
#[derive(Debug)]
pub(super) struct Examined<'a> {
    /// Its bytes, without the line end.
    pub(super) line: &'a [u8],
    /// SHA-256 of the whole line.
    pub(super) digest: Digest,
    /// What binds it, if it is a record.
    pub(super) link: Result<Link<'a>, Unreadable>,
}

/// What binds a record to the others.
#[derive(Debug, Deserialize)]
#[allow(
    dead_code,
    reason = "every field is read to check that it is what it should be"
)]
pub(super) struct Link<'a> {
    pub(super) seq: u64,
    pub(super) time: Timestamp,
    #[serde(default)]
    latest: Option<Timestamp>,
    /// The text of the digest of the line before.
    #[serde(borrow)]
    prev: Cow<'a, str>,
    who: Text,
    host: Host,
    #[serde(default)]
    region: Option<Region>,
    #[serde(default)]
    job: Option<Text>,
    #[serde(default)]
    run: Option<Text>,
    #[serde(borrow)]
    pub(super) what: Cow<'a, str>,
    outcome: Outcome,
    #[serde(default)]
    details: Texts,
}

impl<'a> Link<'a> {
    fn read(line: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| error.to_string())
    }

    /// The latest time that the log knows of after this record.
    pub(super) fn latest(&self) -> Timestamp {
        self.latest.unwrap_or(self.time)
    }

    /// The digest of the line before, as it names it, unless that is `known`, the digest of the line that is there.
    pub(super) fn prev_unless(&self, known: Option<Digest>) -> Result<Option<Digest>, Unreadable> {
        let hex = self.prev.strip_prefix("sha256:").unwrap_or_default();
        if matches!(known, Some(Digest::Sha256(bytes)) if is_hex_of(hex.as_bytes(), &bytes)) {
            return Ok(None);
        }
        let named = self.prev.parse();
        named
            .map(Some)
            .map_err(|error| Unreadable::Shape(format!("prev: {error}")))
    }
}

/// Looks at one line (without line end): whether it is a record, its own digest included.
pub(super) fn examine(line: &[u8]) -> Examined<'_> {
    let Some((body, written)) = split_digest(line) else {
        return Examined {
            line,
            digest: Digest::of(line),
            link: Err(Unreadable::NoDigest),
        };
    };
    let (own, whole) = sha256_of_start_and_whole(line, body.len());
    let hex = written.strip_prefix(b"sha256:").unwrap_or_default();
    let link = match is_hex_of(hex, &own) {
        true => Link::read(line).map_err(Unreadable::Shape),
        false => Err(Unreadable::Digest {
            expected: String::from_utf8_lossy(written).into_owned(),
            found: Digest::Sha256(own),
        }),
    };
    Examined {
        line,
        digest: Digest::Sha256(whole),
        link,
    }
}

/// Texts by name, of which none is kept.
#[derive(Debug, Default)]
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                while map.next_entry::<Text, Text>()?.is_some() {}
                Ok(Texts)
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// Texts that are checked and not kept: nothing is allocated for them.
macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident, $check:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Any;

                impl Visitor<'_> for Any {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let check: fn(&str) -> Result<(), IdError> = $check;
                        check(text).map_err(E::custom)?;
                        Ok($name)
                    }
                }

                deserializer.deserialize_str(Any)
            }
        }
    )*};
}

texts! {
    /// Any text.
    Text, |_| Ok(());
    /// The name of a host.
    Host, HostName::check;
    /// The name of a region.
    Region, RegionName::check;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::audit::record;

    /// What verifying takes for a record is what showing takes for one, whatever stands in it.
    #[test]
    fn a_line_is_a_link_exactly_if_it_is_a_record() {
        let zeros = "0".repeat(64);
        let base = format!(
            r#""seq":1,"time":"2026-03-01T12:00:00Z","prev":"sha256:{zeros}","who":"ci","host":"h","what":"gate","outcome":"done""#
        );
        let bodies = [
            base.clone(),
            format!(r#"{base},"details":{{}}"#),
            format!(r#"{base},"details":{{"a":"b","a":"c","e\u0301":"\n\""}}"#),
            format!(r#"{base},"details":{{"a":1}}"#),
            format!(r#"{base},"details":[]"#),
            format!(r#"{base},"details":null"#),
            format!(r#"{base},"region":null,"job":null,"run":null,"latest":null"#),
            format!(r#"{base},"region":"a b""#),
            format!(
                r#"{base},"region":"us","job":"j","run":"r","latest":"2026-03-01T12:00:00.5Z""#
            ),
            format!(r#"{base},"latest":"noon""#),
            format!(r#"{base},"later":{{"x":[1,2,{{}}]}}"#),
            format!(r#"{base},"seq":2"#),
            format!(r#"{base},"who":"twice""#),
            base.replace("\"seq\":1", "\"seq\":-1"),
            base.replace("\"seq\":1", "\"seq\":1.5"),
            base.replace("2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00"),
            base.replace("2026-03-01T12:00:00Z", "2026-03-01"),
            base.replace(&zeros, &zeros[1..]),
            base.replace("sha256:", ""),
            base.replace("\"h\"", "\"a b\""),
            base.replace("done", "gone"),
            base.replace("\"what\"", "\"w\\u0068at\""),
            base.replace("ci", "c\\u00ef"),
            base.replace("ci", "\u{0}"),
            base.replace("\"who\"", "\"whom\""),
        ];
        let mut accepted = 0;
        for body in bodies {
            let body = format!("{{{body}");
            let digest = Digest::of(body.as_bytes());
            let line = format!("{body},\"digest\":\"{digest}\"}}");
            let examined = examine(line.as_bytes());
            assert_eq!(examined.digest, Digest::of(line.as_bytes()));
            match (record::read(line.as_bytes()), examined.link) {
                (Ok(record), Ok(link)) => {
                    accepted += 1;
                    assert_eq!((link.seq, link.time), (record.seq, record.time));
                    assert_eq!(link.latest(), record.latest());
                    assert_eq!(link.prev_unless(None), Ok(Some(record.prev)));
                    assert_eq!(link.what, record.what);
                }
                (Err(_), Err(_)) => {}
                // A digest that is not one is found when it is compared.
                (Err(_), Ok(link)) => assert!(link.prev_unless(None).is_err(), "{line}"),
                (Ok(_), Err(error)) => panic!("{line}: {error:?}"),
            }
        }
        assert!(accepted > 8, "{accepted}");
    }
}
