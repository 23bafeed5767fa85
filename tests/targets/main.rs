//! What signs which target: projects of the forge, checked, frozen, gated and exported by the built program.
//!
//! Each test takes Acme's project, in which everything fits, and bends one thing; the finding must come alone and point
//! at the line that did it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod bad_input;
mod checks;
mod choice;
mod contradictions;
mod export;
mod export_feedback;
mod export_forms;
mod findings;
mod frozen_for;
mod identities;
mod keys;
mod one_verdict;
mod outside;
mod platforms;
mod products;
mod scene;
mod schemes;
mod used;
mod verdicts;
mod workspaces;
