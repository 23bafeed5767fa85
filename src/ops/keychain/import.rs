//! Puts the identities of a p12, or of what fastlane match stores, into a keychain.

use super::selected::{self, Selection};
use super::status::{self, KeychainDocument};
use super::work::{self, Work};
use crate::apple::certificate::Certificate;
use crate::apple::pkcs12::{self, Form, algorithms::Algorithms};
use crate::base::event::Action;
use crate::base::secret::Password;
use crate::host::files::Input;
use crate::host::keychain::{KeychainError, LockState};
use crate::host::random;
use crate::host::secret_source::SecretSource;
use crate::ops::error::{Error, Failure};
use crate::ops::identity::stored;
use crate::ops::world::World;
use crate::ops::{audit_log, password};

/// What is imported into which keychain.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The p12, a key beside its certificate, or a match repository.
    pub file: Input,
    /// Where its password comes from.
    pub file_password: SecretSource,
    /// Which keychain.
    pub keychain: Selection,
    /// The keychain's password; without it the kept one.
    pub keychain_password: Option<SecretSource>,
}

/// What an import left.
#[derive(Debug)]
pub struct Imported {
    /// How things are now.
    pub document: KeychainDocument,
    /// The certificates whose keys are in the keychain now.
    pub certificates: Vec<Certificate>,
}

/// The PKCS#12 file that is imported, and its password. Of what fastlane match stores one is made, in memory and under a
/// password of its own.
fn container(request: &ImportRequest, world: &World) -> Result<(Vec<u8>, Password), Error> {
    let reading = stored::Reading {
        input: &request.file,
        password: &request.file_password,
        inputs: None,
        world,
    };
    match reading.read()? {
        stored::Content::Stored(identities) => {
            let one_time = random::password().map_err(KeychainError::Random)?;
            let file = pkcs12::write_one_time(&identities, &one_time, Form::EveryMac);
            let file = file.map_err(|error| Error::of_input(error, &request.file))?;
            Ok((file, one_time))
        }
        stored::Content::Other(file) => {
            // What is wrong with the file itself is said before a password is asked for and anything is recorded.
            Algorithms::read(&file).map_err(|error| Error::of_input(error, &request.file))?;
            let password = password::read_for_file(&request.file_password, world)?;
            Ok((file, password))
        }
    }
}

/// Imports, and locks the keychain again.
///
/// # Errors
/// The file or a password cannot be read, the keychain is open, or a step failed.
pub fn import(request: &ImportRequest, world: &World) -> Result<Imported, Failure> {
    work::prepare_process()?;
    password::keep_from_commands(request.keychain_password.as_ref())?;
    password::keep_from_commands(Some(&request.file_password))?;
    let policy = world.policy_or_defaults()?;
    let selected = selected::select(&request.keychain, &policy, world)?;
    let (file, file_password) = container(request, world)?;
    let (password, _) = selected.password(request.keychain_password.as_ref(), world)?;
    let log = audit_log::open(world, None)?;
    let certificates = Work::begin(Action::KeychainImport, &selected, &log, world)?.perform(
        |selected| {
            selected.backend.check(&selected.path)?;
            // Locking at the end would take the keychain away from whoever has it open.
            match selected.backend.status(&selected.path)? {
                LockState::Unlocked => Err(KeychainError::IsOpen(selected.path.clone())),
                LockState::Locked | LockState::Missing => Ok(()),
            }
        },
        |selected| {
            let backend = &selected.backend;
            backend.import(&selected.path, &password, &file, &file_password)
        },
    )?;
    Ok(Imported {
        document: status::describe(&selected, world)?,
        certificates,
    })
}
