//! What can be asked of macOS's keychain service, and done by it, without a secret.
//!
//! The trait is the seam between the two ways to ask: the `security` program, which exists wherever a stand-in does, and
//! Security.framework, which never prompts and gives states that the program gives only when it is tricked.

use std::path::PathBuf;

use crate::apple::certificate::Certificate;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::kind::LockState;
use crate::host::keychain::path::KeychainPath;

/// The keychain service, as far as it needs no password.
pub trait Securityd: Send + Sync {
    /// Whether the keychain is open. Never prompts.
    ///
    /// # Errors
    /// The service does not say.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError>;

    /// Locks it.
    ///
    /// # Errors
    /// The service refused, or there is no such keychain.
    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// What locks it when nothing new can be had any more: no process, no thread and no descriptor.
    ///
    /// # Errors
    /// It cannot be made ready.
    fn prepare_lock(&self, keychain: &KeychainPath)
    -> Result<Box<dyn PreparedLock>, KeychainError>;

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

/// The locking of one keychain, made ready before the keychain is opened.
pub trait PreparedLock {
    /// Locks the keychain, and says how it is then. Some can be used only once.
    ///
    /// # Errors
    /// The service refused, or what was made ready has been lost or used.
    fn lock(&mut self) -> Result<LockState, KeychainError>;
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
