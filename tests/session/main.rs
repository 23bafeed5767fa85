//! What `run` promises: open for the job, closed on every way out.
//!
//! Every claim runs the real program, over the portable keychain and over macOS's with a stand-in for `security`.

#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod deadline;
mod held_open;
mod kill_matrix;
mod parallel;
mod recovery;
mod refusals;
mod running;
mod secrets;
mod signals;
mod xcodebuild;
use support::site;
