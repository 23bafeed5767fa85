//! App Store Connect, against a stand-in that holds to Apple's schemas.
//!
//! The stand-in ([`apple`]) is a server on the loopback of this machine. It checks every token and every request, its answers are
//! held to the schemas of `openapi.json`, and it does what Apple's does when things go wrong: it pages, refuses at a limit,
//! answers `429` in the middle, loses the answer to a request that it carried out, and calls profiles `ACTIVE` that expired
//! long ago. The forge mints what it hands out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic, run the built program, and a stand-in of another machine has a clock"
)]

mod answers;
mod apple;
mod bench;
mod facts;
mod fetching;
mod http;
mod keys;
mod listing;
mod renewing;
mod secrets;
