//! The axis: where each instant of a rehearsal stands, and what is written above and below it.
//!
//! Every instant has a column of the same width, because they lie unevenly: hours between two promotions, years between two ends. The
//! timeline and the grids of all branches have the same columns, so an instant stands at the same place in each. Above them stand the
//! steps, as bands through everything below; under them stand the dates, as many as there is room for.

use std::ops::Range;

use crate::base::plain::plain;
use crate::cli::page::shown::{count, day, minute, rounded};
use crate::context::rotation::rehearsal::{EventKind, Moment};

/// The drawing is this wide, in units of its own.
pub(super) const WIDTH: f64 = 1000.0;
/// Where the columns begin and end. Names stand before them.
const BEGIN: f64 = 196.0;
const END: f64 = 980.0;
/// A column is at most this wide.
const WIDEST: f64 = 160.0;
/// A character takes so much.
const CHARACTER: f64 = 6.8;
/// A date takes so much, and labels stand so far apart.
const DATE: f64 = 38.0;
const APART: f64 = 9.0;
/// The labels of steps stand in so many rows, and a row is so high.
const ROWS: usize = 3;
const ROW: f64 = 16.0;
/// The room between the lowest label and the columns, and below the columns.
const GAP: f64 = 8.0;
pub(super) const BOTTOM: f64 = 52.0;

/// The columns of a rehearsal.
#[derive(Debug)]
pub(super) struct Axis {
    /// How wide a column is.
    pub(super) width: f64,
    /// Where the columns begin and end.
    pub(super) begin: f64,
    pub(super) end: f64,
    /// The room above the columns.
    pub(super) top: f64,
    pub(super) marks: Vec<Mark>,
    pub(super) labels: Vec<Label>,
}

/// Steps of one kind, at instants that follow each other.
#[derive(Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) title: String,
    pub(super) text: String,
    /// Where its text stands, if there is room for it.
    pub(super) label: Option<(f64, f64)>,
}

/// The numbers and the date of the instants of one day.
#[derive(Debug, PartialEq)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) numbers: String,
    pub(super) day: String,
    /// The year, where it is another than that of the label before.
    pub(super) year: String,
}

/// Instants that follow each other, and whose steps are of the same kinds.
struct Span {
    places: Range<usize>,
    kinds: Vec<&'static str>,
    steps: usize,
}

impl Axis {
    pub(super) fn of(calendar: &[Moment]) -> Self {
        let many = calendar.len();
        let width = ((END - BEGIN) / count(many.max(1))).min(WIDEST);
        let mut axis = Self {
            width,
            begin: BEGIN,
            end: rounded(BEGIN + width * count(many)),
            top: GAP,
            marks: Vec::new(),
            labels: Vec::new(),
        };
        axis.labels = axis.dates(calendar);
        axis.mark(calendar);
        axis
    }

    /// Where the column of this place begins.
    pub(super) fn left(&self, place: usize) -> f64 {
        self.begin + self.width * count(place)
    }

    /// The middle of these columns.
    pub(super) fn middle(&self, places: &Range<usize>) -> f64 {
        f64::midpoint(self.left(places.start), self.left(places.end))
    }

    /// The steps, and the room above the columns that their labels take.
    fn mark(&mut self, calendar: &[Moment]) {
        let spans = spans(calendar);
        let texts: Vec<String> = spans.iter().map(Span::text).collect();
        let middles: Vec<f64> = spans.iter().map(|it| self.middle(&it.places)).collect();
        let rows = in_rows(&middles, &texts);
        let used = rows.iter().flatten().map(|row| row + 1).max();
        self.top = GAP + ROW * count(used.unwrap_or(0));
        let marks = spans.iter().zip(texts).zip(middles.iter().zip(rows));
        let marks = marks.map(|((span, text), (middle, row))| Mark {
            x: rounded(self.left(span.places.start)),
            width: rounded(self.width * count(span.places.len())),
            title: span.title(calendar),
            text,
            label: row.map(|row| (rounded(*middle), self.top - GAP - ROW * count(row))),
        });
        self.marks = marks.collect();
    }

