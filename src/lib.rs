//! Countersign keeps the signing context of Mac build fleets pinned, proven and short-lived.
//!
//! The rooms, in the order in which data flows; a room uses only rooms above it, and `tests/architecture.rs` holds that:
//!
//! - [`base`]: words everyone speaks
//! - [`apple`]: Apple's formats, bytes in and typed values out
//! - [`context`]: the signing context; decisions only, no effects
//! - [`host`]: effects on this machine
//! - [`ledger`]: what must be remembered

pub mod apple;
pub mod base;
pub mod context;
pub mod host;
pub mod ledger;
