//! What each command does: one function per verb, a plain request in, a typed answer out.
//!
//! Nothing here knows a command line, a terminal or an exit code: a daemon, a rehearsal and a test call the same functions
//! as `cli`. A verb gets its request and a [`World`](world::World). It answers with a document, whose type is also its JSON
//! contract, or with a [`Failure`](error::Failure). Decisions are made in `context`; effects go through `host` and `ledger`.
//!
//! - [`audit`]: the audit log: show, verify, checkpoint
//! - [`error`]: why a verb gives no answer
//! - [`notice`]: what a verb says while it works
//! - [`report`]: words that several documents share, and where a document's findings stand
//! - [`world`]: what a verb may know

pub mod audit;
pub mod error;
mod interim;
pub mod notice;
pub mod report;
pub mod world;
