//! Signing identities: list, digest.
//!
//! - [`source`]: where they are read from
//! - [`list`], [`digest`]: the verbs

pub mod digest;
pub mod list;
pub mod source;
