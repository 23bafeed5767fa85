//! Why a keychain did not do what was asked.

use std::io;

use super::path::{KeychainPath, KeychainPathError};
use crate::base::ids::CertSha1;
use crate::host::owned_files::OwnedFileError;
use crate::host::process::ProcessError;

/// Why a keychain did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// The path cannot name a keychain of ours.
    #[error(transparent)]
    BadPath(#[from] KeychainPathError),
    /// There is none.
    #[error(
        "there is no keychain at {0}: make one with `countersign keychain create`, or mend `keychain.path` in the policy"
    )]
    Missing(KeychainPath),
    /// There is one.
    #[error(
        "there is a keychain at {0} already: use it, or remove it with `countersign keychain destroy`"
    )]
    Exists(KeychainPath),
    /// It is a file of somebody else's making.
    #[error(
        "{keychain} is no keychain that countersign made ({why}), so it is left as it is: make one at another path with `countersign keychain create`, and put the identities of a p12 into it with `countersign keychain import`"
    )]
    NotMadeHere {
        /// The file.
        keychain: KeychainPath,
        /// How that is known.
        why: String,
    },
    /// The list that the gate judged is not of what is in it.
    #[error(
        "{0} holds other identities than its list says, so it is not opened: an import into it was cut short; finish it with `countersign keychain import`"
    )]
    NotAsListed(KeychainPath),
    /// It is the person's default keychain.
    #[error(
        "{0} is the default keychain of this user, which is never touched: give CI a keychain of its own"
    )]
    IsDefault(KeychainPath),
    /// The password does not open it.
    #[error(
        "the password does not open {0}: the stored one is out of date, or belongs to another keychain"
    )]
    WrongPassword(KeychainPath),
    /// A password that the tools cannot take.
    #[error(
        "the password of {what} cannot be used: it must be 1 to 512 printable ASCII characters, because `security` takes no others"
    )]
    BadPassword {
        /// Whose password.
        what: &'static str,
    },
    /// It is open, and no run of ours has opened it.
    #[error("{0} is open: wait for who uses it, or close it with `countersign keychain lock`")]
    IsOpen(KeychainPath),
    /// It is open in windows that are not ours to close.
    #[error("{keychain} is open for other runs ({runs}): wait for them, or stop their jobs")]
    InUse {
        /// The keychain.
        keychain: KeychainPath,
        /// The runs.
        runs: String,
    },
    /// The system wanted to ask a person.
    #[error(
        "the system wanted to ask a person and could not (`{command}`, errSecInteractionNotAllowed): if the keychain was locked meanwhile, do it again; if another program put a key into it, whose access list does not name this one, make it anew with `countersign keychain destroy`, `create` and `import`"
    )]
    InteractionNotAllowed {
        /// What was run.
        command: String,
    },
    /// This process is in the security session of the system.
    #[error(
        "this process is in the system's own security session, which sees only System.keychain: set SessionCreate to true in \
         the property list of its LaunchDaemon, or run it as a LaunchAgent"
    )]
    RootSession,
    /// The PKCS#12 file cannot be used.
    #[error("cannot import the PKCS#12 file: {0}")]
    Pkcs12(String),
    /// The system takes a key only once, and has it already, but not with the certificate that it comes with.
    #[error(
        "{keychain} holds one of these keys already, with another certificate or none, and `security` does not take it twice: make the keychain anew with `countersign keychain destroy` and `create`, and import everything that it shall hold"
    )]
    Duplicate {
        /// The keychain.
        keychain: KeychainPath,
    },
    /// A key is in the keychain but does not sign.
    #[error(
        "the key of {certificate} is in the keychain but does not sign: {said}; when that is mended, import again"
    )]
    DoesNotSign {
        /// The certificate.
        certificate: CertSha1,
        /// Why, as far as it is known.
        said: String,
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
    },
    /// A step said that it succeeded, and what it should have done is not there.
    #[error(
        "{step} on {keychain} reported success, but {expected} was expected and {found} found: do not trust this machine's `security` until that is explained"
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
    /// A tool said what it never says.
    #[error("cannot understand what `{command}` printed: {why}")]
    Garbage {
        /// What was run.
        command: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tool could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file or directory.
    #[error(transparent)]
    Private(#[from] OwnedFileError),
    /// The system's random generator failed.
    #[error("no randomness from the system: {0}")]
    Random(#[source] io::Error),
}
