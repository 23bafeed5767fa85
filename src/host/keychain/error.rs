//! Why a keychain did not do what was asked.

use std::io;
use std::path::PathBuf;

use super::path::{KeychainPath, KeychainPathError};
use crate::apple::pkcs12::Pkcs12Error;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::CertSha1;
use crate::base::remedy::Remedy;
use crate::host::owned_files::OwnedFileError;
use crate::host::process::ProcessError;

/// A keychain did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// The path cannot name a keychain of ours.
    #[error(transparent)]
    BadPath(#[from] KeychainPathError),
    /// There is none.
    #[error("there is no keychain at {0}")]
    Missing(KeychainPath),
    /// There is one.
    #[error("there is a keychain at {0} already")]
    Exists(KeychainPath),
    /// It is a file that another program made.
    #[error("{keychain} is not a keychain that countersign made: {why}")]
    NotMadeHere {
        /// The file.
        keychain: KeychainPath,
        /// How that is known.
        why: String,
    },
    /// The list that the gate judged is not of what is in it.
    #[error("{0} holds identities that its list does not name, or lacks some that it names")]
    NotAsListed(KeychainPath),
    /// It is the person's default keychain.
    #[error("{0} is the default keychain of this user, which countersign never changes")]
    IsDefault(KeychainPath),
    /// The password does not open it.
    #[error("the password does not open {0}")]
    WrongPassword(KeychainPath),
    /// A password that the tools cannot take.
    #[error(
        "the password of {what} cannot be used: `security` takes 1 to 512 printable ASCII characters"
    )]
    BadPassword {
        /// Whose password.
        what: &'static str,
    },
    /// It is open, and no run of ours has opened it.
    #[error("{0} is open")]
    IsOpen(KeychainPath),
    /// It is open for other runs.
    #[error("{keychain} is open for other runs: {runs}")]
    InUse {
        /// The keychain.
        keychain: KeychainPath,
        /// The runs.
        runs: String,
    },
    /// The system wanted to ask a person.
    #[error(
        "the system tried to ask a person, but nobody can answer: `{command}` (errSecInteractionNotAllowed)"
    )]
    InteractionNotAllowed {
        /// What was run.
        command: String,
    },
    /// This process is in the security session of the system.
    #[error(
        "this process is in the system's own security session, which sees only System.keychain"
    )]
    RootSession,
    /// The PKCS#12 file that is imported is something else, or does not open, or holds no identity.
    #[error("cannot import the PKCS#12 file: {0}")]
    Import(#[source] Pkcs12Error),
    /// The PKCS#12 file cannot be used.
    #[error("cannot import the PKCS#12 file: {0}")]
    Pkcs12(String),
    /// The system takes a key only once, and has it already, but not with the certificate that it comes with.
    #[error(
        "{keychain} holds one of these keys already, with another certificate or none, and `security` does not import \
         it twice"
    )]
    Duplicate {
        /// The keychain.
        keychain: KeychainPath,
    },
    /// A key is in the keychain but does not sign.
    #[error("the key of {certificate} is in the keychain but cannot sign: {said}")]
    DoesNotSign {
        /// The certificate.
        certificate: CertSha1,
        /// Why, as far as it is known.
        said: String,
        /// What to do about the known cause.
        hint: Option<&'static str>,
    },
    /// A tool failed.
    #[error("`{command}` failed ({status}): {said}")]
    Tool {
        /// What was run, without its secrets.
        command: String,
        /// How it ended.
        status: String,
        /// What it said, shortened and without secrets, with the known cause if there is one.
        said: String,
        /// What to do about the known cause.
        hint: Option<&'static str>,
    },
    /// A step said that it succeeded, and what it should have done is not there.
    #[error(
        "{step} on {keychain} reported success, but the result is {found} instead of {expected}"
    )]
    NotDone {
        /// The step.
        step: &'static str,
        /// The keychain.
        keychain: KeychainPath,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// It is closed, but codesign still looks into it.
    #[error("{keychain} is locked, but it is still in the keychain search list: {cause}")]
    LeftInSearchList {
        /// The keychain.
        keychain: KeychainPath,
        /// Why it could not be taken out.
        #[source]
        cause: Box<Self>,
    },
    /// A tool said what it never says.
    #[error("cannot understand what `{command}` printed: {why}")]
    Garbage {
        /// What was run.
        command: String,
        /// What is wrong with it.
        why: String,
    },
    /// A command that cannot be handed to `security`.
    #[error(
        "`{command}` does not fit into the 4,095 characters and 32 words that `security -i` reads"
    )]
    TooLong {
        /// What was to be run, without its secrets.
        command: String,
    },
    /// A file that lies beside a keychain is not what was written.
    #[error("{path} is damaged: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A tool could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file or directory.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// The system's random generator failed.
    #[error("cannot read randomness from the system: {0}")]
    Random(#[source] io::Error),
}

