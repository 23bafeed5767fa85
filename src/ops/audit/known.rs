//! What is known of the log from outside: the checkpoints that somebody gives, and those in receipts and envelopes.

use std::path::PathBuf;

use crate::base::event::Checkpoint;
use crate::ledger::audit::{Known, KnownCheckpoint, known_from_file, known_from_receipts};
use crate::ops::error::Error;
use crate::ops::world::World;

/// What somebody names of the log.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// Checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// Receipts and envelopes, and directories of them.
    pub files: Vec<PathBuf>,
    /// Directories that hold sealed segments which were moved away.
    pub archives: Vec<PathBuf>,
}

impl Named {
    /// What is named, and what the receipts in the state directory tell.
    ///
    /// # Errors
    /// A file that is named cannot be read or holds no checkpoint, or a directory cannot be listed.
    pub(super) fn with_receipts(&self, world: &World) -> Result<Known, Error> {
        let mut known = known_from_receipts(&world.state_directory()?.receipts())?;
        for file in &self.files {
            let Known {
                checkpoints,
                unused,
            } = known_from_file(file)?;
            known.checkpoints.extend(checkpoints);
            known.unused.extend(unused);
        }
        let named = self.checkpoints.iter().map(|checkpoint| KnownCheckpoint {
            checkpoint: *checkpoint,
            holder: "the command line".into(),
        });
        known.checkpoints.extend(named);
        Ok(known)
    }
}
