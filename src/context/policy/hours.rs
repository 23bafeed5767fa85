//! When unattended unlocking is allowed: `[[keychain.allowed]]`.
//!
//! A span says on which days, from which hour to which, on the wall clock of which zone. Zones are IANA names, read
//! from the database that is compiled in: the same policy must mean the same instants on every host, whatever tz data
//! it carries or lacks.
//!
//! What the wall clock's jumps mean:
//!
//! - `to` at or before `from` runs over midnight and belongs to the day it started on: `fri 22:00`–`06:00` ends on
//!   Saturday morning. `00:00`–`00:00` and `00:00`–`24:00` are the whole day.
//! - A span is one unbroken interval of time. It opens at the first instant at which the clock shows `from` or later, and
//!   closes at the first instant at which it shows `to` or later. So an hour that is skipped in spring shortens the
//!   span (or, if it swallows it, leaves that day without), and an hour that is repeated in autumn never opens it twice:
//!   where `from` or `to` fall into the repeated hour, its first occurrence counts.
//! - `from` is inside, `to` is outside.

use jiff::{SignedDuration, Timestamp, Zoned};

use super::reader::{Item, Reader};

mod span;

pub use self::span::{AllowedSpan, Days};

use self::span::HORIZON_DAYS;

/// The keys of one span.
pub(super) const KEYS: &[&str] = &["days", "from", "to", "zone"];

/// The most entries in a policy. It also bounds the work of a decision.
const MOST_WINDOWS: usize = 64;

/// All spans in which unattended unlocking is allowed. None at all means: at any hour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hours {
    /// The spans, in the order of the policy.
    pub spans: Vec<AllowedSpan>,
}

