//! What each command does: one function per verb, a plain request in, a typed answer out.
//!
//! Nothing here knows a command line, a terminal or an exit code: a daemon, a rehearsal and a test call the same functions
//! as `cli`. A verb gets its request and a [`World`](world::World). It answers with a document, whose type is also its JSON
//! contract, or with a [`Failure`](error::Failure). Decisions are made in `context`; effects go through `host` and `ledger`.
//!
//! - [`audit`]: the audit log: show, verify, checkpoint
//! - [`error`]: why a verb gives no answer
//! - [`identity`]: signing identities: list, digest
//! - [`keychain`]: the CI keychain: create, import, lock, status, destroy, recover
//! - [`notice`]: what a verb says while it works
//! - [`password`]: passwords that a verb is handed
//! - [`report`]: words that several documents share, and where a document's findings stand
//! - [`state_files`]: the names of files in the state directory
//! - [`watchdog`]: closes the keychain when a run cannot
//! - [`world`]: what a verb may know

pub mod audit;
pub mod error;
pub mod identity;
mod interim;
pub mod keychain;
pub mod notice;
pub mod password;
pub mod report;
pub mod state_files;
pub mod watchdog;
pub mod world;
