//! What a command leaves running: processes that left its process group, and with it everything that ends with the group.
//!
//! On Linux this process adopts them (`PR_SET_CHILD_SUBREAPER`): a process whose parent ends becomes a child of ours and not
//! of the system's first process, whatever session, group or environment it has. So what is below us when the command has
//! ended is what the command left. Each is known by a pidfd before it gets a signal, so that no signal reaches a stranger
//! under the same number. Elsewhere a process is known by the run's id in its environment, and only named.
//!
//! What somebody else started for the command (`cron`, a container daemon, a user's service manager) is below nobody of ours.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

#[cfg(target_os = "linux")]
pub(in crate::host) use self::linux::{adopt_orphans, reap_orphans, settle};
#[cfg(not(target_os = "linux"))]
pub(in crate::host) use self::other::{adopt_orphans, reap_orphans, settle};

/// A process that a command left running. Its arguments are not told: they may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Straggler {
    /// The number of the process.
    pub process: i32,
    /// The name of its program, as the system has it; the process may have chosen it.
    pub name: String,
    /// When it started (RFC 3339, UTC).
    pub started: Timestamp,
    /// It was ended.
    pub ended: bool,
}

/// `sleep (4711)`
impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.process)
    }
}
