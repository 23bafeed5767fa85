//! Whether a profile or certificate expires within the policy's two margins.

use jiff::{SignedDuration, Timestamp};

use crate::base::clock::show_duration;
use crate::context::policy::Policy;

/// The policy's margins.
#[derive(Debug, Clone, Copy)]
pub struct Margins {
    minimum: SignedDuration,
    warn: SignedDuration,
}

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// Further away than both margins.
    Ample,
    /// Nearer than `warn_before`.
    Warn,
    /// Nearer than `minimum_validity`.
    BelowMinimum,
    /// Past.
    Expired,
}

impl Margins {
    /// `profiles.minimum_validity` and `profiles.warn_before`.
    pub fn of(policy: &Policy) -> Self {
        Self {
            minimum: policy.profiles.minimum_validity,
            warn: policy.profiles.warn_before,
        }
    }

    /// How near `end` is at `now`. The last valid instant is still valid.
    pub fn judge(&self, end: Timestamp, now: Timestamp) -> Margin {
        let left = end.duration_since(now);
        if left.is_negative() {
            Margin::Expired
        } else if left < self.minimum {
            Margin::BelowMinimum
        } else if left < self.warn {
            Margin::Warn
        } else {
            Margin::Ample
        }
    }

    /// What should have been, for a finding.
    pub fn expectation(&self, margin: Margin) -> String {
        match margin {
            Margin::Expired | Margin::Ample => "not expired".to_owned(),
            Margin::BelowMinimum => format!("valid for at least {}", show_duration(self.minimum)),
            Margin::Warn => format!(
                "valid for at least {} without a warning",
                show_duration(self.warn)
            ),
        }
    }
}

/// `in 41d 3h` or `3d ago`.
pub fn distance(instant: Timestamp, now: Timestamp) -> String {
    let left = instant.duration_since(now);
    if left.is_negative() {
        format!("{} ago", show_duration(left))
    } else {
        format!("in {}", show_duration(left))
    }
}
