//! Tools whose starter was killed. A tool that hangs is ended by the process that started it; when that process is dead,
//! somebody else must end the tool.
//!
//! While a tool runs, a file names it and its starter, and its starter holds a lock on the file. A tool is an orphan if the
//! lock is free, or if the starter is gone although somebody holds the lock: whoever can open the file can lock it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::ending::Ending;
use super::group::ProcessGroup;
use super::known::{KnownProcess, Presence};
use crate::host::owned_files;

/// The record of a tool that runs; dropping it removes the file.
#[derive(Debug)]
pub(super) struct ToolRecord {
    path: PathBuf,
    file: File,
}

/// What a record says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tool: Option<ProcessGroup>,
    starter: Option<KnownProcess>,
}

impl ToolRecord {
    pub(super) fn of(child: &Child, directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("{}.tool", child.id()));
        if !directory.parent().is_some_and(Path::is_dir) {
            return Err(io::ErrorKind::NotFound.into()); // asking a question makes no state directory
        }
        owned_files::make_directory(directory).map_err(io::Error::other)?;
        let file = owned_files::open_lock_file(&path).map_err(io::Error::other)?;
        let record = Self { path, file };
        // Whoever looks for orphans holds the lock for a moment. A record that cannot be written is removed.
        owned_files::wait_for_lock(&record.path, MOMENT, || record.file.try_lock())
            .map_err(io::Error::other)?;
        let written = serde_json::to_vec(&Written {
            tool: ProcessGroup::of(Pid::from_child(child)),
            starter: KnownProcess::this(),
        })?;
        record.file.set_len(0)?;
        (&record.file).write_all(&written)?;
        Ok(record)
    }
}

