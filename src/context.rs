//! The signing context: decisions only, no effects.
//!
//! Everything here is a function of values. Other rooms read the policy's text, the host's name, the time and the
//! directories, and pass them as arguments. So the same decision can be rehearsed at any instant on any planned
//! state, and tested on any machine.
//!
//! - [`policy`]: `signing.toml`, what the people who own the signing keys allow
//! - [`manifest`]: `profiles.json`, what the signing context is pinned to
//! - [`plan`]: which target is signed by which profile and certificate
//! - [`profile_check`]: whether a profile lets a product run that no Xcode project describes
//! - [`products`]: what signs the products that the policy declares, and what is not right with them
//! - [`gate`]: whether this runner may sign this project now, one file per check
//! - [`evidence`]: whether a built product is what was planned and pinned, one file per check
//! - [`rotation`]: which profile replaces which, in which order, and what the manifest is after each step
//! - [`envelope`]: the statement about it for the next stage of a pipeline, and whether one holds
//! - [`portal`]: what App Store Connect holds beside manifest and machine, and which successors are made there
//! - [`ssh`]: OpenSSH's keys, signatures and allowed signers
//! - [`suggestion`]: "did you mean"
//! - `digest_mismatch`: another digest than the expected one, and the digest of nothing

mod digest_mismatch;
pub mod envelope;
pub mod evidence;
pub mod gate;
pub mod manifest;
pub mod plan;
pub mod policy;
pub mod portal;
pub mod products;
pub mod profile_check;
pub mod rotation;
pub mod ssh;
pub mod state;
pub mod suggestion;
