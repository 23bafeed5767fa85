//! What an import finds in a PKCS#12 file: the same for every kind of keychain.

use super::error::KeychainError;
use crate::apple::pkcs12::{self, Pkcs12, Pkcs12Error};
use crate::base::secret::Password;

/// Reads the file that is imported.
///
/// # Errors
/// It cannot be read with this password, or holds no certificate with its private key.
pub(in crate::host::keychain) fn read_identities(
    file: &[u8],
    password: &Password,
) -> Result<Pkcs12, KeychainError> {
    let refused = |error: Pkcs12Error| KeychainError::Pkcs12(error.to_string());
    let contents = pkcs12::read(file, password).map_err(refused)?;
    if contents.identities.is_empty() {
        return Err(refused(Pkcs12Error::NoIdentity {
            certificates: contents.other_certificates.len(),
            lone_keys: contents.lone_keys.len(),
        }));
    }
    Ok(contents)
}
