//! The timeline: when everything expires, as columns over a line of months.
//!
//! A column stands for ten days; its height says how many things expire in them, its colour how near the first of them is.
//! What has expired stands before the line, what expires after its end behind it. Pure: the document in, shapes out.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::shown::{class, count, day, left, rounded};
use crate::base::plain::plain;
use crate::ops::page::DAYS_AHEAD;
use crate::ops::page::document::ReportDocument;
use crate::ops::page::expiries::{Expiring, Expiry, Standing};

/// The drawing is this wide, in units of its own.
pub(super) const WIDTH: f64 = 1000.0;
/// Where the line begins and ends.
const BEGIN: f64 = 168.0;
const END: f64 = 936.0;
/// Where what has expired stands, and what expires after the end.
const BEFORE: f64 = 112.0;
const AFTER: f64 = 950.0;
/// A lane's height, and the room above its tallest column.
const LANE: f64 = 86.0;
const HEADROOM: f64 = 26.0;
/// The room above the first lane, for the names of the limits.
const TOP: f64 = 26.0;
/// The room below the last lane, for the months.
const BOTTOM: f64 = 30.0;
/// A column stands for so many days.
const BIN: i64 = 10;
/// So many names stand in the text of a column.
const NAMED: usize = 12;

/// The shapes of a timeline.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Timeline {
    pub(super) height: f64,
    /// Where the line begins and ends.
    pub(super) begin: f64,
    pub(super) end: f64,
    /// Where its ground is.
    pub(super) ground: f64,
    pub(super) bands: Vec<Band>,
    pub(super) lanes: Vec<Lane>,
    pub(super) months: Vec<Month>,
}

/// A time in which the policy blocks or warns.
#[derive(Debug, PartialEq)]
pub(super) struct Band {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) class: &'static str,
    pub(super) name: String,
    /// Where its name stands.
    pub(super) name_x: f64,
}

/// Things of one kind.
#[derive(Debug, PartialEq)]
pub(super) struct Lane {
    pub(super) name: &'static str,
    /// Where its columns stand.
    pub(super) ground: f64,
    pub(super) columns: Vec<Column>,
}

/// Things of one kind that expire at about the same time.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) class: &'static str,
    pub(super) count: usize,
    /// Where the count stands.
    pub(super) count_x: f64,
    pub(super) count_y: f64,
    /// What expires, a line each.
    pub(super) title: String,
}

/// The first day of a month.
#[derive(Debug, PartialEq)]
pub(super) struct Month {
    pub(super) x: f64,
    pub(super) name: String,
}

/// Where things stand that expire together: before the line, in a bin of it, or behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Before,
    Bin(i64),
    After,
}

/// Draws the timeline of a report.
pub(super) fn draw(document: &ReportDocument) -> Timeline {
    let kinds = [
        (Expiring::Profile, "Profiles"),
        (Expiring::Certificate, "Certificates"),
        (Expiring::Intermediate, "Intermediates"),
    ];
    let stacks: Vec<_> = kinds
        .iter()
        .map(|(kind, name)| (*name, stacks(document, *kind)))
        .filter(|(_, stacks)| !stacks.is_empty())
        .collect();
    let sizes = stacks
        .iter()
        .flat_map(|(_, it)| it.iter().map(|(_, of)| of.len()));
    let most = sizes.max().unwrap_or(1);
    let mut ground = TOP;
    let mut lanes = Vec::new();
    for (name, stacks) in stacks {
        ground += LANE;
        let columns = stacks
            .iter()
            .map(|(slot, of)| column(*slot, of, most, ground));
        lanes.push(Lane {
            name,
            ground,
            columns: columns.collect(),
        });
    }
    Timeline {
        height: ground + BOTTOM,
        begin: BEGIN,
        end: END,
        ground,
        bands: bands(document),
        lanes,
        months: months(document.at, document.until),
    }
}

/// What expires of one kind, by where it stands.
fn stacks(document: &ReportDocument, kind: Expiring) -> Vec<(Slot, Vec<&Expiry>)> {
    let mut stacks: Vec<(Slot, Vec<&Expiry>)> = Vec::new();
    // They are in the order of their dates, so things that stand together follow each other.
    for expiry in document.expiries.iter().filter(|it| it.what == kind) {
        let slot = match expiry.days_left {
            _ if expiry.standing == Standing::Expired => Slot::Before,
            days if days >= DAYS_AHEAD => Slot::After,
            days => Slot::Bin(days / BIN),
        };
        match stacks.last_mut() {
            Some((last, stack)) if *last == slot => stack.push(expiry),
            _ => stacks.push((slot, vec![expiry])),
        }
    }
    stacks
}

