//! The forge makes everything that the tests of countersign need to see signed, in Rust and without a kept secret.
//!
//! It makes a certificate hierarchy with the shape of Apple's ([`hierarchy`]), both CMS layers ([`cms`]), profiles of every
//! kind ([`profile`]) with one or more flaws ([`flaw`]), p12s ([`p12`]), SSH signatures and envelopes ([`ssh`]), and the Xcode
//! projects that ask for profiles ([`project`]). The shapes are those of real files, down to the order of attributes.
//! `forge/tests/honest.rs` checks this with OpenSSL and, if they are available, with real profiles. The forge shares no code
//! with the library, so that the two cannot have the same mistake.
//!
//! Built products come from [`bundle`]: apps, extensions, frameworks and tools of both families, as Mach-O images
//! ([`mach_o`]) with embedded signatures ([`code_signature`], of [`code_directory`], [`requirement`] and [`entitlements`]),
//! timestamps ([`timestamp`]), sealed resources ([`code_resources`]) and tickets ([`ticket`]). Some hundred things can be wrong with them, one at a
//! time ([`bundle_flaw`]). `forge/tests/signed_bundles` reads them back with a second reader, OpenSSL and, where it is
//! installed, `rcodesign`.
//!
//! Everything is derived from labels ([`stream`]): the same sources make the same bytes on every machine.
//!
//! The forge is its own package, so that it is compiled once for all tests, benches, examples and seeds of the fuzzer.
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
//!
//! ```
//! use forge::bundle::ios_app;
//! use forge::bundle_flaw::Flaw;
//! use forge::code_signature::SigningIdentity;
//! use forge::hierarchy::LeafKind;
//!
//! let signer = SigningIdentity::acme(LeafKind::AppleDistribution);
//! let app = ios_app(&signer).with_extension("RocketWidget").sign();
//! let folder = tempfile::tempdir()?;
//! let root = app.write_to(folder.path())?;
//! assert!(root.ends_with("Rocket.app"));
//! let broken = Flaw::named("nested-code-changed").apply(&app);
//! assert!(broken.is_some());
//! # Ok::<(), std::io::Error>(())
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it panics where a test would"
)]

pub mod ber;
pub mod bundle;
pub mod bundle_flaw;
pub mod certificate;
pub mod cms;
pub mod code_directory;
pub mod code_resources;
pub mod code_signature;
pub mod der;
pub mod entitlements;
pub mod find_identity;
pub mod fixtures;
pub mod flaw;
pub mod hierarchy;
pub mod key;
pub mod mach_o;
pub mod p12;
pub mod profile;
pub mod project;
pub mod requirement;
pub mod ssh;
pub mod stream;
pub mod ticket;
pub mod timestamp;
pub mod xml;
