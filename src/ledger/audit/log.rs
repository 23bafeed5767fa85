//! Appending to the log.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::error::AuditError;
use super::held::{HeldFiles, is_descriptor_limit};
use super::known::KnownCheckpoint;
use super::lost::check_not_lost;
use super::record::{self, LOST_AFTER, Position};
use super::seal::Seal;
use super::segment::{is_same_file, seal_event};
use super::tail::Tail;
use crate::base::clock::Clock;
use crate::base::digest::Digest;
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome, Witness, WitnessError};
use crate::host::files::{sync_directory_of, write_through};
use crate::host::owned_files::{
    FileStep, Others, OwnedFileError, check_owned, open_unfollowed, wait_for_lock,
};

/// A log that can be appended to.
pub struct AuditLog {
    path: PathBuf,
    pub(super) receipts: Option<PathBuf>,
    segment_size: u64,
    actor: Actor,
    pub(super) clock: Box<dyn Clock + Send + Sync>,
    held: HeldFiles,
    last: Mutex<Option<Checkpoint>>,
}

impl AuditLog {
    /// The log at `path`, which need not exist yet (its directory must). Records carry `actor` and the time that `clock`
    /// tells.
    pub fn new(path: PathBuf, actor: Actor, clock: Box<dyn Clock + Send + Sync>) -> Self {
        Self {
            path,
            receipts: None,
            segment_size: SEGMENT_SIZE,
            actor,
            clock,
            held: HeldFiles::default(),
            last: Mutex::default(),
        }
    }

    /// The same with receipts in `directory`. They tell of the log's records, so a log that is gone or empty while one of
    /// them tells of a record is not begun again.
    #[must_use]
    pub fn with_receipts(mut self, directory: PathBuf) -> Self {
        self.receipts = Some(directory);
        self
    }

    /// The same with smaller or larger segments: a file of so many bytes is sealed before the next record is written.
    #[must_use]
    pub fn with_segments_of(mut self, bytes: u64) -> Self {
        self.segment_size = bytes;
        self
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it stood after the last record that was written by this value, if any was.
    pub fn last(&self) -> Option<Checkpoint> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one record and waits until it is on the disk.
    ///
    /// # Errors
    /// The file cannot be opened, locked within ten seconds or written; it belongs to someone else, or others may write
    /// it; its last line is not a record; or it is gone or empty although it had records. Nothing was recorded then.
    pub fn append(&self, event: &Event) -> Result<Appended, AuditError> {
        let may_begin = || check_not_lost(&self.path, self.receipts.as_deref());
        loop {
            let file = self.open_to_append(may_begin)?;
            let tail = Tail::read(&file, &self.path)?;
            if tail.position == Position::START {
                may_begin()?;
            }
            if !self.seal_if_due(&file, &tail)? {
                return self.write(&file, &tail, tail.position, event);
            }
        }
    }

    /// Makes the file a sealed segment if it is large enough; then the log is another file. A file that is sealed later does
    /// no harm, so a process that may open nothing more leaves that to the next one.
    fn seal_if_due(&self, file: &File, tail: &Tail) -> Result<bool, AuditError> {
        let Some(seal) = Seal::due(&self.path, file, tail, self.segment_size)? else {
            return Ok(false);
        };
        match self.seal(&seal, tail) {
            Err(error) if is_descriptor_limit(&error) => Ok(false),
            sealed => sealed,
        }
    }

    /// Seals; `false` where the file system cannot.
    fn seal(&self, seal: &Seal<'_>, tail: &Tail) -> Result<bool, AuditError> {
        if !seal.link()? {
            return Ok(false);
        }
        let event = seal_event(&seal.sealed()?);
        let mut line = Vec::with_capacity(1_024);
        self.write_line(&mut line, &tail.position, self.clock.now(), &event)?;
        seal.write_next(&line)?;
        seal.swap()?;
        Ok(true)
    }

    /// Goes on after the log was lost: writes, as the first record of the new log, that it was resumed after `known`, the
    /// last record that is known of.
    ///
    /// # Errors
    /// As [`append`](Self::append); or the log has records.
    pub fn resume_after_loss(&self, known: &KnownCheckpoint) -> Result<Appended, AuditError> {
        let file = self.open_to_append(|| Ok(()))?;
        let tail = Tail::read(&file, &self.path)?;
        if tail.position != Position::START {
            return Err(AuditError::NotLost {
                path: self.path.clone(),
            });
        }
        let position = Position {
            head: known.checkpoint,
            latest: None,
        };
        let event = Event::new(Action::AuditResume, Outcome::Done)
            .detail(LOST_AFTER, known.checkpoint)
            .detail("known-from", &known.holder);
        self.write(&file, &tail, position, &event)
    }

    /// Goes on after the clock was set back: writes that the clock is right now. `latest` is the time that it was behind.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn resume_after_clock(&self, latest: Timestamp) -> Result<Appended, AuditError> {
        let event = Event::new(Action::AuditResume, Outcome::Done);
        self.append(&event.detail("clock-was-behind", latest))
    }

