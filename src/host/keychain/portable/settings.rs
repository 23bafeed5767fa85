//! The settings beside a portable keychain, and the list of what is in it.

use std::path::PathBuf;

use pem_rfc7468::LineEnding;
use serde::{Deserialize, Serialize};

use crate::apple::anchors::certificates_from_pem;
use crate::apple::certificate::Certificate;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::path::KeychainPath;
use crate::host::owned_files;

/// The settings beside a keychain.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    pub(super) idle_timeout_seconds: u64,
    /// PEM of each identity's certificate.
    pub(super) certificates: Vec<String>,
}

impl SettingsFile {
    /// Where it lies.
    pub(super) fn path(keychain: &KeychainPath) -> PathBuf {
        keychain.with_suffix(".settings.json")
    }

    pub(super) fn read(keychain: &KeychainPath) -> Result<Self, KeychainError> {
        Self::find(keychain)?.ok_or_else(|| Self::missing(keychain))
    }

    /// The error that a file without settings beside it was made by another program.
    pub(super) fn missing(keychain: &KeychainPath) -> KeychainError {
        KeychainError::NotMadeHere {
            keychain: keychain.clone(),
            why: format!("there is no {} beside it", Self::path(keychain).display()),
        }
    }

    /// The certificates of the list.
    pub(super) fn certificates(
        &self,
        keychain: &KeychainPath,
    ) -> Result<Vec<Certificate>, KeychainError> {
        let mut certificates = Vec::with_capacity(self.certificates.len());
        for pem in &self.certificates {
            let read = certificates_from_pem(pem.as_bytes());
            certificates.extend(read.map_err(|error| KeychainError::Damaged {
                path: Self::path(keychain),
                why: error.to_string(),
            })?);
        }
        Ok(certificates)
    }

    /// None where there is no such file.
    pub(super) fn find(keychain: &KeychainPath) -> Result<Option<Self>, KeychainError> {
        let path = Self::path(keychain);
        let bytes = match owned_files::read(&path, MAX_BESIDE) {
            Err(error) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        let settings = serde_json::from_slice(&bytes);
        settings
            .map(Some)
            .map_err(|error| KeychainError::NotMadeHere {
                keychain: keychain.clone(),
                why: format!("{} is not its settings: {error}", path.display()),
            })
    }

    pub(super) fn write(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let path = Self::path(keychain);
        let json = serde_json::to_vec_pretty(self).map_err(|error| KeychainError::Damaged {
            path: path.clone(),
            why: error.to_string(),
        })?;
        Ok(owned_files::replace(&path, &json)?)
    }
}

pub(super) fn to_pem(der: &[u8]) -> Result<String, KeychainError> {
    pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, der)
        .map_err(|error| KeychainError::Pkcs12(error.to_string()))
}

/// The most that such a file may hold.
const MAX_BESIDE: usize = 16 << 20;
