//! One span: days, hours, and the zone on whose wall clock they are read.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::context::policy::reader::{Item, Reader, Table, shortened};
use crate::context::suggestion::suggestion;

/// How far ahead openings and closings are looked for: twice the week after which everything repeats, because one
/// occurrence may be swallowed by a skipped hour.
pub(super) const HORIZON_DAYS: i32 = 15;

/// The days of the week, as the policy names them.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The days on which a span opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Days {
    /// Every day of the week.
    pub const ALL: Self = Self([true; 7]);

    /// Whether `weekday` is one of them.
    pub fn contains(self, weekday: Weekday) -> bool {
        DAYS.iter()
            .zip(self.0)
            .any(|((_, day), on)| on && *day == weekday)
    }
}

impl FromIterator<Weekday> for Days {
    fn from_iter<I: IntoIterator<Item = Weekday>>(weekdays: I) -> Self {
        let mut days = Self([false; 7]);
        for weekday in weekdays {
            for ((_, day), on) in DAYS.iter().zip(&mut days.0) {
                *on |= *day == weekday;
            }
        }
        days
    }
}

/// `every day`, `mon–fri`, `sat, sun`: runs of three and more are drawn together.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("every day");
        }
        let names: Vec<Option<&str>> = DAYS
            .iter()
            .zip(self.0)
            .map(|((name, _), on)| on.then_some(*name))
            .collect();
        let mut first = true;
        for run in names.split(Option::is_none) {
            let run: Vec<&str> = run.iter().flatten().copied().collect();
            let text = match run.as_slice() {
                [] => continue,
                [start, _, .., end] => format!("{start}–{end}"),
                short => short.join(", "),
            };
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            f.write_str(&text)?;
        }
        Ok(())
    }
}

/// One span: days, hours and the zone whose wall clock they are read on.
#[derive(Debug, Clone, PartialEq)]
pub struct AllowedSpan {
    /// The days on which it opens.
    pub days: Days,
    /// The wall-clock time at which it opens.
    pub from: Time,
    /// The wall-clock time at which it closes; at or before `from`, on the next day.
    pub to: Time,
    /// The zone.
    pub zone: TimeZone,
}

impl AllowedSpan {
    /// The interval of the span that opens on `date`: from its first instant to the first after it. `None` on a day that
    /// is not one of its days, and where a skipped hour swallows it whole.
    fn on(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(date.weekday()) {
            return None;
        }
        let end_date = if self.to <= self.from {
            date.tomorrow().ok()?
        } else {
            date
        };
        let start = self.first_instant_showing(date, self.from)?;
        let end = self.first_instant_showing(end_date, self.to)?;
        (start < end).then_some((start, end))
    }

    /// The first instant at which the zone's wall clock shows this date and time, or a later one.
    fn first_instant_showing(&self, date: Date, time: Time) -> Option<Timestamp> {
        let shown = self.zone.to_ambiguous_timestamp(date.to_datetime(time));
        match shown.offset() {
            AmbiguousOffset::Unambiguous { .. } => shown.unambiguous().ok(),
            AmbiguousOffset::Fold { .. } => shown.earlier().ok(),
            AmbiguousOffset::Gap { .. } => {
                // The clock never shows it: the first later reading is the one right after the jump, and the jump is
                // the first transition after the instant that the offset in force after it would give.
                let before = shown.earlier().ok()?;
                let jump = self.zone.following(before).next()?;
                Some(jump.timestamp())
            }
        }
    }

    /// The intervals that open from the day before `date` until `HORIZON_DAYS` after it, in order.
    pub(super) fn intervals_from(
        &self,
        date: Date,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        (-1..=HORIZON_DAYS).filter_map(move |days| self.on(date.checked_add(days.days()).ok()?))
    }

    /// The interval that holds `instant`, if one does.
    pub(super) fn interval_holding(&self, instant: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let date = self.zone.to_datetime(instant).date();
        [date.yesterday().ok(), Some(date), date.tomorrow().ok()]
            .into_iter()
            .flatten()
            .filter_map(|date| self.on(date))
            .find(|(start, end)| *start <= instant && instant < *end)
    }
}

/// `mon–fri 06:00–22:00 America/New_York`
impl fmt::Display for AllowedSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            days,
            from,
            to,
            zone,
        } = self;
        write!(
            f,
            "{days} {:02}:{:02}–{:02}:{:02} {}",
            from.hour(),
            from.minute(),
            to.hour(),
            to.minute(),
            zone.iana_name().unwrap_or("UTC"),
        )
    }
}

/// Reads one section `[[keychain.allowed]]`.
pub(super) fn read(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<AllowedSpan> {
    let days = match reader.get(table, "days") {
        Some(item) => read_days(reader, &item),
        None => Some(Days::ALL),
    };
    let from = reader
        .require(
            table,
            "from",
            "write when the hours begin, as in from = \"06:00\"",
        )
        .and_then(|item| read_time(reader, &item, false));
    let to = reader
        .require(
            table,
            "to",
            "write when the hours end, as in to = \"22:00\"",
        )
        .and_then(|item| read_time(reader, &item, true));
    let zone = reader
        .require(
            table,
            "zone",
            "write the time zone, as in zone = \"Europe/Berlin\"",
        )
        .and_then(|item| read_zone(reader, &item));
    Some(AllowedSpan {
        days: days?,
        from: from?,
        to: to?,
        zone: zone?,
    })
}

fn read_days(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Days> {
    const EXPECTED: &str = "a list of days, as in [\"mon\", \"tue\"]";
    const DAY: &str = "one of mon, tue, wed, thu, fri, sat, sun";
    let items = reader.list(item, EXPECTED)?;
    if items.is_empty() {
        let message = format!("`{}` names no day, so these hours never open", item.path());
        reader.complain(item, message, "leave the key out for every day");
        return None;
    }
    let read: Vec<Option<Weekday>> = items
        .iter()
        .map(|item| reader.word(item, DAY, DAYS))
        .collect();
    read.into_iter().collect()
}

/// `HH:MM`; `24:00` too where a span ends.
fn read_time(reader: &mut Reader<'_>, item: &Item<'_>, is_end: bool) -> Option<Time> {
    const EXPECTED: &str = "a time of day from 00:00 to 23:59, as text";
    let text = reader.text(item, EXPECTED)?;
    if is_end && text == "24:00" {
        return Some(Time::midnight());
    }
    let two_digits = |part: &str| -> Option<i8> {
        let shaped = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|_| shaped)
    };
    let time = text
        .split_once(':')
        .and_then(|(hour, minute)| Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok());
    if time.is_none() {
        return reader.refuse(
            item,
            format!("`{}` is not a time of day", item.path()),
            EXPECTED,
            shortened(text),
            Some("write two digits each for hours and minutes, as in \"06:00\""),
        );
    }
    time
}

fn read_zone(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<TimeZone> {
    const EXPECTED: &str = "the IANA name of a time zone, as text";
    let text = reader.text(item, EXPECTED)?;
    let zones = TimeZoneDatabase::bundled();
    if let Ok(zone) = zones.get(text) {
        return Some(zone);
    }
    let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
    let near = suggestion(text, names.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write region and city, as in \"America/New_York\", or \"UTC\"".to_owned(),
    };
    reader.refuse(
        item,
        format!("`{}` is not a known time zone", item.path()),
        near.unwrap_or(EXPECTED),
        shortened(text),
        Some(&hint),
    )
}
