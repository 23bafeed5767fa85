//! How dates, what is left of them, and numbers are written on the page.

use jiff::Timestamp;

use crate::ops::page::expiries::Standing;

/// `2027-01-31`.
pub(super) fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}

/// `2027-01-31 08:15 UTC`.
pub(super) fn minute(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `12 d`, `3 y` for what nobody counts in days, or `expired`.
pub(super) fn left(days: i64, is_expired: bool) -> String {
    match days {
        _ if is_expired => "expired".to_owned(),
        ..1_000 => format!("{days} d"),
        _ => format!("{} y", days / 365),
    }
}

/// The class of a standing, in the page's style sheet.
pub(super) fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Expired => "expired",
        Standing::BelowMinimum => "block",
        Standing::Soon => "warn",
        Standing::Ok => "ok",
    }
}

/// A tenth of a unit is finer than anybody sees; more digits only make the file longer.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A count as a number to draw with.
pub(super) fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
