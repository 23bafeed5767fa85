//! The audit log, opened for writing, and actions that are recorded in it before they happen.

use std::sync::Arc;

use super::error::Error;
use super::world::World;
use crate::base::event::{Actor, Event, Outcome, Witness};
use crate::base::ids::RegionName;
use crate::host::node::{self, User};
use crate::host::owned_files;
use crate::host::state_dir::StateDir;
use crate::ledger::audit::AuditLog;

/// The audit log; its directory is made if it is not there. Records are written in the name of this user, host and job.
///
/// # Errors
/// The directory cannot be made, is not this user's alone, or another user can put something else in its place; or the machine
/// has no usable name.
pub fn open(world: &World, region: Option<RegionName>) -> Result<AuditLog, Error> {
    let state = world.state_directory()?;
    state.make()?;
    Ok(open_in(&state, actor(world, region)?, world))
}

/// The same for what only closes keychains: who can change the way to the directory is no reason to leave one open.
///
/// # Errors
/// The directory cannot be made or is not this user's alone, or the machine has no usable name.
pub fn open_to_close(world: &World) -> Result<AuditLog, Error> {
    let state = world.state_directory()?;
    owned_files::make_directory(state.path())?;
    Ok(open_in(&state, actor(world, None)?, world))
}

/// The audit log of a state directory, written in the name of `actor`. The directory must be there.
pub fn open_in(state: &StateDir, actor: Actor, world: &World) -> AuditLog {
    AuditLog::new(state.audit_log(), actor, Box::new(Arc::clone(&world.clock)))
        .with_receipts(state.receipts())
}

/// In whose name this process records.
///
/// # Errors
/// The machine has no usable name.
pub fn actor(world: &World, region: Option<RegionName>) -> Result<Actor, Error> {
    Ok(Actor {
        who: User::current(world.surroundings.login_name.as_deref()).to_string(),
        host: node::host_name()?,
        region,
        job: world.surroundings.job.clone(),
    })
}

/// Acts, with a record of the intention before and one of the outcome after. `event` gives the event of an outcome.
///
/// # Errors
/// The intention cannot be recorded, and then nothing is done; the act fails; or its success cannot be recorded.
pub fn recorded<T>(
    log: &dyn Witness,
    event: impl Fn(Outcome) -> Event,
    act: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    log.record(&event(Outcome::Intended))?;
    match act() {
        Ok(done) => {
            log.record(&event(Outcome::Done))?;
            Ok(done)
        }
        Err(error) => {
            // The error of the act says more than one of the log; that it was intended stands there already.
            let failed = event(Outcome::Failed).detail("error", &error);
            log.record(&failed).map(drop).unwrap_or_default();
            Err(error)
        }
    }
}
