//! Instants, spans of validity, and the only reader of the wall clock.
//!
//! Decisions take `now` as an argument; that is what lets the same gate run at any instant on any planned state.
//! Only `cli/` asks a [`Clock`], once per command.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, Explain};

/// Something that knows what time it is.
pub trait Clock {
    /// The present instant (UTC).
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        self.as_ref().now()
    }
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still: rehearsals (`--at`) and tests.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// How far the clock may go back from one record to the next: what time synchronisation corrects. Beyond that somebody set
/// it, or it was wrong.
pub const CLOCK_CORRECTION: SignedDuration = SignedDuration::from_mins(1);

/// A span of validity as certificates and profiles state it, both ends inclusive (RFC 5280 §4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// First valid instant.
    pub not_before: Timestamp,
    /// Last valid instant.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether `instant` lies inside.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.not_before <= instant && instant <= self.not_after
    }
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a duration: a duration is a whole number and a unit, as in 90s, 14m, 8h, 7d or 2w"
)]
pub struct DurationError(String);

impl Explain for DurationError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }
}

/// Reads a duration as policies write it: a whole number and one unit of `s`, `m`, `h`, `d` (24 h) or `w` (7 d).
///
/// # Errors
/// Anything else, a negative number, or more than 100 years.
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let bad = || DurationError(text.to_owned());
    let trimmed = text.trim();
    let unit_at = trimmed
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(bad)?;
    let (number, unit) = trimmed.split_at(unit_at);
    let seconds_per_unit = match unit.trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(bad()),
    };
    let number: i64 = number.parse().map_err(|_| bad())?;
    number
        .checked_mul(seconds_per_unit)
        .filter(|seconds| *seconds <= 100 * 366 * 86_400)
        .map(SignedDuration::from_secs)
        .ok_or_else(bad)
}

/// Writes a duration for people: its two largest units (`41d 3h`, `14m`, `0s`).
pub fn show_duration(duration: SignedDuration) -> String {
    let total = duration.as_secs().unsigned_abs();
    let parts = [
        (total / 86_400, "d"),
        (total / 3_600 % 24, "h"),
        (total / 60 % 60, "m"),
        (total % 60, "s"),
    ];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else {
        return "0s".to_owned();
    };
    let shown: Vec<String> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_show() {
        let secs = |text: &str| parse_duration(text).unwrap().as_secs();
        assert_eq!(secs("7d"), 604_800);
        assert_eq!(secs("14m"), 840);
        assert_eq!(secs("90s"), 90);
        for bad in [
            "",
            "7",
            "d",
            "-1d",
            "1.5h",
            "7 years",
            "99999999999999999999d",
            "99999w",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert_eq!(show_duration(SignedDuration::from_secs(0)), "0s");
        assert_eq!(show_duration(SignedDuration::from_secs(90_000)), "1d 1h");
        assert_eq!(show_duration(SignedDuration::from_secs(-840)), "14m");
    }

    #[test]
    fn validity_includes_both_its_ends() {
        let validity = Validity {
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-12-31T23:59:59Z".parse().unwrap(),
        };
        assert!(validity.contains(validity.not_before));
        assert!(validity.contains(validity.not_after));
        assert!(!validity.contains("2027-01-01T00:00:00Z".parse().unwrap()));
    }
}
