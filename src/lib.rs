//! Countersign keeps the signing context of Mac build fleets pinned, proven and short-lived.
//!
//! A countersign is the reply that a sentry demands before opening the gate. Here the gate stands before
//! `xcodebuild`. Countersign reads and proves provisioning profiles and freezes them in a manifest that people
//! review. No build starts on a machine that differs from the manifest.
//!
//! The modules are called rooms. They stand here in the order in which data flows. A room uses only rooms above it,
//! and `tests/architecture` checks this:
//!
//! - [`base`]: types that all rooms share: identifiers, digests, secrets, instants, findings, errors
//! - [`apple`]: Apple's formats, bytes in and typed values out; pure
//! - [`xcode`]: Xcode projects: their targets, settings and entitlements; pure
//! - [`context`]: the signing context; decisions only, no effects
//! - [`host`]: effects on this machine
//! - [`ledger`]: the audit log
//! - [`ops`]: one function for each command: a plain request in, a typed answer out
//! - [`cli`]: the command line: arguments in, a report and an exit code out
//!
//! Some values prove something. Their fields are private, and each has only one constructor. To review a proof, read
//! its constructor:
//!
//! | value | what it proves | its only constructor |
//! |---|---|---|
//! | [`apple::signed_message::SignedMessage`] | a message is signed by somebody in a role, with a chain to a trusted root | [`apple::signed_message::Verifier::verify`] |
//! | [`apple::profile_signer::LayerProof`] | that message is one layer of a profile, and the role is right for it | [`apple::profile_signer::LayerProof::prove`] |
//! | [`apple::profile::Profile`] | both signatures of a profile hold | [`apple::profile::prove`] |
//! | [`apple::code_signature::verify::VerifiedProduct`] | every page, slot, seal and signature of a built product holds, and Apple knows who signed | [`apple::code_signature::verify::VerifiedProduct::of`] |
//! | [`context::manifest::Manifest`] | the manifest is well-formed, complete, and byte for byte what freezing writes | [`context::manifest::Manifest::parse`] |
//! | [`context::gate::facts::LiveFacts`] | this machine was looked at, and when | [`host::observation::observe`] |
//! | [`context::gate::Verdict`] | the gate judged this machine | [`context::gate::judge`], or [`context::gate::refuse`] without a policy |
//! | [`context::gate::Cleared`] | the gate passed for one plan, on this host, from one instant until another | [`context::gate::judge`] |
//! | [`context::envelope::verify::VerifiedEnvelope`] | somebody who may sign has signed a statement of the gate, and it says what is expected | [`context::envelope::verify::verify`] |
//! | [`host::permit::OpenPermit`] | a clearance that still holds allows to open a keychain once | [`host::permit::OpenPermit::from_clearance`] |
//! | [`host::window::UnlockWindow`] | a keychain is open and somebody owns its closing | `UnlockWindow::open`, which [`host::session::run`] calls |
//!
//! A rehearsal asks about another machine or another instant. It takes [`context::gate::facts::PlannedFacts`], which
//! any caller can make, and gives a [`context::gate::Rehearsal`]. A rehearsal can never become a clearance.

pub mod apple;
pub mod base;
pub mod cli;
pub mod context;
pub mod host;
pub mod ledger;
pub mod ops;
pub mod xcode;
