//! Whether a profile or certificate expires within the policy's two margins.

use jiff::{SignedDuration, Timestamp};

use crate::base::clock::show_duration;
use crate::base::finding::{Code, Finding, Severity};
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
    pub fn margin(&self, end: Timestamp, now: Timestamp) -> Margin {
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

    /// The finding about something whose validity ends at `end`; nothing where that is far away. The first code is for what
    /// has expired, the second for what soon will; `message` gets the words for that (`has expired`) and makes the whole message.
    pub fn finding(
        &self,
        (expired, expires_soon): (Code, Code),
        end: Timestamp,
        now: Timestamp,
        message: impl FnOnce(&str) -> String,
    ) -> Option<Finding> {
        let margin = self.margin(end, now);
        let (code, severity, state) = match margin {
            Margin::Ample => return None,
            Margin::Expired => (expired, Severity::Block, "has expired"),
            Margin::BelowMinimum => (
                expires_soon,
                Severity::Block,
                "expires within the policy's minimum_validity",
            ),
            Margin::Warn => (expires_soon, Severity::Warn, "expires soon"),
        };
        let finding = Finding::new(code, severity, message(state));
        Some(finding.values(
            self.expectation(margin),
            format!("{end} ({})", distance(end, now)),
        ))
    }

    /// What should have been, for a finding.
    fn expectation(&self, margin: Margin) -> String {
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
fn distance(instant: Timestamp, now: Timestamp) -> String {
    let left = instant.duration_since(now);
    if left.is_negative() {
        format!("{} ago", show_duration(left))
    } else {
        format!("in {}", show_duration(left))
    }
}