impl Explain for KeychainError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::BadPath(error) => error.code(),
            Self::Import(error) => error.code(),
            Self::Missing(_) => ErrorCode::KeychainMissing,
            Self::Exists(_) => ErrorCode::KeychainExists,
            Self::NotMadeHere { .. }
            | Self::IsDefault(_)
            | Self::File(OwnedFileError::NotOurs { .. }) => ErrorCode::KeychainNotOurs,
            Self::WrongPassword(_) => ErrorCode::KeychainWrongPassword,
            Self::IsOpen(_) | Self::InUse { .. } => ErrorCode::KeychainInUse,
            _ => ErrorCode::KeychainFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadPath(error) => return error.hint(),
            Self::Import(error) => return error.hint(),
            Self::Process(error) => return error.hint(),
            Self::File(error) => return error.hint(),
            Self::LeftInSearchList { cause, .. } => return cause.hint(),
            Self::DoesNotSign { hint, .. } => match hint {
                Some(hint) => format!("{hint}; then import the identity again"),
                None => "correct that, then import the identity again".into(),
            },
            Self::Tool { hint, .. } => return hint.map(str::to_owned),
            Self::Missing(_) => "make the keychain, or correct `keychain.path` in the policy".into(),
            Self::Exists(_) => "use this keychain, or delete it first".into(),
            Self::NotMadeHere { .. } => {
                "make a keychain at another path, and import the identities of a p12 into it".into()
            }
            Self::NotAsListed(_) => "import again: the last import was interrupted".into(),
            Self::IsDefault(_) => "make a separate keychain for CI".into(),
            Self::WrongPassword(_) => {
                "pass the password of this keychain; the kept one is old or belongs to another keychain"
                    .into()
            }
            Self::BadPassword { .. } => "choose another password".into(),
            Self::IsOpen(_) => "wait until it is no longer in use, or lock it".into(),
            Self::InUse { .. } => "wait for these runs, or stop their jobs".into(),
            Self::InteractionNotAllowed { .. } => {
                "repeat the command if the keychain was locked in the meantime; if another program added a key to the \
                 keychain, make the keychain again"
                    .into()
            }
            Self::RootSession => {
                "set SessionCreate to true in the property list of its LaunchDaemon, or run it as a LaunchAgent".into()
            }
            Self::Duplicate { .. } => {
                "make the keychain again, and import all its identities".into()
            }
            Self::NotDone { .. } => {
                "find out why, and do not trust `security` on this machine until then".into()
            }
            Self::Damaged { .. } => "import the identities again".into(),
            Self::Pkcs12(_) | Self::Garbage { .. } | Self::TooLong { .. } | Self::Random(_) => {
                return None;
            }
        })
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::BadPath(error) => return error.remedy(),
            Self::Import(error) => return error.remedy(),
            Self::Process(error) => return error.remedy(),
            Self::File(error) => return error.remedy(),
            Self::LeftInSearchList { cause, .. } => return cause.remedy(),
            Self::Missing(_) | Self::NotMadeHere { .. } | Self::IsDefault(_) => {
                Remedy::CreateKeychain
            }
            Self::Exists(_) => Remedy::DestroyKeychain,
            Self::NotAsListed(_) | Self::DoesNotSign { .. } | Self::Damaged { .. } => {
                Remedy::ImportIdentities
            }
            Self::WrongPassword(_) => Remedy::GiveKeychainPassword,
            Self::IsOpen(_) => Remedy::LockKeychain,
            Self::InteractionNotAllowed { .. } | Self::Duplicate { .. } => Remedy::RemakeKeychain,
            _ => return None,
        })
    }

    fn place(&self) -> Place {
        match self {
            Self::BadPath(error) => error.place(),
            Self::Process(error) => error.place(),
            Self::File(error) => error.place(),
            Self::Missing(keychain)
            | Self::Exists(keychain)
            | Self::NotAsListed(keychain)
            | Self::IsDefault(keychain)
            | Self::WrongPassword(keychain)
            | Self::IsOpen(keychain)
            | Self::NotMadeHere { keychain, .. }
            | Self::InUse { keychain, .. }
            | Self::Duplicate { keychain }
            | Self::LeftInSearchList { keychain, .. }
            | Self::NotDone { keychain, .. } => Place::file(keychain.as_path()),
            Self::Damaged { path, .. } => Place::file(path),
            _ => Place::default(),
        }
    }
}
