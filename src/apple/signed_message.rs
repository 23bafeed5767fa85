//! A signed message at an instant: what a CMS signature proves.
//!
//! [`SignedMessage`] says that all of this holds, and [`Verifier::verify`] is the only place that makes one:
//!
//! 1. there is one signer; its digest is over the content, and its signature is over the signed attributes
//!    (RFC 5652 §5.4, §5.6);
//! 2. a chain of certificates leads from the signer's certificate to a root that is believed. Each certificate is signed
//!    by the next one, may do what the chain needs of it, and is valid **at the instant** that the caller asks about;
//! 3. the signer has a **role**: Apple's marker extensions say what Apple issued its certificate for. Every developer
//!    certificate chains to the same roots, so a chain alone says little.
//!
//! The caller says what it needs in [`Requirements`]: where the content is, its type, which digests suffice, which
//! roots end a chain and how long it may be, which roles are wanted, and the instant. A provisioning profile asks
//! twice, with the answers of its two layers (see [`crate::apple::profile_signer`]).
//!
//! The signing time is the signer's own claim. Signatures outlive the certificates that made them, so a check against
//! today's date would refuse a third of the good profiles. An attacker who has the key of one of Apple's signers
//! could sign anything, and would gain nothing from a false time. Revocation is not looked up, because gates run
//! offline.
//!
//! The bundle of certificates in a message proves nothing, because no signature covers it. It may leave the root out,
//! hold another one, or hold certificates that do not belong to the chain. Candidates come from the believed roots
//! and from the bundle, and a wrong one is passed over. The search is bounded, so that a hostile bundle costs no more
//! than a few signatures.

mod certificate_cache;
mod chain;
mod fault;
mod requirements;
mod verifier;

pub use fault::Fault;
pub use requirements::{
    Authority, Content, MAX_CHAIN, Purpose, Requirements, RoleMarkers, ValidAt,
};
pub use verifier::{SignedMessage, Verifier};
