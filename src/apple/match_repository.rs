//! What fastlane match stores: certificates, private keys and profiles, in clear or encrypted.
//!
//! A match repository is a tree with two folders [fastlane, `match/lib/match/generator.rb`, `importer.rb`]:
//!
//! ```text
//! certs/distribution/ID.cer                                  the certificate, in DER
//! certs/distribution/ID.p12                                  its private key: PEM in spite of the name, or a real PKCS#12
//! profiles/appstore/AppStore_BUNDLE-ID.mobileprovision       a profile; .provisionprofile for a Mac
//! ```
//!
//! Stores other than git put a folder with the team's id around both. Every one of these files may be encrypted with the
//! password of the repository. [`Content::of_name`] says what a file is by its name, [`decrypt`] opens one, and
//! [`identities`] puts keys and certificates together.
//!
//! Which certificate belongs to which key is decided by the public key, as in a PKCS#12 file; the name counts only where
//! somebody names one file, to find the other.

mod content;
mod encryption;
mod error;
pub mod identities;
mod version;

pub use content::{Content, certificate};
pub use encryption::{Decrypted, decrypt, version};
pub use error::{DecryptError, StoredKeyError};
pub use version::Version;

#[cfg(test)]
mod tests;
