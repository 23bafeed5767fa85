//! An attacker's tour: what was tried against countersign, and what it answers.
//!
//! Each module is one place of attack and each test one attack: its name says what the attacker gets to see or do. An attack
//! worked once, unless its test says that it never did. What is not covered stands in the README's section on security.

#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics where its claim fails"
)]

mod certificates_and_messages;
mod clock_and_host;
mod envelope;
mod environment;
mod lent_lock;
mod limits;
mod log;
mod manifest_edits;
mod other_users;
mod password;
mod pinned_facts;
mod policy;
mod process_limits;
mod project_files;
mod remembered_proofs;
mod run_inputs;
mod sealed_log;
mod shadows;
mod signer;
mod state_directory;
mod stragglers;
