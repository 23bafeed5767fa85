//! A process that somebody wrote down, recognised again by who did not start it.

use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};

use super::started::{Started, boot, process};

/// A process by its number and when it started: no other process is taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct KnownProcess {
    id: i32,
    started: Started,
}

/// How it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    process: i32,
    started: Started,
}

/// The number is none that a process of ours can have: 0 and the negative ones mean groups to `kill`, 1 is the system's
/// first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the number of a process that countersign started")]
pub struct KnownProcessError(i32);

impl TryFrom<Fields> for KnownProcess {
    type Error = KnownProcessError;

    fn try_from(fields: Fields) -> Result<Self, KnownProcessError> {
        match fields.process {
            id @ 2.. => Ok(Self {
                id,
                started: fields.started,
            }),
            id => Err(KnownProcessError(id)),
        }
    }
}

impl From<KnownProcess> for Fields {
    fn from(process: KnownProcess) -> Self {
        Self {
            process: process.id,
            started: process.started,
        }
    }
}

/// Whether a known process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It runs, or is stopped.
    There,
    /// It has ended, for certain.
    Gone,
    /// Nobody can tell: it is of another boot or of another container, or the system does not show it.
    Unknown,
}

impl KnownProcess {
    /// The process with this number, now; `None` if the system does not say when it started.
    pub fn of(id: Pid) -> Option<Self> {
        let member = process(id)?;
        Some(Self {
            id: member.id,
            started: member.started,
        })
    }

    /// This process.
    pub fn this() -> Option<Self> {
        // Asked once: where `ps` tells it, asking costs a process.
        static THIS: OnceLock<Option<KnownProcess>> = OnceLock::new();
        THIS.get_or_init(|| Self::of(rustix::process::getpid()))
            .clone()
    }

    pub(super) fn id(&self) -> Option<Pid> {
        Pid::from_raw(self.id)
    }

    pub(super) fn has_number(&self, id: i32) -> bool {
        self.id == id
    }

    pub(super) fn started(&self) -> &Started {
        &self.started
    }

    /// Whether it is there.
    pub fn presence(&self) -> Presence {
        if self.started.boot != boot() {
            return Presence::Unknown;
        }
        if let Some(found) = self.id().and_then(process) {
            return match found.started == self.started && found.runs {
                true => Presence::There,
                false => Presence::Gone,
            };
        }
        // What is not shown may still be there: a mount of `/proc` can hide processes whose memory is protected.
        match self.id().map(test_kill_process) {
            Some(Err(Errno::SRCH)) => Presence::Gone,
            _ => Presence::Unknown,
        }
    }

    /// Ends it at once if it is proven to be the one. Says whether it was there.
    pub fn end(&self) -> bool {
        let Some(id) = self.id() else {
            return false;
        };
        // Held before it is looked at: what the number means cannot change between the look and the signal.
        #[cfg(target_os = "linux")]
        let held = rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()).ok();
        if self.presence() != Presence::There {
            return false;
        }
        #[cfg(target_os = "linux")]
        if let Some(held) = held {
            return rustix::process::pidfd_send_signal(held, Signal::KILL).is_ok();
        }
        kill_process(id, Signal::KILL).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::host::process::child::start;
    use crate::host::process::tool::Tool;

    #[test]
    fn a_process_is_known_again_and_a_stranger_with_its_number_is_left_alone() {
        let tool = Tool::new("/bin/sleep").arg("600");
        let mut child = start(&tool, Stdio::null(), Stdio::null(), Stdio::null()).unwrap();
        let known = KnownProcess::of(Pid::from_child(&child)).unwrap();
        assert_eq!(known.presence(), Presence::There);
        let at = known.started.at;
        let with = |boot: &str, at: u64| KnownProcess {
            id: known.id,
            started: Started {
                boot: boot.to_owned(),
                at,
            },
        };
        let stranger = with(&known.started.boot, at + 1);
        assert_eq!(stranger.presence(), Presence::Gone);
        let of_another_boot = with("another boot", at);
        assert_eq!(of_another_boot.presence(), Presence::Unknown);
        assert!(!stranger.end() && !of_another_boot.end());
        assert!(child.try_wait().unwrap().is_none());
        let written = serde_json::to_string(&known).unwrap();
        let read: KnownProcess = serde_json::from_str(&written).unwrap();
        assert!(read.end());
        // A zombie runs no more.
        child.wait().unwrap();
        assert_eq!(known.presence(), Presence::Gone);
        assert!(!known.end());
    }

    #[test]
    fn a_number_that_means_other_processes_is_refused() {
        for bad in [-1, 0, 1, i32::MIN] {
            let json = serde_json::json!({"process": bad, "started": {"boot": "b", "at": 1}});
            assert!(
                serde_json::from_value::<KnownProcess>(json).is_err(),
                "{bad}"
            );
        }
    }
}