    /// Writes a record after `position`, at the end of the log.
    fn write(
        &self,
        file: &File,
        tail: &Tail,
        mut position: Position,
        event: &Event,
    ) -> Result<Appended, AuditError> {
        let set_aside = match tail.torn {
            0 => None,
            _ => Some(self.set_aside(file, tail)?),
        };
        let repair = set_aside.as_ref().map(|set_aside| {
            Event::new(Action::AuditRepair, Outcome::Done)
                .detail("moved-to", set_aside.path.display())
                .detail("bytes", set_aside.bytes)
                .detail("sha256", set_aside.digest)
        });
        // What was found torn stands before what is recorded; only that the log is resumed stands before everything.
        let events = match event.what {
            Action::AuditResume => [Some(event), repair.as_ref()],
            _ => [repair.as_ref(), Some(event)],
        };
        let now = self.clock.now();
        let mut bytes = Vec::with_capacity(1_024);
        for event in events.into_iter().flatten() {
            position = self.write_line(&mut bytes, &position, now, event)?;
        }
        if let Err(source) = write_through(file, &bytes) {
            // What was half written is taken back; should that fail too, the next append finds a torn line.
            let _ = file.set_len(tail.end);
            return Err(self.io(FileStep::Write)(source).into());
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(position.head);
        Ok(Appended {
            checkpoint: position.head,
            set_aside,
        })
    }

    fn write_line(
        &self,
        bytes: &mut Vec<u8>,
        before: &Position,
        now: Timestamp,
        event: &Event,
    ) -> Result<Position, AuditError> {
        let (line, after) =
            record::write(before, now, &self.actor, event).map_err(AuditError::Unwritable)?;
        if line.len() > record::MAX_LINE {
            return Err(AuditError::TooLong {
                bytes: line.len(),
                limit: record::MAX_LINE,
            });
        }
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        Ok(after)
    }

    /// Opens the log and takes its lock, which ends with the file. A log that is not there is made, if it `may_begin`.
    fn open_to_append(
        &self,
        may_begin: impl Fn() -> Result<(), AuditError>,
    ) -> Result<File, AuditError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(0o600);
        loop {
            let opened = open_unfollowed(&mut options, &self.path);
            let opened = opened.or_else(|error| self.held.instead_of(&self.path, error));
            let (file, is_new) = match opened {
                Ok(file) => (file, false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    may_begin()?;
                    let made = open_unfollowed(options.clone().create(true), &self.path);
                    (made.map_err(self.io(FileStep::Create))?, true)
                }
                Err(error) => return Err(self.io(FileStep::Open)(error).into()),
            };
            // A log may be read by others: it holds no secret.
            check_owned(&file, &self.path, Others::MayRead)?;
            if is_new {
                sync_directory_of(&self.path).map_err(self.io(FileStep::Create))?;
            }
            wait_for_lock(&self.path, LOCK_PATIENCE, || file.try_lock())?;
            // While we waited it may have been sealed, or removed: what is written there now is not in the log.
            if is_same_file(Some(&file), &self.path).map_err(self.io(FileStep::Inspect))? {
                return Ok(file);
            }
        }
    }

    /// Copies the torn last line to a file of its own, then takes it out of the log.
    fn set_aside(&self, file: &File, tail: &Tail) -> Result<SetAside, AuditError> {
        // The tail was found within a window of some 128 KiB, so this is bounded.
        let mut torn = vec![0; usize::try_from(tail.torn).unwrap_or_default()];
        file.read_exact_at(&mut torn, tail.end)
            .map_err(self.io(FileStep::Read))?;
        let digest = Digest::of(&torn);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let hex = digest.to_string();
        let short = hex.get("sha256:".len()..).and_then(|hex| hex.get(..12));
        let path = self.path.with_file_name(format!(
            "{name}.torn-{}-{}",
            tail.position.head.seq,
            short.unwrap_or_default()
        ));
        // The same torn bytes after the same record give the same name: a crash between this copy and the cut below
        // ends in one side file, written once.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        open_unfollowed(&mut options, &path)
            .and_then(|side| write_through(&side, &torn))
            .and_then(|()| sync_directory_of(&path))
            .map_err(OwnedFileError::of(FileStep::Write, &path))?;
        file.set_len(tail.end)
            .and_then(|()| file.sync_data())
            .map_err(self.io(FileStep::Truncate))?;
        Ok(SetAside {
            path,
            bytes: tail.torn,
            digest,
        })
    }

    fn io(&self, step: FileStep) -> impl FnOnce(io::Error) -> OwnedFileError {
        OwnedFileError::of(step, &self.path)
    }
}

impl Witness for AuditLog {
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        self.append(event)
            .map(|appended| appended.checkpoint)
            .map_err(WitnessError::new)
    }

    fn make_ready(&self) -> Result<(), WitnessError> {
        self.held
            .open(&self.path)
            .map_err(|error| WitnessError::new(AuditError::from(self.io(FileStep::Open)(error))))
    }
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where the log now stands.
    pub checkpoint: Checkpoint,
    /// The torn last line that was found and moved.
    pub set_aside: Option<SetAside>,
}

/// A torn last line that was moved out of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The side file that holds it now.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// The length of a file at which it is sealed: some thirty thousand records, which a verification reads in some hundredths of
/// a second.
const SEGMENT_SIZE: u64 = 16 * 1024 * 1024;

/// How long an append waits for the lock. Sixteen writers at once wait some milliseconds; ten seconds mean that one of
/// them is stopped.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(10);
