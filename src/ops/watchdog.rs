//! The watchdog's process: closes the keychain when the run that started it cannot.

use super::audit_log;
use super::error::Error;
use super::keychain::selected;
use super::world::World;
use crate::host::watchdog;

/// Runs the watchdog to its end. What it must close comes in on standard input.
///
/// # Errors
/// The keychain may still be open, or its closing cannot be recorded; the next recovery goes on.
pub fn watch(world: &World) -> Result<(), Error> {
    let backends = selected::backends(world)?;
    Ok(watchdog::main(
        world.clock.as_ref(),
        &backends,
        &|config| {
            Box::new(audit_log::open_in(
                &config.state,
                config.actor.clone(),
                world,
            ))
        },
    )?)
}
