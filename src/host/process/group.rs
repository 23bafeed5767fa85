//! How a process recognises a process group that it did not start.
//!
//! A number is not enough: when the starter is dead, the kernel may have given it to somebody else, and ending a
//! stranger's processes is worse than leaving our own. A [`ProcessGroup`] therefore holds the group's number and when its
//! leader started, as the kernel tells it; a group is ours if its leader still has that start, or if the leader is gone and
//! every member started no earlier (the kernel does not give a number away while a group still bears it; a group that emptied
//! before a stranger got its number and left it behind in turn would be taken for ours, so tools are ended by their leader
//! alone).
//!
//! Linux tells starts in `/proc/PID/stat` (clock ticks since boot, so the boot is part of it); elsewhere `ps` does,
//! to the second of the calendar.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

/// A process group as it was when it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct ProcessGroup {
    /// The group's number, which is its leader's.
    id: i32,
    /// When the leader started; unknown if it ended before it could be asked.
    started: Option<Started>,
}

/// How a group is written.
#[derive(Serialize, Deserialize)]
struct Fields {
    group: i32,
    started: Option<Started>,
}

/// The number is none that a command of ours can have: 0 and the negative ones mean other groups to `kill`, 1 is the
/// system's first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the number of a process group that countersign started")]
pub struct ProcessGroupError(i32);

impl TryFrom<Fields> for ProcessGroup {
    type Error = ProcessGroupError;

    fn try_from(fields: Fields) -> Result<Self, ProcessGroupError> {
        match fields.group {
            id @ 2.. => Ok(Self {
                id,
                started: fields.started,
            }),
            id => Err(ProcessGroupError(id)),
        }
    }
}

impl From<ProcessGroup> for Fields {
    fn from(group: ProcessGroup) -> Self {
        Self {
            group: group.id,
            started: group.started,
        }
    }
}

/// An instant as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Started {
    /// The boot that the instant counts from; empty where instants are those of the calendar.
    boot: String,
    /// The instant: ticks since boot, or seconds of the calendar.
    at: u64,
}

impl ProcessGroup {
    /// The group that `leader`, just started, leads.
    pub fn of(leader: Pid) -> Self {
        Self {
            id: leader.as_raw_nonzero().get(),
            started: system::started(leader.as_raw_nonzero().get()),
        }
    }

    /// Sends `signal` to the group if it is still the one that was started. Says whether anyone was there.
    pub fn signal(&self, signal: Signal) -> bool {
        self.is_alive()
            && Pid::from_raw(self.id).is_some_and(|group| kill_process_group(group, signal).is_ok())
    }

    /// Ends the group: asks, waits for `patience`, ends.
    pub fn end(&self, patience: Duration) {
        if !self.signal(Signal::TERM) {
            return;
        }
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() >= patience {
                self.signal(Signal::KILL);
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the group as [`end`](Self::end) does, but only while its leader lives: a tool is nothing without it, and a
    /// number whose leader is gone may be a stranger's by now.
    pub fn end_leader(&self, patience: Duration) {
        let leader = system::started(self.id);
        if leader.is_some() && leader == self.started {
            self.end(patience);
        }
    }

    /// Whether the group still has members that run.
    pub fn is_alive(&self) -> bool {
        let Some(started) = &self.started else {
            return false;
        };
        let members = system::members(self.id);
        match members.iter().find(|member| member.id == self.id) {
            // The leader may be dead but unburied while others of its group live on.
            Some(leader) => leader.started == *started && members.iter().any(|member| member.runs),
            None => {
                members.iter().any(|member| member.runs)
                    && members.iter().all(|member| {
                        member.started.boot == started.boot && member.started.at >= started.at
                    })
            }
        }
    }
}

/// One process of a group.
#[derive(Debug)]
struct Member {
    id: i32,
    started: Started,
    /// Not a zombie.
    runs: bool,
}

#[cfg(target_os = "linux")]
mod system {
    use crate::host::process::group::{Member, Started};

    pub(super) fn started(id: i32) -> Option<Started> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        Some(Started {
            boot: boot(),
            at: parse(&stat)?.2,
        })
    }

    pub(super) fn members(group: i32) -> Vec<Member> {
        let boot = boot();
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter_map(|entry| {
                let id: i32 = entry.file_name().to_str()?.parse().ok()?;
                let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
                let (state, of_group, at) = parse(&stat)?;
                (of_group == group).then(|| Member {
                    id,
                    started: Started {
                        boot: boot.clone(),
                        at,
                    },
                    runs: !matches!(state, 'Z' | 'X'),
                })
            })
            .collect()
    }

    fn boot() -> String {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|id| id.trim().to_owned())
            .unwrap_or_default()
    }

