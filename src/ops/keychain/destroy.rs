//! Deletes a keychain with all that is in it, and its kept password.

use super::selected::{self, Selection};
use super::status::{self, KeychainDocument};
use super::work::Work;
use crate::base::event::Action;
use crate::base::remedy::Remedy;
use crate::host::keychain::KeychainError;
use crate::ops::audit_log;
use crate::ops::error::Failure;
use crate::ops::world::World;

/// Deletes it. Repeating that does no harm.
///
/// # Errors
/// There is no policy and nobody named the keychain; it is not one that countersign made, a run has it open, or something of it is left.
pub fn destroy(selection: &Selection, world: &World) -> Result<KeychainDocument, Failure> {
    let is_named = selection.path.is_some();
    let policy = world.policy_for_deleting(is_named, "the keychain", Remedy::NameKeychain)?;
    let selected = selected::select(selection, &policy, world)?;
    let log = audit_log::open(world, None)?;
    Work::begin(Action::KeychainDestroy, &selected, &log, world)?.perform(
        |selected| match selected.backend.check(&selected.path) {
            // What lies beside a keychain may be there although it is not.
            Err(KeychainError::Missing(_)) => Ok(()),
            checked => checked,
        },
        |selected| {
            selected.backend.destroy(&selected.path)?;
            Ok(selected.kept_password().remove()?)
        },
    )?;
    Ok(status::describe(&selected, world)?)
}
