//! The forge: mints, in Rust and without a single kept secret, everything the tests of countersign need to see signed.
//!
//! A certificate hierarchy shaped like Apple's ([`hierarchy`]), both CMS layers ([`cms`]), profiles of every kind
//! ([`profile`]) with any flaw or several ([`flaw`]), p12s ([`p12`]), and the Xcode projects that ask for them
//! ([`project`]). The shapes are those of real files, down to
//! the order of attributes; `forge/tests/honest.rs` holds it to that with OpenSSL and, where they are at hand, real
//! profiles. It shares no code with the library, so that the two cannot be wrong in the same way.
//!
//! All of it grows from labels ([`stream`]): the same sources mint the same bytes on every machine.
//!
//! It is a package of its own, so that it is compiled once for all tests, benches, examples and seeds of the fuzzer.
//!
//! ```
//! use forge::flaw::{Flaw, Layer};
//! use forge::hierarchy::Hierarchy;
//! use forge::profile::{Kind, ProfileSpec};
//!
//! let file = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket").mint();
//! let forged = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket").with(Flaw::Forged(Layer::Outer)).mint();
//! let anchors = Hierarchy::acme().anchors();
//! assert_ne!(file, forged);
//! assert_eq!(anchors.len(), 2);
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it panics where a test would"
)]

pub mod ber;
pub mod certificate;
pub mod cms;
pub mod der;
pub mod find_identity;
pub mod fixtures;
pub mod flaw;
pub mod hierarchy;
pub mod key;
pub mod p12;
pub mod profile;
pub mod project;
pub mod stream;
pub mod xml;
