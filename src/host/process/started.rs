//! When a process started, as the kernel tells it.
//!
//! With its number, that tells a process from every other: the number alone is given away again when the process is gone.
//! Linux tells starts in `/proc/PID/stat` (clock ticks since boot, so the boot is part of it, and so is the namespace that
//! the number belongs to: a container that shares a directory with us has other processes under the same numbers);
//! elsewhere `ps` does, to the second of the calendar.

use serde::{Deserialize, Serialize};

pub use self::system::boot_id;
pub(super) use self::system::{boot, members, process};

/// When a process started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Started {
    /// The boot that the instant counts from, and the namespace of the process's number; empty where the system has neither.
    pub(super) boot: String,
    /// The instant: ticks since boot, or seconds of the calendar.
    pub(super) at: u64,
}

/// One process.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: i32,
    pub(super) group: i32,
    pub(super) started: Started,
    /// Not a zombie.
    pub(super) runs: bool,
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use rustix::process::Pid;

    use super::{Member, Started};
    use crate::host::process::stat::Stat;

    /// The process with this number; `None` if there is none, or it cannot be looked at.
    pub(in crate::host::process) fn process(id: Pid) -> Option<Member> {
        Stat::read(id.as_raw_nonzero().get()).map(|stat| member(&stat, boot()))
    }

    /// The processes of a group; `None` if nobody can tell.
    pub(in crate::host::process) fn members(group: Pid) -> Option<Vec<Member>> {
        let group = group.as_raw_nonzero().get();
        let boot = boot();
        let members = Stat::all()?.map(|stat| member(&stat, boot.clone()));
        Some(members.filter(|member| member.group == group).collect())
    }

    /// This boot, and the namespace in which numbers mean processes to us.
    pub(in crate::host::process) fn boot() -> String {
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{} {}", boot_id(), namespace.display())
    }

    /// What the system calls this boot.
    pub fn boot_id() -> String {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    }

    fn member(stat: &Stat, boot: String) -> Member {
        Member {
            id: stat.id,
            group: stat.group,
            started: Started { boot, at: stat.at },
            runs: stat.runs,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    use rustix::process::Pid;

    use super::{Member, Started};
    use crate::host::process::child::run_while;
    use crate::host::process::exit::Exit;
    use crate::host::process::lstart;
    use crate::host::process::tool::{Bounds, Tool};

    /// The process with this number; `None` if there is none, or it cannot be looked at.
    pub(in crate::host::process) fn process(id: Pid) -> Option<Member> {
        let id = id.as_raw_nonzero().get();
        let found = ps(&["-p", &id.to_string()])?;
        found.into_iter().find(|member| member.id == id)
    }

    /// The processes of a group; `None` if nobody can tell.
    pub(in crate::host::process) fn members(group: Pid) -> Option<Vec<Member>> {
        let group = group.as_raw_nonzero().get();
        let mut all = ps(&["-ax"])?;
        all.retain(|member| member.group == group);
        Some(all)
    }

    /// Instants are those of the calendar here.
    pub(in crate::host::process) fn boot() -> String {
        String::new()
    }

    /// The system has no name for this boot that costs nothing.
    pub fn boot_id() -> String {
        String::new()
    }

    /// Asks `ps` for id, group, state and start; rows that do not look like that are left out.
    fn ps(which: &[&str]) -> Option<Vec<Member>> {
        let tool = Tool::new("/bin/ps")
            .args(which)
            .args(["-o", "pid=,pgid=,stat=,lstart="])
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        let bounds = Bounds {
            time: Duration::from_secs(5),
            output: 4 << 20,
        };
        let output = run_while(&tool, b"", bounds, |_| Ok(())).ok()?;
        // 1: there is no such process.
        matches!(output.exit, Exit::Code(0 | 1)).then(|| {
            let rows = String::from_utf8_lossy(&output.stdout);
            rows.lines().filter_map(parse).collect()
        })
    }

    /// `  501   501 Ss   Fri Nov 21 04:02:01 2025`, or with the day first, as some systems order it.
    fn parse(row: &str) -> Option<Member> {
        let mut fields = row.split_ascii_whitespace();
        let id = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let runs = !fields.next()?.starts_with('Z');
        let at = lstart::take(&mut fields)?.as_second();
        let started = Started {
            boot: boot(),
            at: u64::try_from(at).ok()?,
        };
        Some(Member {
            id,
            group,
            started,
            runs,
        })
    }
}