impl Hours {
    /// Whether unattended unlocking is allowed at `now`.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.spans.is_empty() || self.spans.iter().any(|w| w.interval_holding(now).is_some())
    }

    /// When the permission that holds at `now` ends, spans that touch or overlap taken together. `None` if nothing is
    /// allowed at `now`, and if it does not end within the next two weeks: no job is that long.
    pub fn closes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let horizon = now
            .checked_add(SignedDuration::from_hours(24 * i64::from(HORIZON_DAYS - 1)))
            .unwrap_or(Timestamp::MAX);
        let mut end = now;
        loop {
            let later = self.spans.iter().filter_map(|w| w.interval_holding(end));
            match later.map(|(_, end)| end).max() {
                Some(later) if later > horizon => return None,
                Some(later) => end = later,
                None => return (end > now).then_some(end),
            }
        }
    }

    /// The first instant after `now` at which a span opens, on the wall clock of that span's zone.
    pub fn next_opening(&self, now: Timestamp) -> Option<Zoned> {
        self.spans
            .iter()
            .filter_map(|span| {
                let date = span.zone.to_datetime(now).date();
                let (start, _) = span.intervals_from(date).find(|(start, _)| *start > now)?;
                Some(start.to_zoned(span.zone.clone()))
            })
            .min_by_key(Zoned::timestamp)
    }

    /// Reads `keychain.allowed`, a list of spans.
    pub(super) fn read(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Self> {
        const EXPECTED: &str = "a list of hours, each under [[keychain.allowed]]";
        let items = reader.list(item, EXPECTED)?;
        if items.len() > MOST_WINDOWS {
            return reader.refuse(
                item,
                format!("`{}` has too many entries", item.path()),
                format!("at most {MOST_WINDOWS}"),
                items.len(),
                None,
            );
        }
        let spans = items
            .iter()
            .filter_map(|item| {
                let table = reader.table(item, "a table with days, from, to and zone")?;
                reader.report_unknown(&table, "keychain.allowed");
                span::read(reader, &table)
            })
            .collect();
        Some(Self { spans })
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::span::DAYS;
    use super::*;

    fn span(days: &str, from: &str, to: &str, zone: &str) -> AllowedSpan {
        let days = DAYS
            .iter()
            .filter(|(name, _)| days == "all" || days.contains(name))
            .map(|(_, day)| *day)
            .collect();
        AllowedSpan {
            days,
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: TimeZoneDatabase::bundled().get(zone).unwrap(),
        }
    }

    fn hours<const N: usize>(spans: [AllowedSpan; N]) -> Hours {
        Hours {
            spans: spans.into(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NEW_YORK: &str = "America/New_York";
    const WORKDAYS: &str = "mon tue wed thu fri";

    #[test]
    fn no_spans_means_any_hour() {
        let always = Hours::default();
        let now = at("2026-07-04T03:00:00Z");
        assert!(always.allows(now));
        assert_eq!(always.closes_at(now), None);
        assert_eq!(always.next_opening(now), None);
    }

    #[test]
    fn from_is_inside_and_to_is_outside() {
        let work = hours([span(WORKDAYS, "06:00:00", "22:00:00", NEW_YORK)]);
        // 2026-07-06 is a Monday; New York is four hours behind UTC.
        assert!(!work.allows(at("2026-07-06T09:59:59Z")));
        assert!(work.allows(at("2026-07-06T10:00:00Z")));
        assert!(work.allows(at("2026-07-07T01:59:59Z")));
        assert!(!work.allows(at("2026-07-07T02:00:00Z")));
        let close = at("2026-07-07T02:00:00Z");
        assert_eq!(work.closes_at(at("2026-07-06T10:00:00Z")), Some(close));
        assert_eq!(work.closes_at(close), None);
    }

    #[test]
    fn the_day_is_the_zones_day_not_utcs() {
        let friday = hours([span("fri", "18:00:00", "23:00:00", NEW_YORK)]);
        // Friday 22:30 in New York is Saturday in UTC.
        assert!(friday.allows(at("2026-07-11T02:30:00Z")));
        assert!(!friday.allows(at("2026-07-10T02:30:00Z")));
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_started_on() {
        let night = hours([span("fri", "22:00:00", "06:00:00", "UTC")]);
        assert!(night.allows(at("2026-07-10T22:00:00Z")));
        assert!(night.allows(at("2026-07-11T05:59:59Z")), "Saturday morning");
        assert!(!night.allows(at("2026-07-11T06:00:00Z")));
        assert!(!night.allows(at("2026-07-11T22:30:00Z")), "Saturday night");
        assert!(!night.allows(at("2026-07-10T05:00:00Z")), "Friday morning");
        let whole = hours([span("sun", "00:00:00", "00:00:00", "UTC")]);
        assert!(whole.allows(at("2026-07-12T00:00:00Z")));
        assert!(whole.allows(at("2026-07-12T23:59:59Z")));
        assert!(!whole.allows(at("2026-07-13T00:00:00Z")));
    }

    #[test]
    fn the_next_opening_skips_the_days_between() {
        let work = hours([span(WORKDAYS, "06:00:00", "22:00:00", NEW_YORK)]);
        let saturday = at("2026-07-04T14:15:00Z");
        let opening = work.next_opening(saturday).unwrap();
        assert_eq!(
            opening.to_string(),
            "2026-07-06T06:00:00-04:00[America/New_York]"
        );
        let once = hours([span("mon", "06:00:00", "07:00:00", "UTC")]);
        let just_missed = at("2026-07-06T07:00:00Z");
        assert_eq!(
            once.next_opening(just_missed)
                .map(|opening| opening.timestamp()),
            Some(at("2026-07-13T06:00:00Z"))
        );
    }

    #[test]
    fn the_earliest_of_several_spans_opens_next() {
        let both = hours([
            span("sun", "12:00:00", "13:00:00", "UTC"),
            span("sat", "12:00:00", "13:00:00", "Asia/Tokyo"),
        ]);
        let opening = both.next_opening(at("2026-07-10T12:00:00Z")).unwrap();
        assert_eq!(opening.to_string(), "2026-07-11T12:00:00+09:00[Asia/Tokyo]");
    }

    #[test]
    fn spans_that_touch_close_together() {
        let chain = hours([
            span("mon", "06:00:00", "12:00:00", "UTC"),
            span("mon", "12:00:00", "18:00:00", "UTC"),
            span("mon", "17:00:00", "02:00:00", "UTC"),
        ]);
        let closes = chain.closes_at(at("2026-07-06T07:00:00Z"));
        assert_eq!(closes, Some(at("2026-07-07T02:00:00Z")));
    }

    #[test]
    fn what_never_closes_has_no_closing() {
        let always = hours([span("all", "00:00:00", "00:00:00", NEW_YORK)]);
        assert!(always.allows(at("2026-03-08T07:00:00Z")));
        assert_eq!(always.closes_at(at("2026-03-08T07:00:00Z")), None);
        assert_eq!(always.closes_at(at("2026-11-01T05:30:00Z")), None);
    }

    // New York, 2026-03-08: 02:00 EST (07:00Z) jumps to 03:00 EDT.
    #[test]
    fn a_skipped_hour_shortens_the_span_that_starts_or_ends_in_it() {
        let starts = hours([span("sun", "02:30:00", "05:00:00", NEW_YORK)]);
        assert!(!starts.allows(at("2026-03-08T06:59:59Z")));
        assert!(
            starts.allows(at("2026-03-08T07:00:00Z")),
            "the clock shows 03:00"
        );
        assert_eq!(
            starts.closes_at(at("2026-03-08T07:00:00Z")),
            Some(at("2026-03-08T09:00:00Z"))
        );
        let ends = hours([span("sun", "01:00:00", "02:30:00", NEW_YORK)]);
        assert!(ends.allows(at("2026-03-08T06:59:59Z")));
        assert!(!ends.allows(at("2026-03-08T07:00:00Z")));
    }

    #[test]
    fn a_span_inside_a_skipped_hour_does_not_open_that_day() {
        let swallowed = hours([span("sun", "02:10:00", "02:50:00", NEW_YORK)]);
        for instant in [
            "2026-03-08T06:30:00Z",
            "2026-03-08T07:00:00Z",
            "2026-03-08T07:30:00Z",
        ] {
            assert!(!swallowed.allows(at(instant)), "{instant}");
        }
        let next = swallowed.next_opening(at("2026-03-08T05:00:00Z"));
        assert_eq!(
            next.map(|opening| opening.timestamp()),
            Some(at("2026-03-15T06:10:00Z"))
        );
    }

    // New York, 2026-11-01: 02:00 EDT (06:00Z) falls back to 01:00 EST, so 01:00 to 02:00 comes twice.
    #[test]
    fn a_repeated_hour_opens_a_span_once() {
        let inside = hours([span("sun", "01:10:00", "01:50:00", NEW_YORK)]);
        assert!(inside.allows(at("2026-11-01T05:10:00Z")), "first 01:10");
        assert!(!inside.allows(at("2026-11-01T05:50:00Z")), "first 01:50");
        assert!(!inside.allows(at("2026-11-01T06:30:00Z")), "second 01:30");
        let starts = hours([span("sun", "01:30:00", "05:00:00", NEW_YORK)]);
        assert!(!starts.allows(at("2026-11-01T05:29:59Z")));
        assert!(starts.allows(at("2026-11-01T05:30:00Z")));
        assert!(
            starts.allows(at("2026-11-01T06:10:00Z")),
            "second 01:10: already open, stays open"
        );
        assert_eq!(
            starts.closes_at(at("2026-11-01T05:30:00Z")),
            Some(at("2026-11-01T10:00:00Z"))
        );
        let ends = hours([span("sun", "00:00:00", "01:30:00", NEW_YORK)]);
        assert_eq!(
            ends.closes_at(at("2026-11-01T04:00:00Z")),
            Some(at("2026-11-01T05:30:00Z"))
        );
        assert!(
            !ends.allows(at("2026-11-01T06:10:00Z")),
            "second 01:10: closed, stays closed"
        );
    }

    #[test]
    fn a_span_around_a_jump_is_shorter_or_longer_by_the_hour() {
        let around = hours([span("all", "22:00:00", "06:00:00", NEW_YORK)]);
        let length = |start: &str| {
            let start = at(start);
            assert!(around.allows(start));
            around
                .closes_at(start)
                .unwrap()
                .duration_since(start)
                .as_hours()
        };
        assert_eq!(length("2026-03-08T03:00:00Z"), 7);
        assert_eq!(length("2026-11-01T02:00:00Z"), 9);
        assert_eq!(length("2026-07-06T02:00:00Z"), 8);
    }

    // Samoa skipped 2011-12-30 whole: 24:00 of the 29th (10:00Z on the 30th) was 00:00 of the 31st.
    #[test]
    fn a_day_that_never_was_has_no_span() {
        let friday = hours([span("fri", "06:00:00", "22:00:00", "Pacific/Apia")]);
        assert!(!friday.allows(at("2011-12-30T09:59:59Z")));
        assert!(!friday.allows(at("2011-12-30T10:00:00Z")));
        assert!(!friday.allows(at("2011-12-30T18:00:00Z")));
        let next = friday.next_opening(at("2011-12-30T09:00:00Z")).unwrap();
        assert_eq!(next.date(), jiff::civil::date(2012, 1, 6));
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let night = hours([span("all", "22:00:00", "06:00:00", NEW_YORK)]);
        for instant in [Timestamp::MIN, Timestamp::MAX] {
            night.allows(instant);
            night.next_opening(instant);
            night.closes_at(instant);
        }
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let shown = |days: &str| span(days, "06:00:00", "22:00:00", NEW_YORK).to_string();
        assert_eq!(shown(WORKDAYS), "mon–fri 06:00–22:00 America/New_York");
        assert_eq!(shown("all"), "every day 06:00–22:00 America/New_York");
        assert_eq!(shown("sat sun"), "sat, sun 06:00–22:00 America/New_York");
        assert_eq!(
            shown("mon wed thu fri sun"),
            "mon, wed–fri, sun 06:00–22:00 America/New_York"
        );
        let utc = span("mon", "00:00:00", "00:00:00", "UTC").to_string();
        assert_eq!(utc, "mon 00:00–00:00 UTC");
    }
}
