//! Finishes what killed runs left: ends their commands, closes their keychains, records both.

use schemars::JsonSchema;
use serde::Serialize;

use super::dead_runs;
use crate::host::keychain::KeychainPath;
use crate::host::session::Recovered;
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.recovery.v1` document: what `keychain recover` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecoveryDocument {
    /// Always `countersign.recovery.v1`.
    #[schemars(extend("const" = "countersign.recovery.v1"))]
    pub schema: &'static str,
    /// The dead runs that are now recovered.
    pub recovered: Vec<Recovered>,
    /// The killed runs that could not be recovered; the next recovery tries again.
    pub unfinished: Vec<ShownUnfinished>,
}

/// A killed run that could not be recovered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownUnfinished {
    /// Its keychain, which may still be open; null if its journal is damaged, or if it is what a contract suite left.
    pub keychain: Option<KeychainPath>,
    /// Why, for people.
    pub error: String,
}

impl Report for RecoveryDocument {}

/// What a recovery did.
#[derive(Debug)]
pub struct Recovery {
    /// The document.
    pub document: RecoveryDocument,
    /// Why each of the unfinished runs is so.
    pub unfinished: Vec<Error>,
}

impl Recovery {
    /// Adds something that is no run and could not be cleared away either.
    pub fn add_unfinished(&mut self, error: Error) {
        self.document.unfinished.push(ShownUnfinished {
            keychain: None,
            error: error.to_string(),
        });
        self.unfinished.push(error);
    }
}

/// Recovers.
///
/// # Errors
/// The journals cannot be read.
pub fn recover(world: &World) -> Result<Recovery, Failure> {
    let log = audit_log::open_to_close(world)?;
    let recovery = dead_runs::recover(&world.state_directory()?, &log, "recover", false, world)?;
    let shown = recovery.unfinished.iter().map(|run| ShownUnfinished {
        keychain: run.keychain().cloned(),
        error: run.error.to_string(),
    });
    Ok(Recovery {
        document: RecoveryDocument {
            schema: "countersign.recovery.v1",
            unfinished: shown.collect(),
            recovered: recovery.finished,
        },
        unfinished: recovery
            .unfinished
            .into_iter()
            .map(dead_runs::explain)
            .collect(),
    })
}
