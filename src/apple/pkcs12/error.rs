//! Why a PKCS#12 file cannot be read or written.

use super::limits::{MAX_ENTRIES, MAX_FILE};
use crate::base::error::{ErrorCode, Explain};
use crate::base::remedy::Remedy;

/// Why a PKCS#12 file cannot be read, or one not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// Larger than [`MAX_FILE`].
    #[error("the file has {size} bytes, but at most {MAX_FILE} are read")]
    TooLarge {
        /// Bytes given.
        size: usize,
    },
    /// Something else altogether.
    #[error("expected a PKCS#12 (.p12) file, found {found}")]
    NotPkcs12 {
        /// What it seems to be.
        found: String,
        /// How to have a .p12, where that is known.
        remedy: Option<String>,
    },
    /// The file ends before the length it states.
    #[error("the file is cut: {missing} bytes are missing after its {size} bytes")]
    Truncated {
        /// Bytes in the file.
        size: usize,
        /// Bytes that its own length says are missing.
        missing: usize,
    },
    /// BER that is not DER.
    #[error(
        "offset {offset}: the file is BER with indefinite lengths or split strings, and only DER is read"
    )]
    Ber {
        /// Where the first such element begins.
        offset: usize,
    },
    /// The structure contradicts itself.
    #[error("offset {offset}: {problem}: the file is damaged")]
    Malformed {
        /// Where, from the start of the file.
        offset: usize,
        /// What was expected and found.
        problem: String,
    },
    /// The structure is right, what was decrypted is not.
    #[error("the password opens the file, but {0}")]
    Content(String),
    /// A PEM text in the place of a PKCS#12 file, whose key is of no use.
    #[error("{0}")]
    NotUsablePem(String),
    /// An algorithm or a mode that is not read here.
    #[error("the file uses {0}, which countersign does not read")]
    Unsupported(String),
    /// More work than a file may ask for.
    #[error("the file needs {asked} to open, but countersign allows at most 1,000,000 iterations")]
    TooMuchWork {
        /// What it asks for.
        asked: String,
    },
    /// More entries than any real file has.
    #[error("the file has more than {MAX_ENTRIES} keys or certificates")]
    TooManyParts,
    /// The MAC, or without one the padding, says that the password is wrong.
    #[error("the password is wrong ({algorithms}), or the file was changed after it was written")]
    WrongPassword {
        /// How the file is protected.
        algorithms: String,
    },
    /// The password that was given is empty, and the file has another one.
    #[error("the password is empty, and it does not open the file ({algorithms})")]
    EmptyDoesNotOpen {
        /// How the file is protected.
        algorithms: String,
    },
    /// The password cannot be expressed in the legacy derivation.
    #[error(
        "the password holds characters outside the Basic Multilingual Plane, which PKCS#12 cannot represent"
    )]
    PasswordNotBmp,
    /// `security import` refuses empty passwords.
    #[error("the password is empty, and `security import` refuses an empty password")]
    EmptyPassword,
    /// `security` passes on ASCII only.
    #[error("the password holds characters outside ASCII, which `security` changes")]
    PasswordNotAscii,
    /// No certificate of the file has its private key there.
    #[error("the file holds no identity: {}", without_identity(*certificates, *lone_keys))]
    NoIdentity {
        /// Certificates in the file.
        certificates: usize,
        /// Private keys in the file.
        lone_keys: usize,
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
    #[error("the file cannot be written: {0}")]
    Write(String),
}

impl Explain for Pkcs12Error {
    fn code(&self) -> ErrorCode {
        match self {
            Self::WrongPassword { .. } | Self::EmptyDoesNotOpen { .. } | Self::PasswordNotBmp => {
                ErrorCode::FileUnreadable
            }
            Self::EmptyPassword | Self::PasswordNotAscii | Self::Write(_) => {
                ErrorCode::OutputNotWritten
            }
            _ => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        const CONVERT: &str = "convert the file where it was made, with \
            `openssl pkcs12 -in F -nodes | openssl pkcs12 -export -out G`";
        let hint = match self {
            Self::NotPkcs12 { remedy, .. } => return remedy.clone(),
            Self::Truncated { .. } => "copy the file again",
            Self::Ber { .. } | Self::Unsupported(_) => CONVERT,
            Self::Malformed { .. } | Self::Content(_) => "export the file again",
            Self::NotUsablePem(_) => {
                "export the identity again as a .p12: code is signed with RSA keys of 2,048 bits or more, or with P-256, P-384 \
                 or P-521"
            }
            Self::TooMuchWork { .. } => {
                "export the file again with fewer iterations; if you do not know who made it, do not use it"
            }
            Self::TooLarge { .. } | Self::TooManyParts => "split the file",
            Self::WrongPassword { .. } => "pass the password of this file, or copy the file again",
            Self::EmptyDoesNotOpen { .. } => {
                "check the name of the secret and who may use it: a secret that was never set is empty"
            }
            Self::PasswordNotBmp | Self::EmptyPassword | Self::PasswordNotAscii => {
                "choose a password of ASCII characters"
            }
            Self::NoIdentity {
                certificates: 0, ..
            } => {
                "download the certificate of this key, and make a .p12 of both: `openssl pkcs12 -export -in CERTIFICATE.pem \
                 -inkey KEY.pem -out identity.p12`"
            }
            Self::NoIdentity { .. } => "export the certificate together with its private key",
            Self::NotThere { .. } => "name one of the identities in the file",
            Self::Write(_) => return None,
        };
        Some(hint.to_owned())
    }

    fn remedy(&self) -> Option<Remedy> {
        matches!(
            self,
            Self::WrongPassword { .. } | Self::EmptyDoesNotOpen { .. }
        )
        .then_some(Remedy::GivePassword)
    }
}

/// What a file without an identity holds instead.
fn without_identity(certificates: usize, lone_keys: usize) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    match (certificates, lone_keys) {
        (0, 0) => "it is an empty .p12, without a certificate and without a private key".to_owned(),
        (0, keys) => format!("it has {} and no certificate", counted(keys, "private key")),
        (some, 0) => format!("it has {} and no private key", counted(some, "certificate")),
        (some, keys) => format!(
            "it has {} and {}, but none of them belong together",
            counted(some, "certificate"),
            counted(keys, "private key")
        ),
    }
}
