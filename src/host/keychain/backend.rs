//! What every kind of keychain can do.

use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;

use super::error::KeychainError;
use super::kind::{BackendKind, LockState};
use super::path::KeychainPath;
use crate::apple::certificate::Certificate;
use crate::base::secret::Password;
use crate::host::permit::OpenPermit;
use crate::host::run_id::RunId;

/// What a keychain does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// It locks when it has not been used for so long: the net under the watchdog.
    pub idle_timeout: Duration,
}

/// For which run a keychain is opened, and until when.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The instant at which it must be closed again.
    pub until: Timestamp,
    /// After how long without use the keychain may lock by itself: no sooner than the last of all windows that it is
    /// open for ends.
    pub idle_timeout: Duration,
    /// Other runs have it open already, so it must not be locked to prove the password.
    pub shared: bool,
}

/// What the child gets to see of an open keychain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChildAccess {
    /// Variables that name where the identities are. No secret is among them.
    pub environment: Vec<(OsString, OsString)>,
}

/// Closes one keychain for one run.
pub trait Closer {
    /// Locks the keychain and takes back everything that any run was given; if it is `shared`, takes back only what the run
    /// was given. It can be repeated. `before_waiting` is called before anything that may take long.
    ///
    /// # Errors
    /// It may still be open, or something is left.
    fn close(
        &mut self,
        shared: bool,
        before_waiting: &mut dyn FnMut(),
    ) -> Result<(), KeychainError>;
}

/// A store of identities that can be opened and closed.
pub trait KeychainBackend: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Checks that a keychain is there, that it is this user's alone, that countersign made it, and that it is not the
    /// person's own.
    ///
    /// # Errors
    /// One of these does not hold; then countersign neither opens nor closes it.
    fn check(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// Makes a keychain, locked, under `password`.
    ///
    /// # Errors
    /// There is one already, or a step failed or could not be read back; then none is left.
    fn create(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        settings: Settings,
    ) -> Result<(), KeychainError>;

    /// Puts the identities of a PKCS#12 file in, proves that their keys sign, and returns what is in the keychain now.
    /// The keychain is locked afterwards, whatever happens.
    ///
    /// Identities that it holds already stay, and have their keys proven as the others': an import that failed half way,
    /// or was killed, is finished by repeating it, and one that was done is done again without harm.
    ///
    /// # Errors
    /// The file or the keychain cannot be opened, holds nothing to import, or a step failed or could not be read back.
    fn import(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        file: &[u8],
        file_password: &Password,
    ) -> Result<Vec<Certificate>, KeychainError>;

    /// Opens it for a run, whose [closer](Self::closer) has been made.
    ///
    /// # Errors
    /// The password is wrong, the keychain is not ours alone, or a step failed or could not be read back. The caller
    /// closes what may be half open, with [`release`](Self::release) and [`lock`](Self::lock).
    fn open(
        &self,
        permit: OpenPermit,
        keychain: &KeychainPath,
        password: &Password,
        opening: &Opening<'_>,
    ) -> Result<ChildAccess, KeychainError>;

    /// What closes the keychain for `run`: it has all that it needs, and is made before the keychain is opened.
    ///
    /// # Errors
    /// It cannot be made ready: then nothing may be opened.
    fn closer(
        &self,
        keychain: &KeychainPath,
        run: &RunId,
    ) -> Result<Box<dyn Closer + '_>, KeychainError>;

    /// Takes back what was made for one run; the keychain may stay open for others.
    ///
    /// # Errors
    /// Something is left.
    fn release(&self, keychain: &KeychainPath, run: &RunId) -> Result<(), KeychainError>;

    /// Closes it and takes back everything that any run was given; one that is closed or missing is closed already.
    ///
    /// # Errors
    /// It may still be open, or something is left.
    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// Whether it is open. Never prompts.
    ///
    /// # Errors
    /// The keychain's service does not say.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError>;

    /// The certificates that have their private key in it, in the keychain's own order; it need not be open.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError>;

    /// Why codesign could not use an identity although its key is there: its chain misses an issuer. `None`: nothing is
    /// known against it.
    ///
    /// # Errors
    /// The system's service refused to look.
    fn problem(&self, _certificate: &Certificate) -> Result<Option<String>, KeychainError> {
        Ok(None)
    }

    /// Deletes it with all that is in it; one that is missing is deleted already, but for what it may have left.
    ///
    /// # Errors
    /// It does not pass the [check](Self::check), and stays as it is; or something is left.
    fn destroy(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;
}
