//! When a process started, as `ps -o lstart` writes it.

use std::str::SplitAsciiWhitespace;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Takes the five fields of `Fri Nov 21 04:02:01 2025`, or with the day first, as some systems order it. `ps` is asked in
/// the C locale and in UTC.
pub(super) fn take(fields: &mut SplitAsciiWhitespace<'_>) -> Option<Timestamp> {
    let (_weekday, a, b) = (fields.next()?, fields.next()?, fields.next()?);
    let (time, year) = (fields.next()?, fields.next()?);
    let text = match a.parse::<u8>() {
        Ok(_) => format!("{year} {b} {a} {time}"),
        Err(_) => format!("{year} {a} {b} {time}"),
    };
    let instant = DateTime::strptime("%Y %b %d %H:%M:%S", &text);
    let zoned = instant.and_then(|instant| instant.to_zoned(TimeZone::UTC));
    Some(zoned.ok()?.timestamp())
}
