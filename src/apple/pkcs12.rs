//! PKCS#12 (`.p12`, `.pfx`): how signing identities travel between machines.
//!
//! Four things are done with such a file, and none of them imports it:
//!
//! - [`algorithms::Algorithms::read`]: what protects it, without the password;
//! - [`read`]: what is inside: identities (a certificate *with* its private key), further certificates, stray keys;
//! - [`Pkcs12::convert`]: the same content in the form that every release of macOS reads, or in the modern one;
//! - [`diagnosis::why_import_failed`]: which of the many causes "MAC verification failed" had.
//!
//! Which certificate belongs to which key is decided by the **public key**, computed from the private one. Names and
//! `localKeyID`s are only labels: tools write them wrongly, repeat them or leave them out, and a tool that takes the first
//! certificate of a file with a chain signs with an intermediate's name.
//!
//! The decoding and the cryptography are the p12-keystore crate's. Its own copies of a decoded key are freed but not
//! zeroed; the ones handed out here are boxed and zeroed ([`PrivateKey`]).
//!
//! Only definite-length DER is read. Files with BER's indefinite lengths (old Bouncy Castle, NSS) are named as such.

pub mod algorithms;
mod contents;
pub mod diagnosis;
mod error;
mod limits;
mod matching;
mod pem;
mod private_key;
mod reading;
mod structure;
mod writing;

pub use contents::{LoneKey, LoneKeyReason, Pkcs12, Pkcs12Identity};
pub use error::Pkcs12Error;
pub use limits::MAX_FILE;
pub use pem::{PemKeys, is_pem_key, public_key_of, read_pem};
pub use private_key::PrivateKey;
pub use reading::read;
pub use writing::{Form, write, write_one_time};

#[cfg(test)]
mod mint;
#[cfg(test)]
mod tests;
