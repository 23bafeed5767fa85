//! What an import finds in a PKCS#12 file: the same for every kind of keychain.

use super::error::KeychainError;
use crate::apple::pkcs12::{self, Pkcs12};
use crate::base::secret::Password;

/// Reads the file that is imported.
///
/// # Errors
/// It cannot be read with this password, or holds no certificate with its private key.
pub(in crate::host::keychain) fn read_identities(
    file: &[u8],
    password: &Password,
) -> Result<Pkcs12, KeychainError> {
    let contents = pkcs12::read(file, password).map_err(KeychainError::Import)?;
    match contents.identities.is_empty() {
        true => Err(KeychainError::Import(contents.no_identity())),
        false => Ok(contents),
    }
}
