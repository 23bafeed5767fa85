//! A log that is lost: it has no records, and something tells of one.

use std::path::Path;

use super::error::AuditError;
use super::known::{KnownCheckpoint, known_from_receipts};
use super::segment::segments;
use super::tail::Tail;
use crate::base::event::Checkpoint;

/// Whether a log without records never had any.
///
/// # Errors
/// A receipt or a sealed segment tells of a record, or cannot be read.
pub(super) fn check_not_lost(path: &Path, receipts: Option<&Path>) -> Result<(), AuditError> {
    let known = receipts.map(known_from_receipts).transpose()?;
    // A receipt that cannot be used may tell of a record.
    let known = known.unwrap_or_default().complete()?.into_iter();
    let known = known.chain(known_from_segments(path)?);
    match known.max_by_key(|known| known.checkpoint.seq) {
        None => Ok(()),
        Some(known) => Err(AuditError::Lost {
            path: path.to_owned(),
            known,
        }),
    }
}

/// The last record of the last sealed segment of the log at `path`, if there is one.
///
/// # Errors
/// The segment cannot be read, or its last line is not a record.
fn known_from_segments(path: &Path) -> Result<Option<KnownCheckpoint>, AuditError> {
    let Some(segment) = segments(path, None, &[])?.pop() else {
        return Ok(None);
    };
    let checkpoint = Tail::read(&segment.open()?, &segment.path)?.position.head;
    Ok((checkpoint != Checkpoint::EMPTY).then(|| KnownCheckpoint {
        checkpoint,
        holder: segment.path.display().to_string(),
    }))
}
