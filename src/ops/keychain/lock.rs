//! Closes a keychain now, even if a run has it open.

use super::selected::{self, Selection};
use super::status::{self, KeychainDocument};
use super::work;
use crate::base::event::{Action, Outcome, Witness as _};
use crate::host::keychain::{KeychainError, LockState};
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// Closes it.
///
/// # Errors
/// It is missing, is not one that countersign may close, or may still be open; or it is closed and that cannot be recorded.
pub fn lock(selection: &Selection, world: &World) -> Result<KeychainDocument, Failure> {
    let selected = selected::select_without_policy(selection, world)?;
    match selected.backend.check(&selected.path) {
        // A typing error, or the wrong backend, must not read like a closed keychain.
        Err(error @ (KeychainError::Missing(_) | KeychainError::IsDefault(_))) => {
            return Err(error.into());
        }
        Err(error @ KeychainError::NotMadeHere { .. })
            if !matches!(
                selected.backend.status(&selected.path),
                Ok(LockState::Unlocked)
            ) =>
        {
            return Err(error.into());
        }
        // Whatever else is wrong with it, closed is better than open.
        _ => {}
    }
    // Closing goes first and is recorded after: a full disk is no reason to leave a keychain open.
    let closed = selected.backend.lock(&selected.path);
    let event = |outcome| work::event(&selected, Action::KeychainLock, outcome);
    let event = match &closed {
        Ok(()) => event(Outcome::Done),
        Err(error) => event(Outcome::Failed).detail("error", error),
    };
    let recorded =
        audit_log::open_to_close(world).and_then(|log| log.record(&event).map_err(Error::from));
    closed?;
    recorded.map_err(|error| error.preceded_by(&format!("{} is locked, but", selected.path)))?;
    // It is closed, and that is what was asked for.
    Ok(status::describe(&selected, world).unwrap_or_else(|error| {
        let what = format!("the contents of {} cannot be read", selected.path);
        world.notify(&Notice::Failed(&error.preceded_by(&what)));
        status::locked(&selected)
    }))
}
