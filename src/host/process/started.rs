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

    /// The process with this number; `None` if there is none, or it cannot be looked at.
    pub(in crate::host::process) fn process(id: Pid) -> Option<Member> {
        let id = id.as_raw_nonzero().get();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        member(id, &stat, boot())
    }

    /// The processes of a group; `None` if nobody can tell.
    pub(in crate::host::process) fn members(group: Pid) -> Option<Vec<Member>> {
        let group = group.as_raw_nonzero().get();
        let boot = boot();
        let processes = fs::read_dir("/proc").ok()?;
        let members = processes.flatten().filter_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            member(id, &stat, boot.clone()).filter(|member| member.group == group)
        });
        Some(members.collect())
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

    fn member(id: i32, stat: &str, boot: String) -> Option<Member> {
        let (state, group, at) = parse(stat)?;
        Some(Member {
            id,
            group,
            started: Started { boot, at },
            runs: !matches!(state, 'Z' | 'X'),
        })
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

    use rustix::process::Pid;

    use super::{Member, Started};
    use crate::host::process::child::run_while;
    use crate::host::process::exit::Exit;
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
