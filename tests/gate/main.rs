//! The gate judges values: one world in which everything is right, and for each finding code the one change that brings it up.
//!
//! Nothing here touches a disk, a clock or a keychain: facts are built by hand, as a rehearsal of next month would build them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod certificates;
mod identities;
mod manifest;
mod node;
mod profiles;
mod scene;
mod shadows;
mod verdict;
