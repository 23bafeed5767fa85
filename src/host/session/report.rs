//! The result of a session.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::process::{Exit, Straggler};

/// How a session came to its end. The keychain is closed in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The command ended by itself, or by a signal that was passed on to it.
    Exited(Exit),
    /// The window ended and the command was stopped.
    WindowEnded,
    /// The watchdog was lost, so nothing would have closed the keychain after our death, and the command was stopped.
    WatchdogLost,
    /// The signal with this number came while nothing ran.
    Interrupted(i32),
}

/// What became of a session, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// When the keychain was open, and when it had to be closed.
    pub opened: Option<(Timestamp, Timestamp)>,
    /// When it was closed, and whether it was locked and not left to other runs that have it open.
    pub closed: Option<(Timestamp, bool)>,
    /// How the session ended.
    pub ending: Option<Ending>,
    /// What the command left running outside of its process group.
    pub stragglers: Vec<Straggler>,
}
