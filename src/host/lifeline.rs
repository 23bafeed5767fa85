//! The lifeline: the pipe from a run to its watchdog, and what is said over it.
//!
//! One JSON message a line. The first says what to close and until when; the end of the pipe, however it comes, says that
//! the run is gone.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::deadline::Deadline;
use super::keychain::{BackendKind, KeychainPath};
use super::process::{KnownProcess, ProcessGroup, do_not_block, wait_for};
use super::run_id::RunId;
use super::state_dir::StateDir;
use crate::base::event::Actor;

/// The first message to a watchdog: what to close, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogConfig {
    /// The run.
    pub run: RunId,
    /// What to close.
    pub keychain: KeychainPath,
    /// Of which kind it is.
    pub backend: BackendKind,
    /// The state directory.
    pub state: StateDir,
    /// When the window ends.
    pub deadline: Deadline,
    /// The process of the run.
    pub session: Option<KnownProcess>,
    /// In whose name it records.
    pub actor: Actor,
}

/// One line of the lifeline.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    /// What to close; the first line.
    Config(Box<WatchdogConfig>),
    /// The command runs in this process group.
    Job(ProcessGroup),
    /// All is closed and recorded.
    Done,
}

impl Message {
    /// Writes the message as a line of the lifeline.
    ///
    /// # Errors
    /// The reader is gone.
    pub(super) fn write(&self, pipe: &mut impl Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        pipe.write_all(&line)
    }
}

/// What a watchdog says when it is ready.
pub(super) const ARMED: [u8; 6] = *b"armed\n";

/// Standard input, a line at a time.
pub(super) struct LifelineReader {
    bytes: Vec<u8>,
}

impl LifelineReader {
    /// From now on standard input does not block.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn new() -> io::Result<Self> {
        do_not_block(&io::stdin())?;
        Ok(Self { bytes: Vec::new() })
    }

    /// The next message; `None` at the end of the pipe, when no time is left, or for a line that is no message.
    ///
    /// # Errors
    /// The pipe cannot be read.
    pub(super) fn next(&mut self, left: &dyn Fn() -> Duration) -> io::Result<Option<Message>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(serde_json::from_slice(&line).ok());
            }
            if self.bytes.len() > MAX_LINE {
                return Ok(None);
            }
            let left = left();
            if left.is_zero() {
                return Ok(None);
            }
            let stdin = io::stdin();
            let mut watched = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
            // `poll` does not notice that the machine slept, so the wall clock is read every second.
            wait_for(&mut watched, left.min(Duration::from_secs(1)))?;
            let mut buffer = [0; 4_096];
            // Past the library's buffer: what it holds, `poll` does not see.
            let count = match rustix::io::read(stdin.as_fd(), &mut buffer) {
                Ok(count) => count,
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            };
            if count == 0 {
                return Ok(None);
            }
            self.bytes
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// Longest line of a lifeline.
const MAX_LINE: usize = 64 << 10;
