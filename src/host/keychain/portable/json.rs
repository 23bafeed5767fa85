//! The JSON files beside a portable keychain.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::host::keychain::error::KeychainError;

pub(super) fn parse<T: for<'de> Deserialize<'de>>(
    path: &Path,
    bytes: &[u8],
) -> Result<T, KeychainError> {
    serde_json::from_slice(bytes).map_err(|error| KeychainError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

pub(super) fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, KeychainError> {
    serde_json::to_vec_pretty(value).map_err(|error| KeychainError::Damaged {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// The most that such a file may hold.
pub(super) const MAX_BESIDE: usize = 16 << 20;
