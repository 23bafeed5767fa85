//! Makes a keychain.

use std::path::PathBuf;
use std::time::Duration;

use super::selected::{self, Selection};
use super::status::{self, KeychainDocument};
use super::work::{self, Work};
use crate::base::event::Action;
use crate::host::keychain::{self, KeychainError, Settings};
use crate::host::random;
use crate::host::secret_source::SecretSource;
use crate::ops::error::Failure;
use crate::ops::world::World;
use crate::ops::{audit_log, password};

/// Which keychain is made, under which password.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Which.
    pub keychain: Selection,
    /// Its password; without it a random one is made and kept in the state directory.
    pub password: Option<SecretSource>,
}

/// A keychain that was made.
#[derive(Debug)]
pub struct Created {
    /// How things are now.
    pub document: KeychainDocument,
    /// Where its password is kept, if it was not handed in.
    pub kept_password: Option<PathBuf>,
}

/// Makes a locked keychain.
///
/// # Errors
/// Something is at its path already, or a step failed; then none is left.
pub fn create(request: &CreateRequest, world: &World) -> Result<Created, Failure> {
    work::prepare_process()?;
    password::keep_from_commands(request.password.as_ref())?;
    let policy = world.policy_or_defaults()?;
    let selected = selected::select(&request.keychain, &policy, world)?;
    let log = audit_log::open(world, None)?;
    let (password, kept) = match &request.password {
        Some(source) => (password::read(source, world)?, None),
        None => {
            let password = random::password().map_err(KeychainError::Random)?;
            (password, Some(selected.kept_password()))
        }
    };
    let settings = Settings {
        idle_timeout: Duration::try_from(policy.keychain.window()).unwrap_or_default(),
    };
    Work::begin(Action::KeychainCreate, &selected, &log, world)?.perform(
        |selected| keychain::refuse_existing(&selected.path),
        |selected| {
            let (backend, path) = (selected.backend.as_ref(), &selected.path);
            keychain::create(backend, path, &password, kept.as_ref(), settings)
        },
    )?;
    Ok(Created {
        document: status::describe(&selected, world)?,
        kept_password: kept.map(|kept| kept.path),
    })
}
