//! The hand-off statement of a clearance.

use std::io;
use std::path::Path;

use super::judge::Judged;
use crate::base::event::Checkpoint;
use crate::context::envelope;
use crate::host::files;
use crate::ops::error::{Error, Failure};
use crate::ops::output;
use crate::ops::world::World;

/// Removes the statement of an earlier verdict, which must not be taken for that of the one to come.
///
/// # Errors
/// It cannot be removed.
pub fn remove_earlier(path: &Path) -> Result<(), Error> {
    match files::remove(path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => Ok(removed?),
    }
}

/// Writes the statement of a verdict that is cleared; for another there is none. `recorded` is where the audit log stood when
/// the verdict was recorded.
///
/// # Errors
/// The file cannot be written.
pub fn write(
    path: &Path,
    judged: &Judged,
    recorded: Checkpoint,
    world: &World,
) -> Result<(), Failure> {
    let (Some(_), Some(basis)) = (judged.verdict.cleared(), &judged.basis) else {
        return Ok(());
    };
    let name = world.manifest_path().file_name().map_or_else(
        || "profiles.json".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let statement = envelope::statement(&judged.verdict, basis.manifest(), &name, recorded)
        .map_err(Error::unexpected)?;
    let mut text = serde_json::to_vec_pretty(&statement).map_err(Error::unexpected)?;
    text.push(b'\n');
    output::write(path, &text)
}
