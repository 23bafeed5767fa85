//! Envelopes: written by the gate, signed by whoever signs, verified by this library and by OpenSSH.
//!
//! Decisions are tested on values that the forge signs; the program is run for what it writes, and beside `ssh-keygen` to
//! see that both agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs ssh-keygen"
)]

mod allowed_signers;
mod scene;
mod signing;
mod ssh_keygen;
mod verdicts;
