//! The lines of the audit log, for an index of logs.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::findings::findings_of;
use crate::base::clock::parse_duration;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Finding;
use crate::ledger::audit;
use crate::ops::error::Failure;
use crate::ops::world::World;

/// What is exported.
#[derive(Debug, Clone, Default)]
pub struct ExportRequest {
    /// Since when; all of it by default.
    pub since: Option<Since>,
    /// Directories that hold sealed segments which were moved away.
    pub archives: Vec<PathBuf>,
}

/// Since when records are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// An instant.
    Instant(Timestamp),
    /// So long ago.
    Ago(SignedDuration),
    /// The record with this number.
    Record(u64),
}

/// Why a text does not say since when.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is neither an instant (2027-01-15T08:00:00Z), a duration (24h) nor the number of a record"
)]
pub struct SinceError(String);

impl Explain for SinceError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }
}

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, SinceError> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Record(number));
        }
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        let ago = parse_duration(text).map_err(|_| SinceError(text.to_owned()))?;
        Ok(Self::Ago(ago))
    }
}

/// Hands out the line of each record, without its line end and as it stands in the log, until `each` has enough. Gives what is
/// wrong with the part of the log that was read.
///
/// # Errors
/// The log cannot be read.
pub fn export(
    request: &ExportRequest,
    world: &World,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<Vec<Finding>, Failure> {
    let since = match request.since {
        None => audit::Since::Beginning,
        Some(Since::Record(number)) => audit::Since::Record(number),
        Some(Since::Instant(instant)) => audit::Since::Instant(instant),
        Some(Since::Ago(duration)) => {
            let instant = world.now.checked_sub(duration);
            instant.map_or(audit::Since::Beginning, audit::Since::Instant)
        }
    };
    let path = world.audit_path()?;
    let verification = audit::export(&path, &request.archives, since, each)?;
    Ok(findings_of(&verification, &path, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_is_an_instant_a_duration_or_a_number() {
        assert_eq!("4711".parse(), Ok(Since::Record(4_711)));
        assert_eq!(
            "24h".parse(),
            Ok(Since::Ago(SignedDuration::from_hours(24)))
        );
        let instant = "2027-01-15T08:00:00Z";
        assert_eq!(
            instant.parse(),
            Ok(Since::Instant(instant.parse().unwrap()))
        );
        for bad in ["", "yesterday", "-1", "2027-01-15", "1.5h"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
