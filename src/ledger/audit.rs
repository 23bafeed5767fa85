//! The audit log: an append-only file of JSON lines, each bound to the one before it.
//!
//! A log is worth what it says after something went wrong, so three things are held here. A record is on the disk before
//! what it announces is done: every append ends in `fsync`, under a lock on the file itself, and its error is the
//! caller's reason not to act. A crash in the middle of a write leaves a torn last line; the next append moves it to a
//! side file and says so in a record of its own, it is never silently dropped and never built upon. And nobody changes a
//! record unseen: [`verify`] finds every edit, removal, repetition and reorder, and with a checkpoint at hand also a log
//! that was cut short.
//!
//! Appending reads the last line and nothing else, so it costs the same in a log of ten records and of ten million.
//!
//! What this does not do: it does not keep its writer from writing a whole new log. The chain has no key; a checkpoint
//! kept elsewhere (every receipt and every envelope carries one) is what makes a rewritten log found out.

mod chain;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

pub use self::chain::{Chain, Flaw, FlawKind, Verification};
pub use self::record::Record;
use crate::base::clock::Clock;
use crate::base::digest::{Digest, sha256};
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome, Witness, WitnessError};

/// A log that can be appended to.
pub struct AuditLog {
    path: PathBuf,
    actor: Actor,
    clock: Box<dyn Clock + Send + Sync>,
}

impl AuditLog {
    /// The log at `path`, which need not exist yet (its directory must). Records carry `actor` and the time that `clock`
    /// tells.
    pub fn new(path: PathBuf, actor: Actor, clock: Box<dyn Clock + Send + Sync>) -> Self {
        Self { path, actor, clock }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one record and waits until it is on the disk.
    ///
    /// # Errors
    /// The file cannot be opened, locked within ten seconds or written; it belongs to someone else, or others may write
    /// it; its last line is not a record. Nothing was recorded then.
    pub fn append(&self, event: &Event) -> Result<Appended, AuditError> {
        let file = self.open_to_append()?;
        lock_within(&file, &self.path, LOCK_PATIENCE)?;
        let tail = Tail::read(&file, &self.path)?;
        let set_aside = match tail.torn {
            0 => None,
            _ => Some(self.set_aside(&file, &tail)?),
        };
        let now = self.clock.now();
        let mut head = tail.head;
        let mut bytes = Vec::with_capacity(1_024);
        if let Some(set_aside) = &set_aside {
            let repair = Event::new(Action::AuditRepair, Outcome::Done)
                .detail("moved-to", set_aside.path.display())
                .detail("bytes", set_aside.bytes)
                .detail("sha256", set_aside.digest);
            head = self.write_line(&mut bytes, &head, now, &repair)?;
        }
        head = self.write_line(&mut bytes, &head, now, event)?;
        if let Err(source) = write_durably(&file, &bytes) {
            // What was half written is taken back; should that fail too, the next append finds a torn line.
            let _ = file.set_len(tail.end);
            return Err(self.io("write", source));
        }
        Ok(Appended {
            checkpoint: head,
            set_aside,
        })
    }

    fn write_line(
        &self,
        bytes: &mut Vec<u8>,
        head: &Checkpoint,
        now: jiff::Timestamp,
        event: &Event,
    ) -> Result<Checkpoint, AuditError> {
        let line = record::write(head, now, &self.actor, event)
            .map_err(|error| self.io("write a record of", io::Error::other(error)))?;
        if line.len() > chain::MAX_LINE {
            return Err(AuditError::TooLong {
                bytes: line.len(),
                limit: chain::MAX_LINE,
            });
        }
        let head = Checkpoint {
            seq: head.seq.saturating_add(1),
            head: Digest::Sha256(sha256(&line)),
        };
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        Ok(head)
    }

    fn open_to_append(&self) -> Result<File, AuditError> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .append(true)
            .mode(0o600)
            .custom_flags(open_flags());
        let (file, created) = match options.open(&self.path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (
                options
                    .create(true)
                    .open(&self.path)
                    .map_err(|error| self.io("create", error))?,
                true,
            ),
            Err(error) => return Err(self.io("open", error)),
        };
        check_ownership(&file, &self.path)?;
        if created {
            // A file is only there after a crash when its directory entry is on the disk too.
            sync_directory_of(&self.path).map_err(|error| self.io("create", error))?;
        }
        Ok(file)
    }

    /// Copies the torn last line to a file of its own, then takes it out of the log.
    fn set_aside(&self, file: &File, tail: &Tail) -> Result<SetAside, AuditError> {
        // The tail was found within a window of some 128 KiB, so this is bounded.
        let mut torn = vec![0; usize::try_from(tail.torn).unwrap_or_default()];
        file.read_exact_at(&mut torn, tail.end)
            .map_err(|error| self.io("read the torn last line of", error))?;
        let digest = Digest::of(&torn);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let hex = digest.to_string();
        let short = hex.get("sha256:".len()..).and_then(|hex| hex.get(..12));
        let path = self.path.with_file_name(format!(
            "{name}.torn-{}-{}",
            tail.head.seq,
            short.unwrap_or_default()
        ));
        // The same torn bytes after the same record give the same name: a crash between this copy and the cut below
        // ends in one side file, written once.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options
            .custom_flags(open_flags())
            .open(&path)
            .and_then(|side| write_durably(&side, &torn))
            .and_then(|()| sync_directory_of(&path))
            .map_err(|source| AuditError::Io {
                doing: "set a torn last line aside in",
                path: path.clone(),
                source,
            })?;
        file.set_len(tail.end)
            .and_then(|()| file.sync_data())
            .map_err(|error| self.io("take a torn last line out of", error))?;
        Ok(SetAside {
            path,
            bytes: tail.torn,
            digest,
        })
    }

