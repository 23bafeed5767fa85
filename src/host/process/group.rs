//! How a process recognises a process group that it did not start.
//!
//! A number is not enough: when the starter is dead, the kernel may have given it to somebody else, and ending a
//! stranger's processes is worse than leaving our own. A [`ProcessGroup`] therefore holds its leader as a
//! [`KnownProcess`]; a group is ours if its leader is still that process, or if the leader is gone and every member started
//! no earlier (the kernel does not give a number away while a group still bears it; a group that emptied before a stranger
//! got its number and left it behind in turn would be taken for ours, so tools are ended by their leader alone).

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::ending::Ending;
use super::known::{KnownProcess, Presence};
use super::started::{boot, members};

/// A process group as it was when it was started: its leader, whose number is the group's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessGroup {
    leader: KnownProcess,
}

impl ProcessGroup {
    /// The group that `leader`, just started, leads; `None` if the system does not say when it started.
    pub fn of(leader: Pid) -> Option<Self> {
        KnownProcess::of(leader).map(|leader| Self { leader })
    }

    /// Whether the group has this number.
    pub(super) fn has_number(&self, id: i32) -> bool {
        self.leader.has_number(id)
    }

    /// Sends `signal` to the group if it is proven to be the one that was started.
    pub fn signal(&self, signal: Signal) {
        if self.presence() == Presence::There
            && let Some(group) = self.leader.id()
        {
            // An error means that its last member ended just now.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Asks the group to end; what does not end within `patience` is ended as the result is driven on.
    pub fn begin_to_end(&self, patience: Duration) -> Ending<'_> {
        Ending::begin(
            patience,
            Box::new(|signal| self.signal(signal)),
            Box::new(|| self.presence() == Presence::There),
        )
    }

    /// The same, but only while its leader lives: a tool is nothing without it, and a number whose leader is gone may be a
    /// stranger's by now.
    pub fn begin_to_end_with_leader(&self, patience: Duration) -> Option<Ending<'_>> {
        (self.leader.presence() == Presence::There).then(|| self.begin_to_end(patience))
    }

    /// Whether the group still has members that run.
    pub fn presence(&self) -> Presence {
        if self.leader.started().boot != boot() {
            return Presence::Unknown;
        }
        let Some(members) = self.leader.id().and_then(members) else {
            return Presence::Unknown;
        };
        let started = self.leader.started();
        let is_ours = match members
            .iter()
            .find(|member| self.leader.has_number(member.id))
        {
            // The leader may be dead but unburied while others of its group live on.
            Some(leader) => leader.started == *started,
            None => members.iter().all(|member| member.started.at >= started.at),
        };
        match is_ours && members.iter().any(|member| member.runs) {
            true => Presence::There,
            false => Presence::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::host::process::child::start;
    use crate::host::process::tool::Tool;

    fn sleeper() -> std::process::Child {
        let tool = Tool::new("/bin/sleep").arg("600");
        start(&tool, Stdio::null(), Stdio::null(), Stdio::null()).unwrap()
    }

    #[test]
    fn a_group_is_found_and_ended() {
        let mut child = sleeper();
        let group = ProcessGroup::of(Pid::from_child(&child)).unwrap();
        assert_eq!(group.presence(), Presence::There);
        group.signal(Signal::KILL);
        // Reading the exit also buries it: afterwards the group is gone.
        assert!(!child.wait().unwrap().success());
        assert_eq!(group.presence(), Presence::Gone);
        group.signal(Signal::KILL);
    }

    #[test]
    fn a_stranger_with_the_same_number_is_left_alone() {
        let mut child = sleeper();
        let group = ProcessGroup::of(Pid::from_child(&child)).unwrap();
        let written = serde_json::to_value(&group).unwrap();
        for (field, value) in [
            ("at", serde_json::json!(1)),
            ("boot", serde_json::json!("another boot")),
        ] {
            let mut other = written.clone();
            other["started"][field] = value;
            let other: ProcessGroup = serde_json::from_value(other).unwrap();
            assert_ne!(other.presence(), Presence::There, "{field}");
            other.signal(Signal::KILL);
            assert!(other.begin_to_end_with_leader(Duration::ZERO).is_none());
        }
        assert!(child.try_wait().unwrap().is_none());
        let ending = group.begin_to_end_with_leader(Duration::ZERO);
        ending.unwrap().finish();
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_group_outlives_its_leader() {
        let tool = Tool::new("/bin/sh").args(["-c", "sleep 600 & read line"]);
        let mut child = start(&tool, Stdio::piped(), Stdio::null(), Stdio::null()).unwrap();
        let leader = Pid::from_child(&child);
        let group = ProcessGroup::of(leader).unwrap();
        // The leader ends when its input does; by then it has long started its background process.
        while members(leader).unwrap().len() < 2 {
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(group.presence(), Presence::There);
        group.begin_to_end(Duration::from_secs(60)).finish();
        assert_eq!(group.presence(), Presence::Gone);
    }
}
