//! What the documents show is true: commands run or parse, outputs and pictures are what the program prints, links lead
//! somewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

mod book;
mod commands;
mod links;
mod markdown;
mod pictures;
mod readme;
mod scene;
