//! What can be asked of macOS's keychain service, and done by it, without a secret.
//!
//! The trait is the seam between the two ways to ask: the `security` program, which exists wherever a stand-in does, and
//! Security.framework, which never prompts and tells states that the program can only be tricked into telling.

use std::path::PathBuf;

use super::caller::{Caller, Said, Word, text};
use crate::apple::anchors::{PemError, certificates_from_pem};
use crate::apple::certificate::Certificate;
use crate::apple::identity::IdentityListing;
use crate::host::keychain::{KeychainError, KeychainPath, LockState};
use crate::host::random;

/// The keychain service, as far as it needs no password.
pub trait Securityd: Send + Sync {
    /// Whether the keychain is open. Never prompts.
    ///
    /// # Errors
    /// That cannot be told.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError>;

    /// Locks it.
    ///
    /// # Errors
    /// The service refused, or there is no such keychain.
    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// Deletes it.
    ///
    /// # Errors
    /// The service refused, or there is no such keychain.
    fn delete(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// The user's search list, in its order.
    ///
    /// # Errors
    /// It cannot be read.
    fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError>;

    /// Replaces the user's search list.
    ///
    /// # Errors
    /// It cannot be written.
    fn set_search_list(&self, list: &[PathBuf]) -> Result<(), KeychainError>;

    /// The user's default keychain.
    ///
    /// # Errors
    /// It cannot be read.
    fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError>;

    /// The certificates that have their private key in the keychain, in its order, each once.
    ///
    /// # Errors
    /// They cannot be read.
    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError>;

    /// The issuer (common name and generation) that is missing on this machine in the chain above `leaf`: codesign can
    /// build none then. `None`: the chain ends in a root, or this service cannot tell.
    ///
    /// # Errors
    /// The service refused to look.
    fn missing_issuer(&self, _leaf: &Certificate) -> Result<Option<String>, KeychainError> {
        Ok(None)
    }

    /// The security session of this process, if this service can tell.
    ///
    /// # Errors
    /// The service refused to tell.
    fn session(&self) -> Result<Option<Session>, KeychainError> {
        Ok(None)
    }
}

/// A security session (`AuthSession.h`): keychains are open or closed in one, not on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: u32,
    /// The session of the system itself, which sees only System.keychain: a daemon without `SessionCreate`.
    pub is_root: bool,
    /// It has graphics: a dialog may wait where nobody looks.
    pub has_graphics: bool,
    /// It has a terminal.
    pub has_terminal: bool,
    /// It came over the network.
    pub is_remote: bool,
}

/// The service as the `security` program tells it.
#[derive(Debug, Clone)]
pub(super) struct ThroughTool {
    pub(super) caller: Caller,
}

impl Securityd for ThroughTool {
    /// `show-keychain-info` would try to unlock, with a dialog where there is a screen. `unlock-keychain` with a password
    /// never asks anybody, succeeds on an open keychain whatever the password, and on a closed one only with the right
    /// one: so a random password tells which it is.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError> {
        if !keychain.as_path().exists() {
            return Ok(LockState::Missing);
        }
        let wrong = random::password().map_err(KeychainError::Random)?;
        let said = self.caller.secretly(&[
            Word::Plain("unlock-keychain"),
            Word::Plain("-p"),
            Word::Secret(&wrong),
            Word::Plain(keychain.as_str()),
        ])?;
        match said.code {
            0 => Ok(LockState::Unlocked),
            WRONG_PASSWORD => Ok(LockState::Locked),
            NO_SUCH_KEYCHAIN => Ok(LockState::Missing),
            _ => Err(said.failure()),
        }
    }

    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let said = self.caller.plain(&["lock-keychain", keychain.as_str()])?;
        missing(&said, keychain)?;
        said.ok().map(drop)
    }

    fn delete(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let said = self.caller.plain(&["delete-keychain", keychain.as_str()])?;
        missing(&said, keychain)?;
        said.ok().map(drop)
    }

    fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError> {
        let said = self.caller.plain(&["list-keychains", "-d", "user"])?.ok()?;
        paths(&said)
    }

    fn set_search_list(&self, list: &[PathBuf]) -> Result<(), KeychainError> {
        let mut words = vec!["list-keychains", "-d", "user", "-s"];
        words.extend(list.iter().map(|path| text(path)));
        self.caller.plain(&words)?.ok().map(drop)
    }

    fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError> {
        let said = self.caller.plain(&["default-keychain", "-d", "user"])?;
        // 37: there is none; the command's own exit code is 1 for every failure.
        match said.code {
            0 => Ok(paths(&said)?.into_iter().next()),
            1 | NO_DEFAULT => Ok(None),
            _ => Err(said.failure()),
        }
    }

    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        // Without `-v`, which would filter by the default search list; without a policy, or packages' signers were left out.
        let said = self
            .caller
            .plain(&["find-identity", keychain.as_str()])?
            .ok()?;
        let listing = IdentityListing::parse(&said.stdout)
            .map_err(|error| garbage(&said, error.to_string()))?;
        let rows = listing.matching.unwrap_or_default();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let said = self
            .caller
            .plain(&["find-certificate", "-a", "-p", keychain.as_str()])?
            .ok()?;
        let certificates = match certificates_from_pem(&said.stdout) {
            Ok(certificates) => certificates,
            Err(PemError::Empty) => Vec::new(),
            Err(error) => return Err(garbage(&said, error.to_string())),
        };
        let mut identities: Vec<Certificate> = Vec::with_capacity(rows.len());
        for row in rows {
            if identities.iter().any(|known| known.sha1 == row.sha1) {
                continue; // a real listing shows one identity up to four times
            }
            let certificate = certificates
                .iter()
                .find(|certificate| certificate.sha1 == row.sha1)
                .ok_or_else(|| {
                    garbage(&said, format!("the certificate {} is not in it", row.sha1))
                })?;
            identities.push(certificate.clone());
        }
        Ok(identities)
    }
}

/// The paths of `list-keychains` and `default-keychain`: a line each, blanks, a quoted absolute path.
fn paths(said: &Said) -> Result<Vec<PathBuf>, KeychainError> {
    let printed =
        std::str::from_utf8(&said.stdout).map_err(|_| garbage(said, "it is not UTF-8".into()))?;
    printed
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            line.trim()
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix('"'))
                .filter(|path| path.starts_with('/'))
                .map(PathBuf::from)
                .ok_or_else(|| garbage(said, format!("{line:?} is not a quoted absolute path")))
        })
        .collect()
}

fn missing(said: &Said, keychain: &KeychainPath) -> Result<(), KeychainError> {
    if said.code == NO_SUCH_KEYCHAIN {
        Err(KeychainError::Missing(keychain.clone()))
    } else {
        Ok(())
    }
}

pub(super) fn garbage(said: &Said, why: String) -> KeychainError {
    KeychainError::Garbage {
        command: said.command.clone(),
        why,
    }
}

/// errSecAuthFailed (−25293), cut to eight bits.
pub(super) const WRONG_PASSWORD: i32 = 51;
/// errSecNoSuchKeychain (−25294).
pub(super) const NO_SUCH_KEYCHAIN: i32 = 50;
/// errSecNoDefaultKeychain (−25307).
const NO_DEFAULT: i32 = 37;
