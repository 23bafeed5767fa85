//! The audit log: an append-only file of JSON lines, each bound to the one before it.
//!
//! People need the log after something went wrong, so it has three properties. A record is on the disk before what it
//! announces is done: every append ends in `fsync`, under a lock on the file itself, and its error is the caller's
//! reason not to act. A crash in the middle of a write leaves a torn last line; the next append moves it to a side
//! file and says so in a record of its own, it is never silently dropped and never built upon. Every change is found:
//! [`verify`] finds each record that was changed, removed, repeated or moved, and with a checkpoint also a log that
//! was cut short.
//!
//! Appending reads the last line and nothing else, so it costs the same in a log of ten records and of ten million.
//!
//! The log has a limit: the chain has no key, so its writer can write a whole new log. To find that, keep a
//! checkpoint elsewhere; every receipt and every envelope has one.

mod backwards;
mod chain;
mod error;
mod flaw;
mod held;
mod known;
mod lines;
mod link;
mod log;
mod lost;
mod open;
mod reading;
mod record;
mod retention;
mod seal;
mod segment;
mod tail;

pub use self::chain::{Chain, Verification};
pub use self::error::AuditError;
pub use self::flaw::{ClockStep, Flaw, FlawKind, Note, NoteKind};
pub use self::known::{
    EvidenceError, Known, KnownCheckpoint, known_from_file, known_from_receipts,
};
pub use self::log::{Appended, AuditLog, SetAside};
pub use self::reading::{Since, Standing, export, show, show_last, standing, verify, verify_with};
pub use self::record::Record;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod chain_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod segment_tests;
#[cfg(test)]
mod tests;
