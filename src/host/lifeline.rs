//! The lifeline: the pipe from a run to its watchdog, and what is said over it.
//!
//! One JSON message a line. The first says what to close and until when; the end of the pipe, however it comes, says that
//! the run is gone.

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keychain::{BackendChoice, KeychainPath};
use super::process::ProcessGroup;
use super::run_id::RunId;
use crate::base::event::Actor;

/// What a watchdog is told first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogConfig {
    /// The run.
    pub run: RunId,
    /// What to close.
    pub keychain: KeychainPath,
    /// By which backend.
    pub backend: BackendChoice,
    /// The state directory.
    pub state: PathBuf,
    /// When the window ends, by the calendar.
    pub until: Timestamp,
    /// After how many seconds the watchdog acts although the run still lives.
    pub seconds: u64,
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
