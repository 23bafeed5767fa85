//! The audit log: an append-only file of JSON lines, each bound to the one before it.
//!
//! A log is worth what it says after something went wrong, so three things are held here. A record is on the disk before
//! what it announces is done: every append ends in `fsync`, under a lock on the file itself, and its error is the
//! caller's reason not to act. A crash in the middle of a write leaves a torn last line; the next append moves it to a
//! side file and says so in a record of its own, it is never silently dropped and never built upon. And nobody changes a
//! record unseen: [`verify`] finds every edit, removal, repetition and reorder, and with a checkpoint at hand also a log
//! that was cut short.
//!
//! Appending reads the last line and nothing else, so it costs the same in a log of ten records and of ten million.
//!
//! What this does not do: it does not keep its writer from writing a whole new log. The chain has no key; a checkpoint
//! kept elsewhere (every receipt and every envelope carries one) is what makes a rewritten log found out.

mod chain;
mod error;
mod log;
mod reading;
mod record;
mod tail;

pub use self::chain::{Chain, Flaw, FlawKind, Verification};
pub use self::error::AuditError;
pub use self::log::{Appended, AuditLog, SetAside};
pub use self::reading::{checkpoint, show, verify};
pub use self::record::Record;

#[cfg(test)]
mod tests;
