//! Why a PKCS#12 file could not be read or written: each with what to do.

use super::limits::{MAX_ENTRIES, MAX_FILE};

/// Why a PKCS#12 file could not be read, or one not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// Larger than [`MAX_FILE`].
    #[error("{size} bytes are more than a .p12 may have here ({MAX_FILE})")]
    TooLarge {
        /// Bytes given.
        size: usize,
    },
    /// Something else altogether.
    #[error("expected a PKCS#12 (.p12) file, found {0}")]
    NotPkcs12(&'static str),
    /// The file ends before the length it states.
    #[error(
        "the file is cut: {missing} bytes are missing after the {size} that are here; copy it again"
    )]
    Truncated {
        /// Bytes in the file.
        size: usize,
        /// Bytes that its own length says are missing.
        missing: usize,
    },
    /// BER that is not DER.
    #[error(
        "offset {offset}: the file is written in BER with indefinite lengths or split strings (old Bouncy Castle and NSS \
         do that), only DER is read: convert it with `openssl pkcs12 -in F -nodes | openssl pkcs12 -export -out G`"
    )]
    Ber {
        /// Where the first such element begins.
        offset: usize,
    },
    /// The structure contradicts itself.
    #[error("offset {offset}: {problem}: the file is damaged; export it again")]
    Malformed {
        /// Where, from the start of the file.
        offset: usize,
        /// What was expected and found.
        problem: String,
    },
    /// The structure is right, what was decrypted is not.
    #[error("the password opens the file, but {0}: export it again")]
    Content(String),
    /// An algorithm or a mode that is not read here.
    #[error(
        "the file uses {0}, which is not read here: convert it where it was made, with \
         `openssl pkcs12 -in F -nodes | openssl pkcs12 -export -out G`"
    )]
    Unsupported(String),
    /// More work than a file may ask for.
    #[error(
        "the file asks for {asked} before it can be opened, more than is granted (1,000,000 iterations each): it was made \
         to stall, or needs to be exported again with fewer"
    )]
    TooMuchWork {
        /// What it asks for.
        asked: String,
    },
    /// More entries than any real file has.
    #[error("the file has more than {MAX_ENTRIES} keys or certificates: split it")]
    TooManyParts,
    /// The MAC, or without one the padding, says that the password is wrong.
    #[error("the password is wrong ({algorithms}), or the file was changed after it was written")]
    WrongPassword {
        /// How the file is protected.
        algorithms: String,
    },
    /// The password cannot be expressed in the legacy derivation.
    #[error(
        "the password holds characters outside the Basic Multilingual Plane, which PKCS#12 cannot express"
    )]
    PasswordNotBmp,
    /// `security import` refuses empty passwords.
    #[error("an empty password is refused by `security import`: give one")]
    EmptyPassword,
    /// `security` passes on ASCII only.
    #[error(
        "the password holds characters outside ASCII, which `security` does not pass on whole: choose another"
    )]
    PasswordNotAscii,
    /// No certificate of the file has its private key there.
    #[error(
        "the file holds no identity: {certificates} certificates and {lone_keys} private keys, none of which belong \
         together; export the certificate together with its key"
    )]
    NoIdentity {
        /// Certificates in the file.
        certificates: usize,
        /// Private keys in the file.
        lone_keys: usize,
    },
    /// One was wanted and there are several.
    #[error("the file holds {} identities where one is wanted: name one of {}", labels.len(), labels.join(", "))]
    SeveralIdentities {
        /// `SHA-1 "common name"` of each.
        labels: Vec<String>,
    },
    /// The identity that was named is not there.
    #[error("the file holds no identity {wanted}; it holds {}", if labels.is_empty() { "none".to_owned() } else { labels.join(", ") })]
    NotThere {
        /// The fingerprint that was asked for.
        wanted: String,
        /// `SHA-1 "common name"` of each that is there.
        labels: Vec<String>,
    },
    /// The file could not be written, or what was written did not read back.
    #[error("the file could not be written: {0}")]
    Write(String),
}
