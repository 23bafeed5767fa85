//! The watchdog's process: closes the keychain when the run that started it cannot.

use super::audit_log;
use super::error::Error;
use super::world::World;
use crate::host::watchdog;

/// Runs the watchdog to its end. What it must close comes in on standard input.
///
/// # Errors
/// The keychain may still be open, or its closing cannot be recorded; the next recovery goes on.
pub fn watch(world: &World) -> Result<(), Error> {
    Ok(watchdog::main(world.clock.as_ref(), &|config| {
        let actor = config.actor.clone();
        Box::new(audit_log::open_in(&config.state, actor, world))
    })?)
}