    fn io(&self, doing: &'static str, source: io::Error) -> AuditError {
        AuditError::Io {
            doing,
            path: self.path.clone(),
            source,
        }
    }
}

impl Witness for AuditLog {
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        self.append(event)
            .map(|appended| appended.checkpoint)
            .map_err(WitnessError::new)
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

/// Where the log at `path` stands; a log that does not exist stands at [`Checkpoint::EMPTY`].
///
/// # Errors
/// It cannot be read, or its last whole line is not a record. A torn line after that is not part of the log.
pub fn checkpoint(path: &Path) -> Result<Checkpoint, AuditError> {
    match open_to_read(path)? {
        Some(file) => Ok(Tail::read(&file, path)?.head),
        None => Ok(Checkpoint::EMPTY),
    }
}

/// Verifies the log at `path` against itself and against every one of `checkpoints`.
///
/// # Errors
/// It cannot be read. A log that does not exist is an empty one: with a checkpoint at hand that is a flaw.
pub fn verify(path: &Path, checkpoints: &[Checkpoint]) -> Result<Verification, AuditError> {
    let chain = Chain::new(checkpoints);
    match open_to_read(path)? {
        Some(file) => read_lines(file, chain, |_| ()),
        None => Ok(chain.finish(0)),
    }
    .map_err(|source| AuditError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

/// Reads every record of the log at `path` in order, verifying as it goes. What is not a record is not shown but is
/// among the flaws of the result.
///
/// # Errors
/// It cannot be read.
pub fn show(path: &Path, each: impl FnMut(Record)) -> Result<Verification, AuditError> {
    let chain = Chain::new(&[]);
    match open_to_read(path)? {
        Some(file) => read_lines(file, chain, each),
        None => Ok(chain.finish(0)),
    }
    .map_err(|source| AuditError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The system refused.
    #[error("cannot {doing} the audit log {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Somebody else holds the lock.
    #[error("the audit log {path} has been locked by another process for {seconds} s: find it with `lsof` and end it", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The file is not this user's alone.
    #[error("the audit log {path} {why}: give it to user {expected} with mode 600, or choose another --state-dir", path = path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The user id that should own it.
        expected: u32,
    },
    /// The last line is not a record.
    #[error("the last line of the audit log {path} is not a record ({why}), so none may follow it: see what `countersign audit verify` says, then move the log away as evidence", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The event is too large for a record.
    #[error(
        "a record of {bytes} bytes is longer than the {limit} that a line of the audit log may have"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}

/// The end of a log: what an append must know, found without reading the rest.
#[derive(Debug)]
struct Tail {
    /// After the last whole line.
    head: Checkpoint,
    /// The offset after the last whole line.
    end: u64,
    /// How many bytes follow it.
    torn: u64,
}

impl Tail {
    fn read(file: &File, path: &Path) -> Result<Self, AuditError> {
        let io = |source| AuditError::Io {
            doing: "read the end of",
            path: path.to_owned(),
            source,
        };
        let length = file.metadata().map_err(io)?.len();
        // A page holds the last line nearly always; the second try holds a torn line and the longest record.
        for window in [4_096, 2 * chain::MAX_LINE as u64 + 2] {
            let start = length.saturating_sub(window);
            let mut bytes = vec![0; usize::try_from(length - start).unwrap_or_default()];
            file.read_exact_at(&mut bytes, start).map_err(io)?;
            if let Some(tail) = Self::of(&bytes, start, path)? {
                return Ok(tail);
            }
        }
        Err(AuditError::Damaged {
            path: path.to_owned(),
            why: format!("it is longer than {} bytes", chain::MAX_LINE),
        })
    }

    /// The tail of a log whose last bytes are `bytes`, from offset `start` on; `None` when they do not reach back far
    /// enough.
    fn of(bytes: &[u8], start: u64, path: &Path) -> Result<Option<Self>, AuditError> {
        let mut whole = bytes;
        let mut torn = 0_u64;
        loop {
            // `whole` ends where the torn bytes begin; its last line end closes the last whole line.
            let Some(line_end) = whole.iter().rposition(|byte| *byte == b'\n') else {
                return Ok((start == 0).then_some(Self {
                    head: Checkpoint::EMPTY,
                    end: 0,
                    torn: torn + whole.len() as u64,
                }));
            };
            let (lines, after) = whole.split_at(line_end + 1);
            torn += after.len() as u64;
            let lines_before = lines.get(..line_end).unwrap_or_default();
            let line_start = match lines_before.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                None if start == 0 => 0,
                None => return Ok(None),
            };
            let line = lines_before.get(line_start..).unwrap_or_default();
            // No record holds a zero byte: such a line is one whose pages the crash did not let reach the disk.
            if line.contains(&0) {
                torn += line.len() as u64 + 1;
                whole = lines.get(..line_start).unwrap_or_default();
                continue;
            }
            let record = record::read(line).map_err(|unreadable| AuditError::Damaged {
                path: path.to_owned(),
                why: match unreadable {
                    record::Unreadable::NoDigest => "it does not end in its digest".into(),
                    record::Unreadable::Digest { expected, found } => {
                        format!("its bytes were digested as {expected} and give {found}")
                    }
                    record::Unreadable::Shape(why) => why,
                },
            })?;
            return Ok(Some(Self {
                head: Checkpoint {
                    seq: record.seq,
                    head: Digest::Sha256(sha256(line)),
                },
                end: start + line_end as u64 + 1,
                torn,
            }));
        }
    }
}

fn write_durably(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    // The length is part of what `fdatasync` writes when it is needed to read the data back (POSIX, and Linux says so);
    // on macOS the standard library asks for F_FULLFSYNC.
    file.sync_data()
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

fn open_to_read(path: &Path) -> Result<Option<File>, AuditError> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(open_flags())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(AuditError::Io {
                doing: "open",
                path: path.to_owned(),
                source,
            });
        }
    };
    check_regular(&file, path)?;
    lock_shared_within(&file, path, LOCK_PATIENCE)?;
    Ok(Some(file))
}

