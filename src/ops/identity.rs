//! Signing identities: list, digest.
//!
//! - [`source`]: where they are read from
//! - `stored`: as fastlane match stores them
//! - [`list`], [`digest`]: the verbs

pub mod digest;
pub mod list;
pub mod source;
pub(super) mod stored;
