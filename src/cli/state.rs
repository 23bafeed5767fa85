//! Words for states.

use anstyle::Style;
use jiff::Timestamp;

use super::report::{self, GOOD};
use super::table::Cell;
use crate::base::finding::Severity;
use crate::context::state::State;

/// The state as a person reads it: `ok`, `expires in 12 d`, `EXPIRED`, `NOT PROVEN`, `pinned`, `shadow`.
pub(super) fn words(state: State, expires: Option<Timestamp>, now: Timestamp) -> String {
    match state {
        State::NotProven => "NOT PROVEN".to_owned(),
        State::Expired => "EXPIRED".to_owned(),
        State::Shadow => "shadow".to_owned(),
        State::ExpiresSoon => expires.map_or("expires soon".to_owned(), |expires| {
            match expires.duration_since(now).as_hours() / 24 {
                0 => "expires today".to_owned(),
                days => format!("expires in {days} d"),
            }
        }),
        State::Pinned => "pinned".to_owned(),
        State::Ok => "ok".to_owned(),
    }
}

/// The style of a state.
pub(super) fn style(state: State) -> Style {
    match state {
        State::NotProven | State::Expired => report::style(Severity::Block),
        State::Shadow | State::ExpiresSoon => report::style(Severity::Warn),
        State::Pinned | State::Ok => GOOD,
    }
}

/// The state as a cell of a table.
pub(super) fn cell(state: State, expires: Option<Timestamp>, now: Timestamp) -> Cell {
    Cell::new(&words(state, expires, now)).styled(style(state))
}

/// The day of an instant, as tables show it.
pub(super) fn day(expires: Option<Timestamp>) -> Cell {
    let day = expires.map(|expires| expires.to_string().chars().take(10).collect::<String>());
    Cell::new(day.as_deref().unwrap_or("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_that_are_left_are_whole_ones() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let soon = |end: &str| words(State::ExpiresSoon, Some(end.parse().unwrap()), now);
        assert_eq!(soon("2026-06-13T23:00:00Z"), "expires in 12 d");
        assert_eq!(soon("2026-06-01T12:00:00Z"), "expires today");
        assert_eq!(words(State::NotProven, None, now), "NOT PROVEN");
    }
}
