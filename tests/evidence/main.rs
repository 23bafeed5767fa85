//! A built product against the context that it was signed in: each thing that is not as it was planned is named at its path,
//! and what was built as planned is cleared.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

mod archives;
mod claims;
mod coverage;
mod destinations;
mod digests;
mod profiles;
mod projects;
mod runs;
mod scene;
mod signers;
mod teams;
