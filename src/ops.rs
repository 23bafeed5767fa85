//! The work of each command: one function per verb, a plain request in, a typed answer out.
//!
//! This room knows no command line, terminal or exit code. So a daemon, a rehearsal and a test can call the same
//! functions as `cli`. A verb gets its request and a [`World`](world::World). It answers with a document, whose type
//! is also its JSON contract, or with a [`Failure`](error::Failure). Decisions are made in `context`; effects go
//! through `host` and `ledger`.
//!
//! - [`audit`]: the audit log: show, verify, checkpoint
//! - [`audit_log`]: the audit log, opened for writing, and actions that it records
//! - [`contract`]: whether this Mac keeps the promises that countersign builds on
//! - [`doctor`]: what this machine is to countersign
//! - [`envelope`]: envelopes that were handed over: verify
//! - [`error`]: why a verb gives no answer
//! - [`explain`]: what a code of a finding or an error means
//! - [`gate`]: whether this machine may sign with this manifest now
//! - [`identity`]: signing identities: list, digest
//! - [`init`]: the first setup of a repository
//! - [`keychain`]: the CI keychain: create, import, lock, status, destroy, recover
//! - [`manifest`]: the frozen manifest: freeze, show, digest, diff, verify
//! - [`notice`]: what a verb reports while it works
//! - [`output`]: writing output files
//! - [`page`]: the whole signing context on one page
//! - [`password`]: passwords that a verb is handed
//! - [`policy`]: the policy: digest
//! - [`portal`]: App Store Connect: list, renew, fetch
//! - [`certificate`]: certificates: show, and what hangs on them
//! - [`product`]: built products: show, verify
//! - [`profile`]: provisioning profiles: show, list, install, prune
//! - [`report`]: words that several documents share, and where a document's findings stand
//! - [`run`]: a command runs while the CI keychain is open
//! - [`schema`]: the documents and their JSON Schemas
//! - [`target_selection`]: which targets a verb is about, and what they ask of signing
//! - [`targets`]: targets of Xcode projects: show, check, export
//! - [`watchdog`]: closes the keychain when a run cannot
//! - [`world`]: what a verb knows of the machine and the process

pub mod audit;
pub mod audit_log;
pub mod certificate;
pub mod contract;
pub mod doctor;
pub mod envelope;
pub mod error;
pub mod explain;
pub mod gate;
pub mod identity;
pub mod init;
pub mod keychain;
mod located;
pub mod manifest;
pub mod notice;
pub mod output;
pub mod page;
pub mod password;
pub mod policy;
pub mod portal;
pub mod product;
pub mod profile;
mod project_at_hand;
mod prove;
pub mod report;
pub mod rotate;
pub mod run;
pub mod schema;
pub mod target_selection;
pub mod targets;
pub mod watchdog;
pub mod world;
