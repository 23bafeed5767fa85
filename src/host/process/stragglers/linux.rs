//! Stragglers on Linux: the processes below this one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitid,
};

use super::Straggler;
use crate::host::process::poll::is_ready_within;
use crate::host::process::stat::Stat;

/// From now on processes whose parent ends become children of this one, if they are below it.
///
/// # Errors
/// The system does not know that.
pub(in crate::host) fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Buries adopted processes that have ended, so that a long command does not fill the table of processes. `known` are
/// children that somebody else waits for.
pub(in crate::host) fn reap_orphans(known: &[u32]) {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return;
    };
    for thread in threads.flatten() {
        // A kernel without this list keeps them until this process ends.
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_ascii_whitespace() {
            let is_known = |id: u32| known.contains(&id);
            if child.parse().is_ok_and(|id| !is_known(id))
                && let Some(pid) = child.parse().ok().and_then(Pid::from_raw)
            {
                reap(pid);
            }
        }
    }
}

/// Finds what is below this process, but for the `known` children and what is below them, and ends it if that is asked:
/// SIGTERM, `patience`, SIGKILL.
pub(in crate::host) fn settle(
    known: &[u32],
    _run: &str,
    ends: bool,
    patience: Duration,
) -> Vec<Straggler> {
    let mut found: BTreeMap<(i32, u64), Found> = BTreeMap::new();
    let take_new = |found: &mut BTreeMap<(i32, u64), Found>| {
        let mut is_new = false;
        for process in below(known) {
            let key = (process.id, process.at);
            found.entry(key).or_insert_with(|| {
                is_new = true;
                Found::new(process)
            });
        }
        is_new
    };
    take_new(&mut found);
    if ends && !found.is_empty() {
        for one in found.values() {
            one.signal(Signal::TERM);
        }
        let begin = Instant::now();
        for one in found.values_mut() {
            one.wait(patience.saturating_sub(begin.elapsed()));
        }
        // Whoever forks faster than it is killed is stopped first.
        for _ in 0..ROUNDS {
            let is_new = take_new(&mut found);
            for one in found.values().filter(|one| !one.has_ended) {
                one.signal(Signal::STOP);
            }
            if !is_new {
                break;
            }
        }
        for one in found.values().filter(|one| !one.has_ended) {
            one.signal(Signal::KILL);
        }
        for one in found.values_mut() {
            one.wait(MOMENT);
        }
    }
    let boot = boot_time();
    found.into_values().map(|one| one.told(boot)).collect()
}

/// A process below this one, held fast.
struct Found {
    process: Stat,
    /// None if it is gone, or the system has no descriptor for it.
    held: Option<OwnedFd>,
    has_ended: bool,
}

impl Found {
    fn new(process: Stat) -> Self {
        let pid = Pid::from_raw(process.id);
        let held = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        // The number may have been another's by the time it was held.
        let is_same = Stat::read(process.id).is_some_and(|now| now.at == process.at);
        Self {
            held: held.filter(|_| is_same),
            has_ended: false,
            process,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(held) = &self.held {
            // Gone is as good.
            let _ = pidfd_send_signal(held, signal);
        }
    }

    fn wait(&mut self, patience: Duration) {
        if let Some(held) = self.held.as_ref().filter(|_| !self.has_ended) {
            let watched = PollFd::new(held, PollFlags::IN);
            self.has_ended = is_ready_within(watched, patience).unwrap_or(false);
        }
        if self.has_ended
            && let Some(pid) = Pid::from_raw(self.process.id)
        {
            reap(pid);
        }
    }

    fn told(self, boot: u64) -> Straggler {
        let seconds = self.process.at / rustix::param::clock_ticks_per_second().max(1);
        let started = i64::try_from(boot.saturating_add(seconds)).unwrap_or_default();
        Straggler {
            process: self.process.id,
            name: self.process.name,
            started: Timestamp::from_second(started).unwrap_or(Timestamp::UNIX_EPOCH),
            ended: self.has_ended,
        }
    }
}

/// Buries a child, if it is one and has ended.
fn reap(pid: Pid) {
    let _ = waitid(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
    );
}

/// The processes below this one that run.
fn below(known: &[u32]) -> Vec<Stat> {
    let mut children: BTreeMap<i32, Vec<Stat>> = BTreeMap::new();
    for process in Stat::all().into_iter().flatten() {
        children.entry(process.parent).or_default().push(process);
    }
    let known: BTreeSet<i32> = known
        .iter()
        .filter_map(|id| i32::try_from(*id).ok())
        .collect();
    let mut found = Vec::new();
    let mut parents = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            if !known.contains(&process.id) {
                parents.push(process.id);
                found.push(process);
            }
        }
    }
    found.retain(|process| process.runs);
    found
}

/// When the machine started, in seconds of the calendar.
fn boot_time() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "));
    seconds
        .and_then(|seconds| seconds.trim().parse().ok())
        .unwrap_or_default()
}

/// How often it is looked for processes that appeared meanwhile.
const ROUNDS: usize = 100;
/// How long a killed process may take to end.
const MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_tells_when_it_started() {
        assert!(boot_time() > 0);
    }
}
