//! Releases of countersign: three numbers, compared from the left (Semantic Versioning 2.0.0, without pre-releases, because
//! there are none).

use std::fmt;
use std::str::FromStr;

use super::error::{ErrorCode, Explain};

/// The version of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u64,
    minor: u64,
    patch: u64,
}

/// A text that is no version of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers with dots between them, as in 0.2.0")]
pub struct NotARelease;

impl Explain for NotARelease {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }
}

impl FromStr for Release {
    type Err = NotARelease;

    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let mut numbers = text.split('.').map(number);
        let mut next = || numbers.next().flatten().ok_or(NotARelease);
        let release = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        };
        match numbers.next() {
            None => Ok(release),
            Some(_) => Err(NotARelease),
        }
    }
}

/// A number as versions write it: digits alone, and no zero before others.
fn number(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || !text.starts_with('0');
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (is_canonical && is_digits)
        .then(|| text.parse().ok())
        .flatten()
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers_and_from_the_left() {
        let release = |text: &str| text.parse::<Release>().unwrap();
        let ascending = ["0.0.9", "0.0.10", "0.2.0", "0.10.0", "1.0.0", "10.0.0"].map(release);
        assert!(ascending.is_sorted_by(|a, b| a < b));
        assert_eq!(release("0.10.0").to_string(), "0.10.0");
    }

    #[test]
    fn the_version_of_this_program_is_a_release() {
        assert!(env!("CARGO_PKG_VERSION").parse::<Release>().is_ok());
    }
}
