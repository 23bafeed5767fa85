//! The program as people meet it: built, run in a directory of its own, with an environment in which nothing stands but
//! a home.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

mod audit;
mod bare_root;
mod completions;
mod doctor;
mod environment;
mod freezing;
mod gate;
mod identities;
mod init;
mod init_and_gate;
mod match_repository;
mod policies;
mod profile_check;
mod profiles;
mod reports;
mod states;
mod talk;