    /// The dates that there is room for, those of steps first.
    fn dates(&self, calendar: &[Moment]) -> Vec<Label> {
        let days = days(calendar);
        let last = calendar.len();
        let mut wishes: Vec<(u8, usize)> = days
            .iter()
            .map(|it| wish(calendar, it, last))
            .zip(0..)
            .collect();
        wishes.sort_unstable();
        let mut taken: Vec<(f64, usize)> = Vec::new();
        for (_, at) in wishes {
            let Some(places) = days.get(at) else { continue };
            let middle = self.middle(places);
            // So few have room beside each other that looking at each is quick.
            if taken
                .iter()
                .all(|(other, _)| (other - middle).abs() >= DATE + APART)
            {
                taken.push((middle, at));
            }
        }
        taken.sort_unstable_by_key(|(_, at)| *at);
        let mut year_before = String::new();
        let labels = taken.into_iter().filter_map(|(x, at)| {
            let places = days.get(at)?;
            let instant = calendar.get(places.start)?.at;
            let year = instant.strftime("%Y").to_string();
            let is_known = std::mem::replace(&mut year_before, year.clone()) == year;
            Some(Label {
                x: rounded(x),
                numbers: numbers(places),
                day: instant.strftime("%-d %b").to_string(),
                year: if is_known { String::new() } else { year },
            })
        });
        labels.collect()
    }
}

impl Span {
    /// `stage`, `promote × 50`.
    fn text(&self) -> String {
        let kinds = self.kinds.join(", ");
        match self.steps {
            0 | 1 => kinds,
            many => format!("{kinds} × {many}"),
        }
    }

    /// What happens, a line for each instant; of many the first.
    fn title(&self, calendar: &[Moment]) -> String {
        const SHOWN: usize = 12;
        let moments = calendar.get(self.places.clone()).unwrap_or_default();
        let lines = moments.iter().take(SHOWN);
        let mut lines: Vec<String> = lines
            .map(|moment| format!("{}: {}", minute(moment.at), plain(&moment.title())))
            .collect();
        if moments.len() > SHOWN {
            lines.push(format!("and {} more", moments.len() - SHOWN));
        }
        lines.join("\n")
    }
}

/// `3`, or `3–5`: instants are counted from 1.
pub(super) fn numbers(places: &Range<usize>) -> String {
    let (first, last) = (places.start + 1, places.end);
    match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    }
}

/// The kinds of steps that are taken at an instant.
pub(super) fn steps_at(moment: &Moment) -> Vec<&'static str> {
    let steps = moment.events.iter().filter(|event| {
        matches!(
            event.what,
            EventKind::Stage | EventKind::Promote | EventKind::Retire
        )
    });
    steps.map(|event| event.what.as_str()).collect()
}

fn spans(calendar: &[Moment]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut before = 0;
    for (place, moment) in calendar.iter().enumerate() {
        let steps = moment.steps.saturating_sub(before);
        before = moment.steps;
        let kinds = steps_at(moment);
        match spans.last_mut() {
            _ if kinds.is_empty() => {}
            Some(last) if last.places.end == place && last.kinds == kinds => {
                last.places.end += 1;
                last.steps += steps;
            }
            _ => spans.push(Span {
                places: place..place + 1,
                kinds,
                steps,
            }),
        }
    }
    spans
}

/// The instants of each day.
fn days(calendar: &[Moment]) -> Vec<Range<usize>> {
    let mut days: Vec<Range<usize>> = Vec::new();
    let mut before = String::new();
    for (place, moment) in calendar.iter().enumerate() {
        let day = day(moment.at);
        match days.last_mut() {
            Some(last) if day == before => last.end += 1,
            _ => days.push(place..place + 1),
        }
        before = day;
    }
    days
}

/// How much the date of a day is wished for: less is more.
fn wish(calendar: &[Moment], places: &Range<usize>, last: usize) -> u8 {
    let moments = calendar.get(places.clone()).unwrap_or_default();
    let ends = |moment: &Moment| {
        let mut events = moment.events.iter();
        events.any(|it| matches!(it.what, EventKind::ProfileEnds | EventKind::CertificateEnds))
    };
    match moments {
        _ if places.start == 0 || places.end == last => 0,
        moments if moments.iter().any(|it| !steps_at(it).is_empty()) => 1,
        moments if moments.iter().any(ends) => 2,
        _ => 3,
    }
}

