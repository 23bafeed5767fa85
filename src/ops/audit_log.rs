//! The audit log, opened for writing, and actions that are recorded in it before they happen.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::Error;
use super::world::World;
use crate::base::event::{Actor, Event, Outcome, Witness};
use crate::base::ids::RegionName;
use crate::host::node::{self, User};
use crate::host::owned_files;
use crate::ledger::audit::AuditLog;

/// The audit log; its directory is made if it is not there. Records are written in the name of this user, host and job.
///
/// # Errors
/// The directory cannot be made or is not this user's alone, or the machine has no usable name.
pub fn open(world: &World, region: Option<RegionName>) -> Result<AuditLog, Error> {
    owned_files::make_directory(world.state_directory()?.path())?;
    Ok(open_at(world.audit_path()?, actor(world, region)?, world))
}

/// The audit log at `path`, written in the name of `actor`. Its directory must be there.
pub fn open_at(path: PathBuf, actor: Actor, world: &World) -> AuditLog {
    AuditLog::new(path, actor, Box::new(Arc::clone(&world.clock)))
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
