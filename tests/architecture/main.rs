//! The rules that the house holds itself to, read from the sources.
//!
//! Each rule is a test of its own; it lists every place that breaks it as `file:line: what`. The sources are read as
//! tokens ([`source`]), so comments and documentation break no rule, and neither does code that only tests compile. Names
//! are followed to the file that declares the item ([`paths`]).
//!
//! A rule that is not true yet stands in [`NOT_YET`]. Such a rule must have offences: whoever mends the last one takes it
//! off the list, and from then on it holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod circles;
mod effects;
mod paths;
mod proofs;
mod rooms;
mod size;
mod source;
mod surface;
mod users;
mod words;

/// Rules, by the name of their test, that are not true yet.
const NOT_YET: &[&str] = &["nothing_is_there_for_tests_only"];

/// From the top of the house to the bottom: a room uses only rooms above it. `access` and `trust` are rooms to come.
const ROOMS: &[&str] = &[
    "base", "apple", "xcode", "context", "host", "ledger", "access", "trust", "ops", "cli",
];

/// Fails with the places that break a rule.
#[track_caller]
fn hold(rule: &str, offences: &[String]) {
    let all = offences.join("\n  ");
    if NOT_YET.contains(&rule) {
        assert!(
            !offences.is_empty(),
            "{rule} is true now: take it off NOT_YET"
        );
        eprintln!("not yet: {rule}:\n  {all}");
    } else {
        assert!(
            offences.is_empty(),
            "{rule}: {} places break it:\n  {all}",
            offences.len()
        );
    }
}

#[test]
fn rules_that_are_not_true_yet_are_rules() {
    let known = [
        circles::RULES,
        effects::RULES,
        proofs::RULES,
        rooms::RULES,
        size::RULES,
        surface::RULES,
        users::RULES,
        words::RULES,
    ]
    .concat();
    for rule in NOT_YET {
        assert!(known.contains(rule), "no rule is called {rule}");
    }
}
