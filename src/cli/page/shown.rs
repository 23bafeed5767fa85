//! How dates, what is left of them, numbers and names are written on pages, and the classes of their style sheet.

use jiff::Timestamp;

use crate::base::finding::Severity;
use crate::ops::page::expiries::Standing;

/// `2027-01-31`.
pub(in crate::cli) fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}

/// `2027-01-31 08:15 UTC`.
pub(in crate::cli) fn minute(instant: Timestamp) -> String {
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

/// The class of a severity.
pub(in crate::cli) fn class_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Block => "block",
        Severity::Warn => "warn",
        Severity::Info => "info",
    }
}

/// A tenth of a unit is finer than anybody sees; more digits only make the file longer.
pub(in crate::cli) fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A count as a number to draw with.
pub(in crate::cli) fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The beginning of a text that is longer than `room` characters.
pub(in crate::cli) fn cut(text: &str, room: usize) -> String {
    match text.chars().count() > room {
        true => {
            let kept = text.chars().take(room.saturating_sub(1));
            format!("{}…", kept.collect::<String>().trim_end())
        }
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(cut("Rocket", 6), "Rocket");
        assert_eq!(cut("Rocketé und mehr", 8), "Rocketé…");
        assert_eq!(cut("é", 0), "…");
    }
}
