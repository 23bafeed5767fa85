//! The end of a window, by two clocks.
//!
//! The calendar's clock can be set, by a person or by the network, and a window must not become longer by that. The clock
//! that counts from the start of the machine cannot be set, and goes on while the machine sleeps; but it means nothing
//! after a restart. So a window has ended when either says so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::process::boot_id;
use crate::base::clock::Clock;
use crate::context::policy::LONGEST_CEILING;

/// When a window ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// By the calendar.
    pub until: Timestamp,
    /// The start of the machine that `since_boot` counts from; empty where the system does not name it.
    boot: String,
    /// By the clock that counts from there, in milliseconds.
    since_boot: u64,
}

impl Deadline {
    /// `time` from now, or at `closes` if that comes first.
    pub fn after(clock: &dyn Clock, time: Duration, closes: Option<Timestamp>) -> Self {
        let now = clock.now();
        let until = now.checked_add(time).unwrap_or(now);
        Self {
            until: closes.map_or(until, |closes| closes.min(until)),
            boot: boot_id(),
            since_boot: milliseconds(since_boot().saturating_add(time)),
        }
    }

    /// What is left, by whichever clock says less, until it has been over for `grace`.
    pub fn left(&self, clock: &dyn Clock, grace: Duration) -> Duration {
        let until = self.until.saturating_add(grace).unwrap_or(self.until);
        let by_calendar = until.duration_since(clock.now());
        let by_calendar = Duration::try_from(by_calendar).unwrap_or(Duration::ZERO);
        match self.of_this_boot() {
            Some(end) => by_calendar.min(end.saturating_add(grace).saturating_sub(since_boot())),
            None => by_calendar,
        }
    }

    /// Whether it has been over for `grace`, by either clock.
    pub fn is_past(&self, clock: &dyn Clock, grace: Duration) -> bool {
        self.left(clock, grace).is_zero()
    }

    /// Whether a run that does not close by now is dead, whatever it holds: its watchdog has had its turn too.
    pub fn is_overdue(&self, clock: &dyn Clock) -> bool {
        self.is_past(clock, GRACE_OF_OTHERS) || self.is_implausible(clock)
    }

    /// Whether no window that begins now could end so late: such an end was not written by a run.
    fn is_implausible(&self, clock: &dyn Clock) -> bool {
        let by_boot = self
            .of_this_boot()
            .map(|end| end.saturating_sub(since_boot()));
        self.until.duration_since(clock.now()) > LONGEST_CEILING
            || by_boot
                .and_then(|left| SignedDuration::try_from(left).ok())
                .is_some_and(|left| left > LONGEST_CEILING)
    }

    fn of_this_boot(&self) -> Option<Duration> {
        (self.boot == boot_id()).then(|| Duration::from_millis(self.since_boot))
    }
}

/// Time since the machine started, sleep included.
fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    // On macOS this is the one that goes on while the machine sleeps (clock_gettime(3)).
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How much later than the session the watchdog acts on the end of the window: the session waits ten seconds for a command
/// that it has asked to end.
pub const GRACE_OF_WATCHDOG: Duration = Duration::from_secs(12);
/// How much later than the session everybody else acts.
pub const GRACE_OF_OTHERS: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::FixedClock;

    fn at(text: &str) -> FixedClock {
        FixedClock(text.parse().unwrap())
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_window_ends_by_whichever_clock_says_so() {
        let noon = at("2026-03-01T12:00:00Z");
        let deadline = Deadline::after(&noon, minutes(20), None);
        assert!(deadline.left(&noon, Duration::ZERO) > minutes(19));
        assert!(!deadline.is_past(&noon, Duration::ZERO));
        assert!(!deadline.is_overdue(&noon));
        // The calendar was set on.
        let late = at("2026-03-01T12:20:14Z");
        assert!(deadline.is_past(&late, GRACE_OF_WATCHDOG) && !deadline.is_overdue(&late));
        assert!(deadline.is_overdue(&at("2026-03-01T12:20:15Z")));
        // The calendar was set back, and the machine counts on.
        let over = Deadline {
            since_boot: deadline.since_boot - 40 * 60_000,
            ..deadline.clone()
        };
        let back = at("2026-03-01T11:00:00Z");
        match since_boot() > minutes(21) {
            true => assert!(over.is_overdue(&back)),
            false => assert!(over.left(&back, Duration::ZERO) < minutes(19)),
        }
        // After a restart only the calendar means anything.
        let other_boot = Deadline {
            boot: "another".into(),
            ..over
        };
        assert!(!other_boot.is_overdue(&noon));
        assert!(other_boot.is_overdue(&late_by_a_day()));
    }

    fn late_by_a_day() -> FixedClock {
        at("2026-03-02T12:20:00Z")
    }

    #[test]
    fn the_allowed_hours_end_a_window_too() {
        let noon = at("2026-03-01T12:00:00Z");
        let closes = "2026-03-01T12:05:00Z".parse().unwrap();
        let deadline = Deadline::after(&noon, minutes(20), Some(closes));
        assert_eq!(deadline.until, closes);
        assert_eq!(deadline.left(&noon, Duration::ZERO), minutes(5));
    }

    #[test]
    fn an_end_that_no_window_can_have_is_none() {
        let noon = at("2026-03-01T12:00:00Z");
        let honest = Deadline::after(&noon, minutes(24 * 60), None);
        assert!(!honest.is_overdue(&noon));
        let by_calendar = Deadline::after(&at("2026-03-02T12:00:01Z"), Duration::ZERO, None);
        assert!(by_calendar.is_overdue(&noon));
        let by_boot = Deadline {
            since_boot: honest.since_boot + 60_000,
            ..honest
        };
        assert!(by_boot.is_overdue(&noon));
    }
}
