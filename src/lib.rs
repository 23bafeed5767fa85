//! Countersign keeps the signing context of Mac build fleets pinned, proven and short-lived.
//!
//! A countersign is the reply that a sentry demands before opening the gate. Here the gate stands before `xcodebuild`:
//! provisioning profiles are read and proven, frozen in a manifest that people review, and no build starts on a machine
//! that differs from it.
//!
//! The rooms, in the order in which data flows; a room uses only rooms above it, and `tests/architecture` holds that:
//!
//! - [`base`]: words everyone speaks: identifiers, digests, secrets, instants, findings
//! - [`apple`]: Apple's formats, bytes in and typed values out; pure
//! - [`xcode`]: the project's side, pure on text: targets and what they ask of signing
//! - [`context`]: the signing context; decisions only, no effects
//! - [`host`]: effects on this machine
//! - [`ledger`]: what must be remembered: the audit log
//! - [`cli`]: talk: arguments in, one library call, a rendered report and an exit code out
//!
//! Proof is carried by values with private fields and one constructor each: an [`apple::profile::Profile`] is a file
//! whose signatures hold, a [`context::manifest::Manifest`] is well-formed and complete, a [`context::gate::Cleared`]
//! says that the gate passed for one plan, on one host, until one instant.

pub mod apple;
pub mod base;
pub mod cli;
pub mod context;
pub mod host;
pub mod ledger;
pub mod xcode;
