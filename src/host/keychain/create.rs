//! Making a keychain, in an order that a crash at any instant leaves usable.

use super::backend::{KeychainBackend, Settings};
use super::error::KeychainError;
use super::kept_password::KeptPassword;
use super::path::KeychainPath;
use crate::base::secret::Password;
use crate::host::owned_files;

/// Refuses a path that is taken.
///
/// # Errors
/// Something is there, whatever it is.
pub fn refuse_existing(keychain: &KeychainPath) -> Result<(), KeychainError> {
    match keychain.as_path().symlink_metadata() {
        Ok(_) => Err(KeychainError::Exists(keychain.clone())),
        Err(_) => Ok(()),
    }
}

/// Makes a keychain, locked, under `password`, which is kept in `kept` if that is given. The password is on the disk before
/// the keychain is: a keychain whose password nobody knows is of no use.
///
/// # Errors
/// Something is at the path already; nothing is changed then, so that the password of another keychain is not overwritten.
/// Or a step failed; no keychain and no password are left then.
pub fn create(
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    password: &Password,
    kept: Option<&KeptPassword>,
    settings: Settings,
) -> Result<(), KeychainError> {
    refuse_existing(keychain)?;
    if let Some(directory) = keychain.as_path().parent()
        && !directory.exists()
    {
        owned_files::make_directory(directory)?;
    }
    if let Some(kept) = kept {
        kept.write(password)?;
    }
    let created = backend.create(keychain, password, settings);
    if created.is_err()
        && let Some(kept) = kept
    {
        let _ = kept.remove();
    }
    created
}
