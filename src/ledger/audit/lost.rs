//! A log that is lost: it has no records, and something tells of one.

use std::path::Path;

use super::error::AuditError;
use super::known::known_from_receipts;

/// Whether a log without records never had any.
///
/// # Errors
/// A receipt tells of a record, or cannot be read.
pub(super) fn check_not_lost(path: &Path, receipts: Option<&Path>) -> Result<(), AuditError> {
    let known = receipts.map(known_from_receipts).transpose()?;
    let known = known.unwrap_or_default().into_iter();
    match known.max_by_key(|known| known.checkpoint.seq) {
        None => Ok(()),
        Some(known) => Err(AuditError::Lost {
            path: path.to_owned(),
            known,
        }),
    }
}
