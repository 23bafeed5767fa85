//! The timeline: when a rotation must begin, and what ends when, over the columns of the instants.
//!
//! Pure: the document in, shapes out.

use super::axis::{Axis, BOTTOM};
use crate::base::plain::plain;
use crate::cli::page::shown::{count, minute, rounded};
use crate::context::rotation::rehearsal::{Event, EventKind, Moment};

/// A lane is so high, and the middle of its dots is so far below its top.
const LANE: f64 = 24.0;
const MIDDLE: f64 = 12.0;
/// The radius of a dot, where columns are wide, and the smallest.
const LARGE: f64 = 5.0;
const SMALL: f64 = 1.5;
/// A column as wide as this has room for a number beside its dot.
const WITH_NUMBER: f64 = 30.0;

/// What happens in a lane, and what the lane is called.
const LANES: [(EventKind, &str); 3] = [
    (EventKind::BeginBy, "a rotation must begin"),
    (EventKind::ProfileEnds, "profiles end"),
    (EventKind::CertificateEnds, "certificates end"),
];

/// The shapes of a timeline.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) height: f64,
    /// Where the columns end.
    pub(super) ground: f64,
    pub(super) lanes: Vec<Lane>,
}

/// Events of one kind.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: &'static str,
    /// Where the middle of its dots is.
    pub(super) middle: f64,
    pub(super) dots: Vec<Dot>,
}

/// Events of one kind at one instant.
#[derive(Debug)]
pub(super) struct Dot {
    pub(super) x: f64,
    pub(super) radius: f64,
    pub(super) title: String,
    /// How many there are, if more than one and there is room; where that stands.
    pub(super) number: Option<(f64, String)>,
}

/// Draws the timeline of a calendar.
pub(super) fn draw(calendar: &[Moment], axis: &Axis) -> Timeline {
    let mut lanes = Vec::new();
    for (kind, name) in LANES {
        let moments = calendar.iter().enumerate();
        let dots = moments.filter_map(|(place, moment)| {
            let mut events = moment.events.iter();
            let event = events.find(|event| event.what == kind)?;
            Some(dot(place, moment, event, axis))
        });
        let dots: Vec<Dot> = dots.collect();
        if !dots.is_empty() {
            lanes.push(Lane {
                name,
                middle: axis.top + LANE * count(lanes.len()) + MIDDLE,
                dots,
            });
        }
    }
    let ground = axis.top + LANE * count(lanes.len().max(1));
    Timeline {
        height: ground + BOTTOM,
        ground,
        lanes,
    }
}

fn dot(place: usize, moment: &Moment, event: &Event, axis: &Axis) -> Dot {
    let x = axis.middle(&(place..place + 1));
    let radius = (axis.width / 2.0 - 0.5).clamp(SMALL, LARGE);
    let many = event.names.len() + event.more;
    Dot {
        x: rounded(x),
        radius: rounded(radius),
        title: format!("{}: {}", minute(moment.at), plain(&event.title())),
        number: (many > 1 && axis.width >= WITH_NUMBER)
            .then(|| (rounded(x + radius + 3.0), format!("× {many}"))),
    }
}
