//! Rotation: which profile replaces which, in which order, and what every step leaves on a disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and starts processes that die"
)]

mod branches;
mod crashes;
mod elsewhere;
mod embedding;
mod guide;
mod intermediates;
mod machines;
mod order;
mod places;
mod planning;
mod rehearsal;
mod scale;
mod site;
mod steps;
mod successions;
