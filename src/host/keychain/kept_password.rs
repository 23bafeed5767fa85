//! The password that countersign keeps of a keychain that it made.

use std::path::PathBuf;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;
use crate::host::owned_files::{self, OwnedFileError};

/// The file that holds the password of one keychain. It need not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPassword {
    /// Where.
    pub path: PathBuf,
}

impl KeptPassword {
    /// The password; `None` if none is kept.
    ///
    /// # Errors
    /// The file is not this user's alone, cannot be read, or holds no text.
    pub fn read(&self) -> Result<Option<Password>, KeptPasswordError> {
        let bytes = match owned_files::read(&self.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match Password::from_file_bytes(bytes) {
            Ok(password) => Ok(Some(password)),
            Err(_) => Err(KeptPasswordError::NotText {
                path: self.path.clone(),
            }),
        }
    }

    /// Whether one is kept, readable or not.
    pub fn is_kept(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Keeps `password`; it is on the disk when this returns.
    ///
    /// # Errors
    /// The file or its directory cannot be written.
    pub fn write(&self, password: &Password) -> Result<(), OwnedFileError> {
        if let Some(directory) = self.path.parent() {
            owned_files::make_directory(directory)?;
        }
        owned_files::replace(&self.path, password.expose().as_bytes())
    }

    /// Forgets the password; one that is not kept is forgotten already.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(&self) -> Result<(), OwnedFileError> {
        owned_files::remove(&self.path)
    }
}

/// A kept password cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeptPasswordError {
    /// The file.
    #[error("the kept password cannot be read: {0}")]
    File(#[from] OwnedFileError),
    /// It is not UTF-8.
    #[error("the kept password {} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for KeptPasswordError {
    fn code(&self) -> ErrorCode {
        ErrorCode::KeychainFailed
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::NotText { .. } => Some("pass the password".into()),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::File(error) => error.remedy(),
            Self::NotText { .. } => Some(Remedy::GiveKeychainPassword),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File(error) => error.place(),
            Self::NotText { path } => Place::file(path),
        }
    }
}

/// The longest password file that is ours.
const MAX_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_until_it_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptPassword {
            path: directory.path().join("passwords/one"),
        };
        assert!(kept.read().unwrap().is_none());
        kept.write(&Password::new("a b".into())).unwrap();
        assert_eq!(kept.read().unwrap().unwrap().expose(), "a b");
        owned_files::replace(&kept.path, b"\xff").unwrap();
        assert!(matches!(
            kept.read(),
            Err(KeptPasswordError::NotText { .. })
        ));
        kept.remove().unwrap();
        kept.remove().unwrap();
        assert!(kept.read().unwrap().is_none());
    }
}
