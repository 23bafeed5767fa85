//! The name of one run: what its journal, receipt, private directory and audit records are called.

use std::fmt;
use std::io;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::host::random;

/// `20260301T120000Z-9f86d081884c7d65`: when it began, so that directories sort, and sixteen random hex digits, so that
/// two at the same second differ. Safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, extend("pattern" = "^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}$"))]
pub struct RunId(Box<str>);

impl RunId {
    /// A new one.
    ///
    /// # Errors
    /// The system's random generator cannot be read.
    pub fn new(now: Timestamp) -> io::Result<Self> {
        let random = random::hex::<8>()?;
        Ok(Self(format!("{}-{random}", now.strftime(FORMAT)).into()))
    }

    /// When the run began, as the name says; `None` if it says no instant.
    pub fn began(&self) -> Option<Timestamp> {
        let began = DateTime::strptime(FORMAT, self.0.get(..16)?).ok()?;
        Some(began.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How the instant is written in a run id.
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The text is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run id: a run id looks like 20260301T120000Z-9f86d081884c7d65")]
pub struct RunIdError(String);

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shaped = text.len() == 33
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 => byte == b'T',
                15 => byte == b'Z',
                16 => byte == b'-',
                0..15 => byte.is_ascii_digit(),
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        if shaped {
            Ok(Self(text.into()))
        } else {
            Err(RunIdError(text.chars().take(80).collect()))
        }
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_reads_back_and_nothing_else_does() {
        let id = RunId::new("2026-03-01T12:00:00Z".parse().unwrap()).unwrap();
        assert!(id.as_str().starts_with("20260301T120000Z-"), "{id}");
        assert_eq!(id.began(), "2026-03-01T12:00:00Z".parse().ok());
        let never: RunId = "20269901T120000Z-0123456789abcdef".parse().unwrap();
        assert_eq!(never.began(), None);
        assert_eq!(id.as_str().parse(), Ok(id));
        for bad in [
            "",
            "..",
            "../../../../etc/passwd-0123456789ab",
            "20260301T120000Z-9f86d081884c7d6/",
        ] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
