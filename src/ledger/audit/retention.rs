//! Receipts do not pile up for ever: old ones are removed, when the log no longer needs them as witnesses.
//!
//! A receipt tells where the log stood, and that is how a log which was cut short is found. So one is removed only if the
//! record that it tells of lies in a sealed segment and is still what the receipt says: one that contradicts the log is
//! evidence, and stays; so does one that cannot be read, and one whose segment was moved away. The newest receipts always
//! stay. Before a receipt is removed, its digest and its checkpoint are recorded, so that a copy can be recognised later.
//!
//! The empty receipt of a run that was killed tells of no record. It is removed when it is old.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::error::AuditError;
use super::known::{MAX_RECEIPT, checkpoint_in, receipts_in};
use super::lines::{Next, read_lines};
use super::log::AuditLog;
use super::open::Active;
use super::segment::{Segment, segments};
use crate::base::digest::Digest;
use crate::base::event::{Action, Checkpoint, Event, Outcome};
use crate::host::owned_files::{self, FileStep, OwnedFileError};
use crate::host::run_id::RunId;

/// How many receipts are kept, and for how long.
pub(super) struct Retention {
    /// One that is older may go.
    pub(super) age: SignedDuration,
    /// One with so many newer ones may go.
    pub(super) count: usize,
    /// So many of the newest ones stay, however old they are.
    pub(super) always: usize,
    /// So many go at once: whoever removes them waits for it.
    pub(super) at_once: usize,
}

/// What the product keeps.
const RETENTION: Retention = Retention {
    age: SignedDuration::from_hours(90 * 24),
    count: 10_000,
    always: 100,
    at_once: 20,
};

/// A receipt that may go.
struct Old {
    run: RunId,
    path: PathBuf,
    sha256: Digest,
    /// `None` for an empty one.
    checkpoint: Option<Checkpoint>,
}

impl AuditLog {
    /// Removes some of the receipts that are too old or too many, each with a record before and after.
    ///
    /// # Errors
    /// The receipts cannot be listed, a segment cannot be read, or a removal cannot be recorded or done. What was removed
    /// until then is recorded.
    pub fn retire_receipts(&self) -> Result<(), AuditError> {
        self.retire(&RETENTION).map(drop)
    }

    /// The same; how many were removed.
    pub(super) fn retire(&self, retention: &Retention) -> Result<usize, AuditError> {
        let Some(directory) = &self.receipts else {
            return Ok(0);
        };
        let old = old_receipts(directory, self.clock.now(), retention)?;
        if old.is_empty() {
            return Ok(0);
        }
        let sealed = sealed(self.path(), old, retention.at_once)?;
        let count = sealed.len();
        for receipt in sealed {
            let mut event = Event::new(Action::ReceiptRemove, Outcome::Intended)
                .of_run(receipt.run.as_str())
                .detail("sha256", receipt.sha256);
            if let Some(checkpoint) = receipt.checkpoint {
                event = event.detail("audit", checkpoint);
            }
            self.append(&event)?;
            owned_files::remove(&receipt.path)?;
            event.outcome = Outcome::Done;
            self.append(&event)?;
        }
        Ok(count)
    }
}

/// The receipts that may go by their age and number, the oldest first. Those that are not ours alone or say nothing are left.
fn old_receipts(
    directory: &Path,
    now: Timestamp,
    retention: &Retention,
) -> Result<Vec<Old>, OwnedFileError> {
    let mut receipts = receipts_in(directory)?;
    // By the instant in their names.
    receipts.sort();
    receipts.truncate(receipts.len().saturating_sub(retention.always));
    let too_many = (receipts.len() + retention.always).saturating_sub(retention.count);
    let mut old = Vec::new();
    for (number, (run, path)) in receipts.into_iter().enumerate() {
        let Some(began) = run.began() else {
            continue;
        };
        let is_old = now.duration_since(began) > retention.age;
        if !is_old && number >= too_many {
            break;
        }
        let Ok(bytes) = owned_files::read(&path, MAX_RECEIPT) else {
            continue;
        };
        let checkpoint = checkpoint_in(&bytes);
        // The run of a young empty one may still write it.
        if checkpoint.is_some() || bytes.is_empty() && is_old {
            old.push(Old {
                run,
                path,
                sha256: Digest::of(&bytes),
                checkpoint,
            });
        }
    }
    Ok(old)
}

/// Those of which the log at `log` has the record in a sealed segment, at most `count`. Segments are read, the oldest first,
/// until there are so many.
fn sealed(log: &Path, mut old: Vec<Old>, count: usize) -> Result<Vec<Old>, AuditError> {
    let mut found: Vec<Old> = Vec::new();
    found.extend(old.extract_if(.., |receipt| receipt.checkpoint.is_none()));
    // A file that is called as a segment is one only if the file after it tells so: sealing may have been cut short.
    let last = Active::open(log)?.and_then(|active| active.sealed_until());
    for segment in segments(log, None, &[])? {
        let holds = |receipt: &Old| {
            let seq = receipt.checkpoint.map(|checkpoint| checkpoint.seq);
            seq.is_some_and(|seq| (segment.first..=segment.last).contains(&seq))
        };
        if last.is_none_or(|last| segment.last > last) || !old.iter().any(holds) {
            continue;
        }
        if found.len() >= count {
            break;
        }
        let records = records_of(&segment, &old)?;
        found.extend(old.extract_if(.., |receipt| {
            let checkpoint = receipt.checkpoint;
            checkpoint.is_some_and(|Checkpoint { seq, head }| records.get(&seq) == Some(&head))
        }));
    }
    found.truncate(count);
    Ok(found)
}

/// The digests of the records of a segment of which a receipt tells, by number.
fn records_of(segment: &Segment, old: &[Old]) -> Result<BTreeMap<u64, Digest>, AuditError> {
    let wanted: BTreeSet<u64> = old
        .iter()
        .filter_map(|receipt| Some(receipt.checkpoint?.seq))
        .collect();
    let mut records = BTreeMap::new();
    read_lines(segment.open()?, false, &mut |next| {
        if let Next::Line(examined) = next
            && let Ok(link) = &examined.link
            && wanted.contains(&link.seq)
        {
            records.insert(link.seq, examined.digest);
        }
        ControlFlow::Continue(())
    })
    .map_err(OwnedFileError::of(FileStep::Read, &segment.path))?;
    Ok(records)
}
