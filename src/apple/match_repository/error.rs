//! Why a file of a match repository cannot be used.

use super::content::Content;
use super::version::Version;
use crate::apple::pkcs12::Pkcs12Error;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;

/// Why a file is not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// No password was given.
    #[error(
        "the file is encrypted as fastlane match does it ({0}), and its password was not given"
    )]
    NoPassword(Version),
    /// A container of another version.
    #[error(
        "the file is encrypted by fastlane match in version {0}, but versions 1 and 2 are read"
    )]
    UnknownVersion(String),
    /// The file ends too early, or holds something in between.
    #[error(
        "the file is encrypted as fastlane match does it ({version}), and is damaged: {problem}"
    )]
    Damaged {
        /// The version of the container.
        version: Version,
        /// What is wrong.
        problem: &'static str,
    },
    /// The tag of version 2 does not fit.
    #[error(
        "the match password is wrong, or the file was changed after fastlane match encrypted it ({0})"
    )]
    WrongPassword(Version),
    /// Version 1 has no tag: what comes out is not what the name says.
    #[error(
        "the match password is wrong, or the file is damaged: neither of the two derivations of {version} gives {}",
        expected.described()
    )]
    NothingReads {
        /// The version of the container.
        version: Version,
        /// What the name of the file says.
        expected: Content,
    },
}

impl DecryptError {
    /// The finding of a profile that cannot be decrypted.
    pub fn finding(&self) -> Finding {
        let finding = Finding::block(Code::ProfileUnreadable, self.to_string());
        let finding = finding.hint(self.hint().unwrap_or_default());
        match self.remedy() {
            Some(remedy) => finding.remedy(remedy),
            None => finding,
        }
    }
}

impl Explain for DecryptError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownVersion(_) | Self::Damaged { .. } => ErrorCode::FileMalformed,
            _ => ErrorCode::FileUnreadable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPassword(_) => {
                "give the password that match has as MATCH_PASSWORD, or let `fastlane match --readonly` install the file".into()
            }
            Self::UnknownVersion(_) => {
                "let `fastlane match --readonly` decrypt and install the file, and name the installed file".into()
            }
            Self::Damaged { .. } => "check the file out again".into(),
            Self::WrongPassword(_) | Self::NothingReads { .. } => {
                "give the password that match has as MATCH_PASSWORD for this repository; after `fastlane match \
                 change_password`, update the checkout"
                    .into()
            }
        })
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::NoPassword(_) | Self::WrongPassword(_) | Self::NothingReads { .. } => {
                Some(Remedy::GiveMatchPassword)
            }
            Self::UnknownVersion(_) | Self::Damaged { .. } => None,
        }
    }
}

/// Why a stored key gives no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredKeyError {
    /// The key file is PEM and cannot be used.
    #[error(transparent)]
    Key(Pkcs12Error),
    /// There is no certificate of this key.
    #[error(
        "the file holds a private key in PEM and no certificate, and there is no certificate {certificate}"
    )]
    NoCertificate {
        /// The file in which it would be.
        certificate: String,
    },
    /// The certificate beside it is none.
    #[error("expected a certificate in {certificate}, found something else")]
    NotCertificate {
        /// The file.
        certificate: String,
    },
    /// The certificate beside it is another key's.
    #[error(
        "the certificate in {certificate} has another public key than the private key in this file"
    )]
    OtherKey {
        /// The certificate's file.
        certificate: String,
    },
}

impl Explain for StoredKeyError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Key(error) => error.code(),
            Self::NoCertificate { .. } => ErrorCode::FileMissing,
            Self::NotCertificate { .. } | Self::OtherKey { .. } => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Key(error) => return error.hint(),
            Self::NoCertificate { .. } => {
                "put the certificate beside the key under the same name with the ending .cer, as fastlane match does, or join \
                 them: `openssl pkcs12 -export -in CERTIFICATE.pem -inkey KEY.pem -out identity.p12`"
                    .into()
            }
            Self::NotCertificate { .. } => "download the certificate again from Apple's developer site".into(),
            Self::OtherKey { .. } => {
                "download the certificate that was made with this key, or remove both files and make a new one".into()
            }
        })
    }
}