/// The row of each text, so that none covers another; nothing for what has room in none.
fn in_rows(middles: &[f64], texts: &[String]) -> Vec<Option<usize>> {
    let mut ends = [f64::MIN; ROWS];
    let rows = middles.iter().zip(texts).map(|(middle, text)| {
        let half = width_of(text) / 2.0;
        let (row, end) = ends
            .iter_mut()
            .enumerate()
            .find(|(_, end)| **end + APART <= middle - half)?;
        *end = middle + half;
        Some(row)
    });
    rows.collect()
}

/// How wide a text is drawn, about.
pub(super) fn width_of(text: &str) -> f64 {
    CHARACTER * count(text.chars().count())
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan as _};

    use super::*;
    use crate::context::rotation::rehearsal::Event;

    /// Instants so many hours after the first, each with what happens then.
    fn calendar(of: &[(i64, EventKind)]) -> Vec<Moment> {
        let begin: Timestamp = "2026-12-30T10:00:00Z".parse().unwrap();
        let mut steps = 0;
        let moments = of.iter().map(|(hours, what)| {
            steps += usize::from(matches!(
                what,
                EventKind::Stage | EventKind::Promote | EventKind::Retire
            ));
            Moment {
                at: begin.checked_add(hours.hours()).unwrap(),
                events: vec![Event {
                    what: *what,
                    names: Vec::new(),
                    more: 0,
                }],
                steps,
            }
        });
        moments.collect()
    }

    #[test]
    fn promotions_in_a_row_are_one_band_and_no_label_covers_another() {
        let mut of = vec![(0, EventKind::Now), (1, EventKind::Stage)];
        of.extend((2..52).map(|hours| (hours, EventKind::Promote)));
        of.push((60, EventKind::Retire));
        of.extend((1..=340).map(|days| (60 + 24 * days, EventKind::ProfileEnds)));
        let axis = Axis::of(&calendar(&of));
        let texts: Vec<&str> = axis.marks.iter().map(|mark| &*mark.text).collect();
        assert_eq!(texts, ["stage", "promote × 50", "retire"]);
        for (at, mark) in axis.marks.iter().enumerate() {
            let (x, y) = mark.label.unwrap();
            assert!(y > 0.0 && y < axis.top, "{mark:?}");
            for other in &axis.marks[at + 1..] {
                let (other_x, other_y) = other.label.unwrap();
                let apart = (width_of(&mark.text) + width_of(&other.text)) / 2.0;
                assert!(y != other_y || other_x - x > apart, "{mark:?} {other:?}");
            }
        }
        let lines = axis.marks[1].title.lines().count();
        assert_eq!(lines, 13, "{}", axis.marks[1].title);
    }

    #[test]
    fn dates_stand_apart_and_the_first_the_last_and_those_of_steps_come_before_others() {
        let mut of: Vec<(i64, EventKind)> = (0..200)
            .map(|days| (24 * days, EventKind::ProfileEnds))
            .collect();
        of[100].1 = EventKind::Retire;
        let axis = Axis::of(&calendar(&of));
        assert!(
            axis.labels
                .windows(2)
                .all(|pair| pair[1].x - pair[0].x >= DATE + APART)
        );
        let numbers: Vec<&str> = axis.labels.iter().map(|label| &*label.numbers).collect();
        for number in ["1", "101", "200"] {
            assert!(numbers.contains(&number), "{numbers:?}");
        }
        assert!(axis.labels.len() > 10, "{numbers:?}");
        assert!(axis.labels.last().unwrap().x + DATE / 2.0 <= WIDTH);
        // A year is told where it begins.
        let years: Vec<&str> = axis.labels.iter().map(|label| &*label.year).collect();
        assert_eq!(years[0], "2026");
        assert_eq!(years.iter().filter(|year| !year.is_empty()).count(), 2);
    }

    #[test]
    fn instants_of_one_day_have_one_date() {
        let axis = Axis::of(&calendar(&[
            (0, EventKind::Stage),
            (1, EventKind::Promote),
            (2, EventKind::Promote),
            (24, EventKind::Retire),
        ]));
        let numbers: Vec<&str> = axis.labels.iter().map(|label| &*label.numbers).collect();
        assert_eq!(numbers, ["1–3", "4"]);
        assert_eq!(axis.labels[0].day, "30 Dec");
        assert_eq!(axis.width, WIDEST);
    }
}