impl Drop for ToolRecord {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Ends every tool that is recorded in `directory` and whose starter is dead, or is among `given_up`: whatever such a starter
/// does now, it does too late. The tool may come to its end by itself within `patience`, which this waits for.
pub fn end_orphans(directory: &Path, given_up: &[&KnownProcess], patience: Duration) {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let is_late = start.elapsed() >= patience;
        let (left, over): (Vec<_>, Vec<_>) = orphans(directory, given_up)
            .into_iter()
            .partition(|orphan| !is_late && orphan.still_works());
        // All at once: anybody of this user can write records, and a keychain may be waiting.
        let tools = over.iter().filter_map(|orphan| orphan.tool.as_ref());
        let endings: Vec<_> = tools
            .filter_map(|tool| tool.begin_to_end_with_leader(PATIENCE))
            .collect();
        endings.into_iter().for_each(Ending::finish);
        for orphan in &over {
            let _ = fs::remove_file(&orphan.path);
        }
        if left.is_empty() {
            return;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A tool whose starter is dead, and its record.
struct Orphan {
    path: PathBuf,
    tool: Option<ProcessGroup>,
}

impl Orphan {
    fn still_works(&self) -> bool {
        let tool = self.tool.as_ref();
        tool.is_some_and(|tool| tool.presence() == Presence::There)
    }
}

fn orphans(directory: &Path, given_up: &[&KnownProcess]) -> Vec<Orphan> {
    let Ok(entries) = owned_files::list(directory) else {
        return Vec::new(); // no tool was recorded
    };
    let paths = entries.into_iter().map(|entry| entry.path());
    paths.filter_map(|path| orphan(path, given_up)).collect()
}

fn orphan(path: PathBuf, given_up: &[&KnownProcess]) -> Option<Orphan> {
    let file = owned_files::open(&path).ok()?;
    let is_free = file.try_lock().is_ok();
    let read = owned_files::read(&path, MAX_RECORD).ok();
    let written: Option<Written> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_orphan = is_free
        || written
            .as_ref()
            .and_then(|written| written.starter.as_ref())
            .is_some_and(|starter| {
                given_up.contains(&starter) || starter.presence() == Presence::Gone
            });
    // A record is called by the number of its tool; one that says something else ends nobody.
    let number = path
        .file_stem()
        .and_then(|stem| stem.to_str()?.parse().ok());
    let tool = written.and_then(|written| written.tool);
    let tool = tool.filter(|tool| number.is_some_and(|number| tool.has_number(number)));
    is_orphan.then_some(Orphan { path, tool })
}

/// A record is some hundred bytes.
const MAX_RECORD: usize = 4_096;
/// How long somebody holds the lock on a record who looks for orphans.
const MOMENT: Duration = Duration::from_secs(1);
/// How long a tool may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::host::process::child::start;
    use crate::host::process::tool::Tool;

    fn sleeper() -> Child {
        let tool = Tool::new("/bin/sleep").arg("600");
        start(&tool, Stdio::null(), Stdio::null(), Stdio::null()).unwrap()
    }

    #[test]
    fn a_tool_is_ended_when_nobody_holds_its_record() {
        let directory = tempfile::tempdir().unwrap();
        let records = directory.path().join("tools");
        let mut child = sleeper();
        let record = ToolRecord::of(&child, &records).unwrap();
        end_orphans(&records, &[], Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none(), "its starter lives");
        // Somebody who looks for orphans has the file just now, and keeps it.
        let mut other = sleeper();
        let place = records.join(format!("{}.tool", other.id()));
        let seeker = owned_files::open_lock_file(&place).unwrap();
        seeker.lock().unwrap();
        assert!(ToolRecord::of(&other, &records).is_err());
        assert!(!place.exists(), "half a record is none");
        drop(seeker);
        drop(ToolRecord::of(&other, &records).unwrap());
        other.kill().unwrap();
        other.wait().unwrap();
        // A starter that is killed leaves the file and lets go of the lock.
        let kept = fs::read(&record.path).unwrap();
        let path = record.path.clone();
        drop(record);
        owned_files::create(&path, &kept).unwrap();
        end_orphans(&records, &[], Duration::ZERO);
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read_dir(&records).unwrap().count(), 0);
    }

    #[test]
    fn many_records_of_tools_that_mind_no_signal_keep_nobody_longer_than_one() {
        let directory = tempfile::tempdir().unwrap();
        let records = directory.path().join("tools");
        owned_files::make_directory(&records).unwrap();
        let tool = Tool::new("/bin/sh").args(["-c", "trap '' TERM; echo; read line"]);
        let mut children: Vec<Child> = (0..20)
            .map(|_| start(&tool, Stdio::piped(), Stdio::piped(), Stdio::null()).unwrap())
            .collect();
        for child in &mut children {
            // From here on it minds no SIGTERM.
            let mut word = [0];
            io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut word).unwrap();
            let written = Written {
                tool: ProcessGroup::of(Pid::from_child(child)),
                starter: None,
            };
            let path = records.join(format!("{}.tool", child.id()));
            owned_files::create(&path, &serde_json::to_vec(&written).unwrap()).unwrap();
        }
        let begun = Instant::now();
        end_orphans(&records, &[], Duration::ZERO);
        assert!(begun.elapsed() < PATIENCE * 10, "one after the other");
        for mut child in children {
            assert!(!child.wait().unwrap().success());
        }
        assert_eq!(fs::read_dir(&records).unwrap().count(), 0);
    }

    #[test]
    fn a_tool_is_ended_when_its_starter_is_gone_although_somebody_holds_its_record() {
        let directory = tempfile::tempdir().unwrap();
        let records = directory.path().join("tools");
        owned_files::make_directory(&records).unwrap();
        let (mut starter, mut child) = (sleeper(), sleeper());
        let written = Written {
            tool: ProcessGroup::of(Pid::from_child(&child)),
            starter: KnownProcess::of(Pid::from_child(&starter)),
        };
        let path = records.join(format!("{}.tool", child.id()));
        owned_files::create(&path, &serde_json::to_vec(&written).unwrap()).unwrap();
        let held = owned_files::open(&path).unwrap();
        held.lock().unwrap();
        end_orphans(&records, &[], Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none(), "its starter lives");
        starter.kill().unwrap();
        starter.wait().unwrap();
        end_orphans(&records, &[], Duration::ZERO);
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn an_orphan_that_comes_to_its_end_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let records = directory.path().join("tools");
        owned_files::make_directory(&records).unwrap();
        let tool = Tool::new("/bin/sh").args(["-c", "read line; exit 7"]);
        let mut child = start(&tool, Stdio::piped(), Stdio::null(), Stdio::null()).unwrap();
        let written = Written {
            tool: ProcessGroup::of(Pid::from_child(&child)),
            starter: None,
        };
        let path = records.join(format!("{}.tool", child.id()));
        owned_files::create(&path, &serde_json::to_vec(&written).unwrap()).unwrap();
        drop(child.stdin.take());
        end_orphans(&records, &[], Duration::from_secs(60));
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }
}
