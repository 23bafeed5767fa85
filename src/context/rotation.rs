//! Rotation: from profiles that end to their successors, without a build that sees half of it.
//!
//! Apple's portal cannot change a profile: whoever renews one gets another, with a new UUID. So a rotation is about pairs. The
//! old profile is `active`, the new one is `incoming` beside it, then the new one is `active` and the old one `retiring`, and in the end
//! the old one is gone. Each of these is one revision of the manifest.
//!
//! Everything here is a function of values. What is paired comes from the manifest and from proven files; what changes is a new
//! manifest's content. `ops::rotate` carries it out.
//!
//! - [`succession`]: which profile replaces which, and what is not right about that
//! - [`certificates`]: which certificates are pinned, and what signs with each
//! - [`credential`]: what else ends, by the policy's word
//! - [`embedding`]: what a promotion would part from the certificate of the app that holds it
//! - [`intermediate`]: which machine holds what issued the certificates
//! - [`probe`]: what another machine says that it holds
//! - [`product`]: which profiles must change sides together, and in which order
//! - [`schedule`]: what ends when, for which cause, and when its rotation must begin
//! - [`revision`]: the manifest after each step
//! - [`rehearsal`]: what the gate says of all that at the instants to come, and with faults put in

pub mod certificates;
pub mod credential;
pub mod embedding;
pub mod intermediate;
pub mod probe;
pub mod product;
pub mod rehearsal;
pub mod revision;
pub mod schedule;
pub mod succession;
