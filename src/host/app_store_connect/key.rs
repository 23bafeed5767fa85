//! The API key of a team: a private key on the curve P-256, in the file `AuthKey_ID.p8` that App Store Connect hands out once.
//!
//! Whoever has it can change every profile, certificate and device of the team, so the file must be this user's and nobody
//! else's, and its bytes are wiped as soon as the key is read. It signs tokens and leaves this room in no other form.
//!
//! An individual key has no issuer. Apple lets it neither provision nor notarize ("Creating API Keys for App Store Connect
//! API"), so a key is not even read without the id of its issuer.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::{ApiKeyId, IssuerId};
use crate::host::owned_files::{self, OwnedFileError};

/// The key of a team.
pub struct ApiKey {
    id: ApiKeyId,
    issuer: IssuerId,
    pair: EcdsaKeyPair,
}

/// Shows nothing of the key itself.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

/// Why a key cannot be used. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read, or is not this user's alone.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// Not PEM of one private key in PKCS#8.
    #[error("{path} is not an API key: it does not hold one `-----BEGIN PRIVATE KEY-----`", path = path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// A key of another kind or curve.
    #[error("{path} holds a private key that is not on the curve P-256", path = path.display())]
    Curve {
        /// The file.
        path: PathBuf,
    },
    /// The name of the file says another id than somebody did.
    #[error("{path} is called after the key {named}, and not after {said}", path = path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The id in its name.
        named: ApiKeyId,
        /// The id that somebody said.
        said: ApiKeyId,
    },
}

impl KeyError {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::File(_) => None,
            Self::Form { path } | Self::Curve { path } | Self::OtherKey { path, .. } => Some(path),
        }
    }
}

impl Explain for KeyError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::File(error) if error.is_not_found() => ErrorCode::FileMissing,
            _ => ErrorCode::PortalKeyUnusable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) if error.is_not_found() => "check the path of the .p8 file".into(),
            Self::File(error) => return error.hint(),
            Self::Form { .. } => {
                "name the AuthKey_….p8 file as App Store Connect handed it out".into()
            }
            Self::Curve { .. } => {
                "name the API key of App Store Connect: keys for push or for MapKit are others"
                    .into()
            }
            Self::OtherKey { named, .. } => {
                format!("say the key id {named}, or name the file of the other key")
            }
        })
    }

    fn place(&self) -> Place {
        match (self, self.path()) {
            (Self::File(error), _) => error.place(),
            (_, Some(path)) => Place::file(path),
            (_, None) => Place::default(),
        }
    }
}

impl ApiKey {
    /// Reads the key of this id from its file.
    ///
    /// # Errors
    /// The file is not this user's alone, or holds no such key.
    pub fn read(path: &Path, id: ApiKeyId, issuer: IssuerId) -> Result<Self, KeyError> {
        match id_in_name(path) {
            Some(named) if named != id => {
                return Err(KeyError::OtherKey {
                    path: path.to_owned(),
                    named,
                    said: id,
                });
            }
            _ => {}
        }
        let form = || KeyError::Form {
            path: path.to_owned(),
        };
        let bytes = Zeroizing::new(owned_files::read(path, MAX_KEY)?);
        let (label, der) = pem_rfc7468::decode_vec(bytes.trim_ascii()).map_err(|_| form())?;
        let der = Zeroizing::new(der);
        if label != "PRIVATE KEY" {
            return Err(form());
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        let pair = pair.map_err(|_| KeyError::Curve {
            path: path.to_owned(),
        })?;
        Ok(Self { id, issuer, pair })
    }

    /// Its id.
    pub fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// Its issuer: the team.
    pub fn issuer(&self) -> &IssuerId {
        &self.issuer
    }

    /// The signature of a message as JSON Web Signatures write it for ES256 (RFC 7518, section 3.4); none if the system
    /// gives no randomness.
    pub(super) fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }
}

/// The id in the name of a key's file, `AuthKey_ID.p8`.
pub fn id_in_name(path: &Path) -> Option<ApiKeyId> {
    let name = path.file_stem()?.to_str()?;
    name.strip_prefix("AuthKey_")?.parse().ok()
}

/// A key is some 250 bytes.
const MAX_KEY: usize = 4 << 10;
