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
//! - [`ops`]: one function for each verb: a plain request in, a typed answer out
//! - [`cli`]: talk: arguments in, one library call, a rendered report and an exit code out
//!
//! Proof is carried by values with private fields. Each has one constructor, and reading that one is the review:
//!
//! | value | what it proves | its only constructor |
//! |---|---|---|
//! | [`apple::signed_message::SignedMessage`] | a message is signed by somebody in a role, with a chain to a trusted root | [`apple::signed_message::Verifier::verify`] |
//! | [`apple::profile_signer::LayerProof`] | that message is one layer of a profile, and the role is right for it | [`apple::profile_signer::LayerProof::prove`] |
//! | [`apple::profile::Profile`] | both signatures of a profile hold | [`apple::profile::prove`] |
//! | [`context::manifest::Manifest`] | the manifest is well-formed and complete | [`context::manifest::Manifest::parse`] |
//! | [`context::gate::facts::LiveFacts`] | this machine was looked at, and when | [`host::observation::observe`] |
//! | [`context::gate::Verdict`] | the gate judged this machine | [`context::gate::judge`], or [`context::gate::refuse`] without a policy |
//! | [`context::gate::Cleared`] | the gate passed for one plan, on this host, from one instant until another | [`context::gate::judge`] |
//! | [`host::permit::OpenPermit`] | a clearance that still holds allows to open a keychain once | [`host::permit::OpenPermit::from_clearance`] |
//! | [`host::window::UnlockWindow`] | a keychain is open and somebody owns its closing | `UnlockWindow::open`, which [`host::session::run`] calls |
//!
//! A rehearsal asks about another machine or another instant with [`context::gate::facts::PlannedFacts`], which anybody makes.
//! It gets a [`context::gate::Rehearsal`], and no way leads from there to a clearance.

pub mod apple;
pub mod base;
pub mod cli;
pub mod context;
pub mod host;
pub mod ledger;
pub mod ops;
pub mod xcode;
