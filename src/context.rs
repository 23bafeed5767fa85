//! The signing context: decisions only, no effects.
//!
//! Everything here is a function of values. The policy's text, the host's name, the hour, what lies in a directory: all
//! of it is read elsewhere and handed in, so that the same decision can be rehearsed at any instant on any planned
//! state, and tested on any machine.
//!
//! - [`policy`]: `signing.toml`, what the people who own the signing keys allow
//! - [`manifest`]: `profiles.json`, what the signing context is pinned to
//! - [`plan`]: which target is signed by which profile and certificate
//! - [`gate`]: whether this runner may sign this project now, one file per check
//! - [`envelope`]: what the next stage of a pipeline is told of it
//! - [`suggestion`]: "did you mean"

pub mod envelope;
pub mod gate;
pub mod manifest;

pub mod plan;
pub mod policy;
pub mod suggestion;