fn column(slot: Slot, of: &[&Expiry], most: usize, ground: f64) -> Column {
    let bin_width = (END - BEGIN) * days(BIN) / days(DAYS_AHEAD);
    let (x, width) = match slot {
        Slot::Before => (BEFORE, 26.0),
        Slot::After => (AFTER, 26.0),
        Slot::Bin(bin) => (BEGIN + bin_width * days(bin) + 2.0, bin_width - 4.0),
    };
    // The root keeps one beside two hundred visible.
    let share = (count(of.len()) / count(most)).sqrt();
    let height = 4.0 + share * (LANE - HEADROOM - 4.0);
    let first = of.iter().map(|it| it.standing).min();
    let mut lines: Vec<String> = of.iter().take(NAMED).map(|it| line(it)).collect();
    if of.len() > NAMED {
        lines.push(format!("and {} more", of.len() - NAMED));
    }
    Column {
        x: rounded(x),
        y: rounded(ground - height),
        width: rounded(width),
        height: rounded(height),
        class: class(first.unwrap_or(Standing::Ok)),
        count: of.len(),
        count_x: rounded(x + width / 2.0),
        count_y: rounded(ground - height - 6.0),
        title: lines.join("\n"),
    }
}

/// `Rocket App Store: 2027-01-31, 64 days left`.
fn line(expiry: &Expiry) -> String {
    let is_expired = expiry.standing == Standing::Expired;
    let left = left(expiry.days_left, is_expired);
    format!("{}: {}, {left}", plain(&expiry.name), day(expiry.expires))
}

/// The times in which what expires blocks, and is warned of.
fn bands(document: &ReportDocument) -> Vec<Band> {
    let limits = &document.limits;
    let at = |instant: Timestamp| x_of(document.at, instant).clamp(BEGIN, END);
    let (blocks, warns) = (at(limits.blocks_before), at(limits.warns_before));
    let mut bands = Vec::new();
    for (from, to, class, name) in [
        (
            BEGIN,
            blocks,
            "block",
            format!("blocks: {}", limits.minimum_validity),
        ),
        (
            blocks,
            warns,
            "warn",
            format!("warns: {}", limits.warn_before),
        ),
    ] {
        if to > from {
            bands.push(Band {
                x: rounded(from),
                width: rounded(to - from),
                class,
                name,
                // The two names stand beside each other, however narrow the bands are.
                name_x: rounded(match class {
                    "block" => from - 4.0,
                    _ => from.max(BEGIN + 14.0) + 4.0,
                }),
            });
        }
    }
    bands
}

/// The first days of the months of the line.
fn months(begin: Timestamp, end: Timestamp) -> Vec<Month> {
    let mut months = Vec::new();
    let first = begin.to_zoned(TimeZone::UTC).date().first_of_month();
    for count in 1..=14 {
        let Ok(date) = first.checked_add(i64::from(count).months()) else {
            break;
        };
        let Ok(zoned) = date.to_zoned(TimeZone::UTC) else {
            break;
        };
        let instant = zoned.timestamp();
        if instant >= end {
            break;
        }
        let x = rounded(x_of(begin, instant));
        let name = match date.month() == 1 {
            // Beside what stands before and behind the line there is no room for a name.
            _ if !(BEGIN + 16.0..END - 34.0).contains(&x) => String::new(),
            true => date.strftime("%b %Y").to_string(),
            false => date.strftime("%b").to_string(),
        };
        months.push(Month { x, name });
    }
    months
}

/// Where an instant stands on the line that begins at `begin`.
fn x_of(begin: Timestamp, instant: Timestamp) -> f64 {
    let seconds = instant.duration_since(begin).as_secs_f64();
    BEGIN + (END - BEGIN) * seconds / (86_400.0 * days(DAYS_AHEAD))
}

fn days(days: i64) -> f64 {
    f64::from(i32::try_from(days).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_from_now_to_its_end() {
        let begin: Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
        let after = |days: i64| begin.checked_add((24 * days).hours()).unwrap();
        assert_eq!(rounded(x_of(begin, begin)), BEGIN);
        assert_eq!(rounded(x_of(begin, after(DAYS_AHEAD))), END);
        let months = months(begin, after(DAYS_AHEAD));
        assert_eq!(months.len(), 13);
        assert_eq!(months[0].name, "Apr");
        assert_eq!(months[9].name, "Jan 2027");
        assert!(months.windows(2).all(|pair| pair[0].x < pair[1].x));
    }

    #[test]
    fn a_column_of_one_is_seen_beside_one_of_many() {
        let expiry = Expiry {
            what: Expiring::Profile,
            name: "Rocket".to_owned(),
            id: "u".to_owned(),
            expires: Timestamp::UNIX_EPOCH,
            days_left: 25,
            standing: Standing::Soon,
        };
        let small = column(Slot::Bin(2), &[&expiry], 200, 100.0);
        let many = vec![&expiry; 200];
        let large = column(Slot::Bin(2), &many, 200, 100.0);
        assert!(small.height >= 4.0 && small.height < large.height);
        assert!(large.y >= HEADROOM - 14.0, "{large:?}");
        assert_eq!(large.title.lines().count(), NAMED + 1);
        assert_eq!(small.class, "warn");
    }
}
