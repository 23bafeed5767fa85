//! The policy file: what is read, and that every mistake is refused at its line with what was probably meant.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say where"
)]

mod credentials;
mod documented;
mod files;
mod minimum_version;
mod reading;
mod values;
