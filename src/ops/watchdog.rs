//! The watchdog's process: closes the keychain when the run that started it cannot.

use std::sync::Arc;

use super::audit_log;
use super::error::Error;
use super::state_files;
use crate::base::clock::Clock;
use crate::host::watchdog;

/// Runs the watchdog to its end. What it must close comes in on standard input.
///
/// # Errors
/// The keychain may still be open, or its closing cannot be recorded; the next recovery goes on.
pub fn watch(clock: &Arc<dyn Clock + Send + Sync>) -> Result<(), Error> {
    Ok(watchdog::main(&|config| {
        let path = state_files::audit_log(&config.state);
        Box::new(audit_log::open_at(path, config.actor.clone(), clock))
    })?)
}
