//! The gate judges values: one world in which everything is right, and for each finding code the one change that brings it up.
//!
//! Findings are rehearsed: facts are built by hand, as a rehearsal of next month would build them, and nothing touches a
//! disk, a clock or a keychain. A clearance cannot be had that way, so what is said of clearances is shown on this machine,
//! looked at where a directory was built for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod certificates;
mod clearance;
mod identities;
mod inputs;
mod manifest;
mod node;
mod observation;
mod permit;
mod policy;
mod profiles;
mod scene;
mod shadows;
mod targets;
mod verdict;
