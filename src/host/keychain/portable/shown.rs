//! What a portable keychain shows runs: a private directory for each, which is there as long as the keychain is open for
//! the run.
//!
//! Nothing else says whether the keychain is open, and no file names a directory to be removed: what is removed lies below the
//! state directory, under the digest of the keychain's path.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::host::keychain::backend::Closer;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::path::KeychainPath;
use crate::host::owned_files::{self, OwnedDirectory, OwnedFileError};
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// The directories of the runs that have one keychain open.
#[derive(Debug)]
pub(super) struct Shown {
    path: PathBuf,
}

impl Shown {
    /// Those below `state`. None need be there.
    pub(super) fn of(keychain: &KeychainPath, state: &StateDir) -> Self {
        Self {
            path: state.open_keychain(keychain),
        }
    }

    /// Where a run is shown its identities: a directory that its [closer](Self::closer) has made, and holds.
    ///
    /// # Errors
    /// It is not there, or is not this user's alone: nothing is shown that nobody would take back.
    pub(super) fn directory_of(&self, run: &RunId) -> Result<PathBuf, KeychainError> {
        let path = self.path.join(run.as_str());
        OwnedDirectory::open(&path)?;
        Ok(path)
    }

    /// Forgets that the keychain was ever open.
    pub(super) fn forget(&self) -> Result<(), KeychainError> {
        Ok(owned_files::remove_directory(&self.path)?)
    }

    /// Whether any run is shown anything.
    pub(super) fn is_any(&self) -> Result<bool, KeychainError> {
        let Some(mut shown) = self.open()? else {
            return Ok(false);
        };
        for name in shown.names()? {
            let directory = self.path.join(OsStr::from_bytes(name.to_bytes()));
            match OwnedDirectory::open(&directory) {
                Err(error) if error.is_not_found() => {}
                // Whatever it is, it is no sign that nothing is open.
                Err(_) => return Ok(true),
                Ok(mut of_run) => {
                    if !of_run.names()?.is_empty() {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Takes back what every run was shown, but for `kept`.
    pub(super) fn take_back_all(&self, kept: Option<&RunId>) -> Result<(), KeychainError> {
        match self.open()? {
            Some(mut shown) => remove_all(&mut shown, kept),
            None => Ok(()),
        }
    }

    /// Takes back what a run was shown.
    pub(super) fn take_back(&self, run: &RunId) -> Result<(), KeychainError> {
        Ok(owned_files::remove_directory(
            &self.path.join(run.as_str()),
        )?)
    }

    /// What takes back what `run` will be shown; its directory is made, and held open.
    pub(super) fn closer(&self, run: &RunId) -> Result<PortableCloser, KeychainError> {
        let directory = self.path.join(run.as_str());
        owned_files::make_directory(&self.path)?;
        owned_files::make_directory(&directory)?;
        Ok(PortableCloser {
            shown: OwnedDirectory::open(&self.path)?,
            of_run: OwnedDirectory::open(&directory)?,
            run: run.clone(),
        })
    }

    fn open(&self) -> Result<Option<OwnedDirectory>, OwnedFileError> {
        match OwnedDirectory::open(&self.path) {
            Err(error) if error.is_not_found() => Ok(None),
            opened => opened.map(Some),
        }
    }
}

/// Takes back what a run is shown, through descriptors that were opened before it was: files are removed without another one,
/// wherever their directory is by then.
pub(super) struct PortableCloser {
    shown: OwnedDirectory,
    of_run: OwnedDirectory,
    run: RunId,
}

impl Closer for PortableCloser {
    fn close(
        &mut self,
        shared: bool,
        before_waiting: &mut dyn FnMut(),
    ) -> Result<(), KeychainError> {
        let mut cleared = self.of_run.clear();
        if cleared.is_err() {
            // Somebody may be writing there; what the command left is ended first.
            before_waiting();
            cleared = self.of_run.clear();
        }
        let name = name(&self.run);
        let removed = cleared.and_then(|()| match self.shown.remove_empty(&name) {
            // Another directory has its name by now.
            Err(_) => self.shown.remove(&name),
            removed => removed,
        });
        let others = match shared {
            true => Ok(()),
            false => remove_all(&mut self.shown, None),
        };
        removed.map_err(KeychainError::from).and(others)
    }
}

fn remove_all(shown: &mut OwnedDirectory, kept: Option<&RunId>) -> Result<(), KeychainError> {
    let kept = kept.map(name);
    let mut result = Ok(());
    for name in shown.names()? {
        if kept.as_ref() != Some(&name) {
            // What cannot be removed keeps nothing else.
            result = result.and(shown.remove(&name));
        }
    }
    Ok(result?)
}

fn name(run: &RunId) -> CString {
    // A run's name holds digits and letters alone.
    CString::new(run.as_str()).unwrap_or_default()
}
