//! The rules that the house holds itself to, read from the sources.
//!
//! Each rule is a test of its own; it lists every place that breaks it as `file:line: what`. The sources are read as
//! tokens ([`source`]), so comments and documentation break no rule, and neither does code that only tests compile. Names
//! are followed to the file that declares the item ([`paths`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod circles;
mod effects;
mod limits;
mod paths;
mod proofs;
mod rooms;
mod size;
mod source;
mod surface;
mod users;
mod words;

/// From the top of the house to the bottom: a room uses only rooms above it. `access` and `trust` are rooms to come.
const ROOMS: &[&str] = &[
    "base", "apple", "xcode", "context", "host", "ledger", "access", "trust", "ops", "cli",
];

/// Fails with the places that break a rule.
#[track_caller]
fn hold(rule: &str, offences: &[String]) {
    assert!(
        offences.is_empty(),
        "{rule}: {} places break it:\n  {}",
        offences.len(),
        offences.join("\n  ")
    );
}