/// A link or a pipe in the log's place is an attack or a mistake: neither is followed, neither makes us wait.
fn open_flags() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default()
}

fn check_regular(file: &File, path: &Path) -> Result<fs::Metadata, AuditError> {
    let metadata = file.metadata().map_err(|source| AuditError::Io {
        doing: "look at",
        path: path.to_owned(),
        source,
    })?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(AuditError::NotOurs {
            path: path.to_owned(),
            why: "is not a regular file".into(),
            expected: rustix::process::geteuid().as_raw(),
        })
    }
}

fn check_ownership(file: &File, path: &Path) -> Result<(), AuditError> {
    let metadata = check_regular(file, path)?;
    let expected = rustix::process::geteuid().as_raw();
    let mode = metadata.permissions().mode() & 0o777;
    let why = if metadata.uid() != expected {
        format!("belongs to user {}", metadata.uid())
    } else if mode & 0o022 != 0 {
        format!("can be written by others (mode {mode:o})")
    } else {
        return Ok(());
    };
    Err(AuditError::NotOurs {
        path: path.to_owned(),
        why,
        expected,
    })
}

fn lock_within(file: &File, path: &Path, patience: Duration) -> Result<(), AuditError> {
    poll_lock(|| file.try_lock(), path, patience)
}

fn lock_shared_within(file: &File, path: &Path, patience: Duration) -> Result<(), AuditError> {
    poll_lock(|| file.try_lock_shared(), path, patience)
}

/// Waits for a lock, but not for ever: a stopped process may hold it, and a build that hangs in silence is worse than
/// one that says why it stops.
fn poll_lock(
    mut attempt: impl FnMut() -> Result<(), fs::TryLockError>,
    path: &Path,
    patience: Duration,
) -> Result<(), AuditError> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(source)) => {
                return Err(AuditError::Io {
                    doing: "lock",
                    path: path.to_owned(),
                    source,
                });
            }
            Err(fs::TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(AuditError::Locked {
                    path: path.to_owned(),
                    seconds: patience.as_secs(),
                });
            }
            Err(fs::TryLockError::WouldBlock) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(5));
            }
        }
    }
}

fn read_lines(
    file: impl Read,
    mut chain: Chain,
    mut each: impl FnMut(Record),
) -> io::Result<Verification> {
    let mut reader = BufReader::with_capacity(256 * 1_024, file);
    let mut line = Vec::with_capacity(1_024);
    loop {
        line.clear();
        let limit = chain::MAX_LINE as u64 + 1;
        let read = (&mut reader).take(limit).read_until(b'\n', &mut line)?;
        if line.pop_if(|last| *last == b'\n').is_some() {
            if let Some(record) = chain.feed(&line) {
                each(record);
            }
        } else if read as u64 == limit {
            let (skipped, ended) = skip_line(&mut reader)?;
            if !ended {
                return Ok(chain.finish(limit.saturating_add(skipped)));
            }
            chain.feed_too_long();
        } else {
            return Ok(chain.finish(read as u64));
        }
    }
}

/// Reads on to the next line end: how many bytes that were, and whether there was one.
fn skip_line(reader: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut skipped = 0_u64;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((skipped, false));
        }
        let found = buffer.iter().position(|byte| *byte == b'\n');
        let used = found.map_or(buffer.len(), |at| at + 1);
        reader.consume(used);
        skipped = skipped.saturating_add(used as u64);
        if found.is_some() {
            return Ok((skipped, true));
        }
    }
}

/// How long an append waits for the lock. Sixteen writers at once wait some milliseconds; ten seconds mean that one of
/// them is stopped.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