    /// State, process group and start (fields 3, 5 and 22 of proc_pid_stat(5)). The second field is the program's name
    /// in parentheses, which may itself hold parentheses and blanks: fields are counted from the last one.
    fn parse(stat: &str) -> Option<(char, i32, u64)> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(16)?.parse().ok()?;
        Some((state, group, start))
    }

    #[cfg(test)]
    #[test]
    fn a_program_may_have_any_name() {
        let stat = "17 (a) b (c) S 1 42 17 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 11 12";
        assert_eq!(parse(stat), Some(('S', 42, 9876)));
        assert_eq!(parse("17 (sh) S 1"), None);
        assert_eq!(parse(""), None);
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    use crate::host::process::child::run_while;
    use crate::host::process::exit::Exit;
    use crate::host::process::group::{Member, Started};
    use crate::host::process::tool::{Bounds, Tool};

    pub(super) fn started(id: i32) -> Option<Started> {
        ps(&["-p", &id.to_string()])
            .into_iter()
            .find(|(member, _)| member.id == id)
            .map(|(member, _)| member.started)
    }

    pub(super) fn members(group: i32) -> Vec<Member> {
        ps(&["-ax"])
            .into_iter()
            .filter(|(_, of_group)| *of_group == group)
            .map(|(member, _)| member)
            .collect()
    }

    /// Asks `ps` for id, group, state and start; rows that do not look like that are left out.
    fn ps(which: &[&str]) -> Vec<(Member, i32)> {
        let tool = Tool::new("/bin/ps")
            .args(which)
            .args(["-o", "pid=,pgid=,stat=,lstart="])
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        let bounds = Bounds {
            time: Duration::from_secs(5),
            output: 4 << 20,
        };
        match run_while(&tool, b"", bounds, |_| ()) {
            Ok(output) if output.exit == Exit::Code(0) => String::from_utf8_lossy(&output.stdout)
                .lines()
                .filter_map(parse)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// `  501   501 Ss   Fri Nov 21 04:02:01 2025`, or with the day first, as some systems order it.
    fn parse(row: &str) -> Option<(Member, i32)> {
        let mut fields = row.split_ascii_whitespace();
        let id = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let runs = !fields.next()?.starts_with('Z');
        let (_weekday, a, b) = (fields.next()?, fields.next()?, fields.next()?);
        let (time, year) = (fields.next()?, fields.next()?);
        let text = match a.parse::<u8>() {
            Ok(_) => format!("{year} {b} {a} {time}"),
            Err(_) => format!("{year} {a} {b} {time}"),
        };
        let at = jiff::civil::DateTime::strptime("%Y %b %d %H:%M:%S", &text)
            .and_then(|instant| instant.to_zoned(jiff::tz::TimeZone::UTC))
            .ok()?
            .timestamp()
            .as_second();
        let started = Started {
            boot: String::new(),
            at: u64::try_from(at).ok()?,
        };
        Some((Member { id, started, runs }, group))
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
        let group = ProcessGroup::of(Pid::from_child(&child));
        assert!(group.is_alive());
        assert!(group.signal(Signal::KILL));
        // Reading the exit also buries it: afterwards the group is gone.
        child.wait().unwrap();
        assert!(!group.is_alive());
        assert!(!group.signal(Signal::KILL));
    }

    #[test]
    fn a_stranger_with_the_same_number_is_left_alone() {
        let mut child = sleeper();
        let mut group = ProcessGroup::of(Pid::from_child(&child));
        let started = group.started.clone().unwrap();
        group.started = Some(Started {
            at: started.at + 1,
            ..started.clone()
        });
        assert!(!group.signal(Signal::KILL));
        group.started = Some(Started {
            boot: "another boot".into(),
            ..started
        });
        assert!(!group.signal(Signal::KILL));
        group.started = None;
        assert!(!group.signal(Signal::KILL));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_group_outlives_its_leader() {
        let tool = Tool::new("/bin/sh").args(["-c", "sleep 600 & read line"]);
        let mut child = start(&tool, Stdio::piped(), Stdio::null(), Stdio::null()).unwrap();
        let group = ProcessGroup::of(Pid::from_child(&child));
        // The leader ends when its input does; by then it has long started its background process.
        while system::members(group.id).len() < 2 {
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(group.is_alive());
        assert!(group.signal(Signal::KILL));
        while group.is_alive() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_number_that_means_other_processes_is_refused() {
        let read = |group: i32| {
            let json = serde_json::json!({"group": group, "started": null});
            serde_json::from_value::<ProcessGroup>(json)
        };
        for bad in [-1, 0, 1, i32::MIN] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let group = read(4_711).unwrap();
        let written = serde_json::to_string(&group).unwrap();
        assert_eq!(
            serde_json::from_str::<ProcessGroup>(&written).unwrap(),
            group
        );
    }
}
