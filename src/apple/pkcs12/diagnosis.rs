//! Why `security import` refused a PKCS#12 file.
//!
//! It says "MAC verification failed during PKCS12 import (wrong password?)" for a wrong password, for a MAC algorithm it
//! does not know, and for an empty password whatever the file. With the file and the password at hand the question has
//! one answer.

use serde::{Serialize, Serializer};

use super::algorithms::{Algorithms, FIRST_MODERN_MACOS, ReadableBy};
use super::error::Pkcs12Error;
use super::reading::read;
use crate::base::error::{ErrorCode, Explain};
use crate::base::remedy::Remedy;
use crate::base::secret::Password;

/// Why an import failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Diagnosis {
    /// The password does not open the file anywhere.
    #[error("the password is wrong: it does not open this file with any tool")]
    WrongPassword,
    /// The password is right; this release of macOS does not know an algorithm.
    #[error("the password is right, but macOS {macos} does not read {because}")]
    Algorithm {
        /// The major release that was asked about.
        macos: u32,
        /// The algorithm in the way.
        because: String,
        /// Whether a newer release would read it.
        modern_reads_it: bool,
    },
    /// The password is right, but `security` takes no empty one.
    #[error(
        "the password is empty: it opens the file, but `security import` of no macOS takes an empty password"
    )]
    EmptyPassword,
    /// The password is right, but `security` garbles it.
    #[error("the password holds characters outside ASCII, which `security` changes")]
    PasswordNotAscii,
    /// There is no private key to import.
    #[error("the file opens, but holds no private key")]
    NoKey,
    /// The file itself is at fault.
    #[error("{0}")]
    File(#[serde(serialize_with = "as_text")] Pkcs12Error),
    /// File and password are good and this release reads the algorithms: something else is wrong, not the file.
    #[error("the file, the password and the algorithms are right for macOS {macos}")]
    NotTheFile {
        /// The major release that was asked about.
        macos: u32,
        /// Whether `-f pkcs12` is needed for this file.
        needs_format: bool,
    },
}

impl Explain for Diagnosis {
    fn code(&self) -> ErrorCode {
        match self {
            Self::File(error) => error.code(),
            Self::WrongPassword => ErrorCode::FileUnreadable,
            Self::NotTheFile { .. } => ErrorCode::KeychainFailed,
            _ => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::WrongPassword => "pass the password of this file",
            Self::Algorithm {
                modern_reads_it: false,
                ..
            } => "convert the file to the form that every Mac reads (3DES and a SHA-1 MAC)",
            Self::Algorithm {
                modern_reads_it: true,
                ..
            } => {
                "convert the file to the form that every Mac reads (3DES and a SHA-1 MAC); macOS 15 reads it with \
                 `-f pkcs12`"
            }
            Self::EmptyPassword => "convert the file with a password",
            Self::PasswordNotAscii => "convert the file with an ASCII password",
            Self::NoKey => "export it again together with its private key",
            Self::File(error) => return error.hint(),
            Self::NotTheFile {
                needs_format: false,
                ..
            } => "unlock the keychain, and check that the key is not in it already",
            Self::NotTheFile {
                needs_format: true, ..
            } => {
                "unlock the keychain, check that the key is not in it already, and import with `-f pkcs12`, which these \
                 algorithms need"
            }
        };
        Some(hint.to_owned())
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::WrongPassword => Some(Remedy::GivePassword),
            Self::File(error) => error.remedy(),
            _ => None,
        }
    }
}

/// Tells why `security import -f pkcs12` on the given major release of macOS refuses `bytes` under `password`.
pub fn why_import_failed(bytes: &[u8], password: &Password, macos_major: u32) -> Diagnosis {
    let contents = match read(bytes, password) {
        Ok(contents) => contents,
        Err(Pkcs12Error::WrongPassword { .. } | Pkcs12Error::EmptyDoesNotOpen { .. }) => {
            return Diagnosis::WrongPassword;
        }
        Err(error) => return Diagnosis::File(error),
    };
    if let Some(diagnosis) = algorithm(&contents.algorithms, macos_major) {
        return diagnosis;
    }
    if password.expose().is_empty() {
        return Diagnosis::EmptyPassword;
    }
    if !password.expose().is_ascii() {
        return Diagnosis::PasswordNotAscii;
    }
    if contents.identities.is_empty() && contents.lone_keys.is_empty() {
        return Diagnosis::NoKey;
    }
    Diagnosis::NotTheFile {
        macos: macos_major,
        needs_format: contents.algorithms.readable_by() != ReadableBy::EveryMac,
    }
}

fn algorithm(algorithms: &Algorithms, macos: u32) -> Option<Diagnosis> {
    let readable = algorithms.readable_by();
    if readable.includes(macos) {
        return None;
    }
    Some(Diagnosis::Algorithm {
        macos,
        because: readable.because().unwrap_or_default().to_owned(),
        modern_reads_it: readable.includes(FIRST_MODERN_MACOS),
    })
}

fn as_text<S: Serializer>(error: &Pkcs12Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
