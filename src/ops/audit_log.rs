//! The audit log, opened to be written, and acts that stand in it before they are done.

use super::error::Error;
use super::world::World;
use crate::base::event::{Event, Outcome, Witness};
use crate::base::ids::RegionName;
use crate::host::node::{self, User};
use crate::host::private;
use crate::ledger::audit::{Actor, AuditLog};

/// The audit log; its directory is made if it is not there. Records are written in the name of this user, host and job.
///
/// # Errors
/// The directory cannot be made or is not this user's alone, or the machine has no usable name.
pub fn open(world: &World, region: Option<RegionName>) -> Result<AuditLog, Error> {
    private::directory(&world.state_directory()?)?;
    let actor = Actor {
        who: User::current(world.surroundings.login_name.as_deref()).to_string(),
        host: node::host_name()?,
        region,
        job: world.surroundings.job.clone(),
    };
    let clock = Box::new(world.clock.clone());
    Ok(AuditLog::new(world.audit_path()?, actor, clock))
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
