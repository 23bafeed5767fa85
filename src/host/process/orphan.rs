//! Tools whose starter was killed. A tool that hangs is ended by the process that started it; when that process is dead,
//! somebody else must end the tool.
//!
//! While a tool runs, a file names its [`ProcessGroup`], and its starter holds a lock on the file. *A free lock means a
//! dead starter*, as with the leases of runs. Whoever waits for an orphan ends it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Pid;

use super::group::ProcessGroup;
use crate::host::owned_files;

/// The record of a tool that runs; dropping it removes the file.
#[derive(Debug)]
pub(super) struct ToolRecord {
    path: PathBuf,
    file: File,
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
        let group = serde_json::to_vec(&ProcessGroup::of(Pid::from_child(child)))?;
        record.file.set_len(0)?;
        (&record.file).write_all(&group)?;
        Ok(record)
    }
}

impl Drop for ToolRecord {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Ends every tool that is recorded in `directory`, whose starter is dead, and that has run for `grace` at least.
pub fn end_orphans(directory: &Path, grace: Duration) {
    let Ok(entries) = fs::read_dir(directory) else {
        return; // no tool was recorded
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(file) = owned_files::open_lock_file(&path) else {
            continue;
        };
        if file.try_lock().is_err() {
            continue; // its starter lives
        }
        let started = file.metadata().and_then(|metadata| metadata.modified());
        let age = started.ok().and_then(|started| started.elapsed().ok());
        if age.is_some_and(|age| age < grace) {
            continue;
        }
        let record = owned_files::read(&path, MAX_RECORD).ok();
        let group: Option<ProcessGroup> =
            record.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(group) = group {
            group.end_leader(PATIENCE);
        }
        let _ = fs::remove_file(&path);
    }
}

/// A record is some hundred bytes.
const MAX_RECORD: usize = 4_096;
/// How long somebody holds the lock on a record who looks for orphans.
const MOMENT: Duration = Duration::from_secs(1);
/// How long a tool may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::host::process::child::start;
    use crate::host::process::tool::Tool;

    #[test]
    fn a_tool_is_ended_when_nobody_holds_its_record() {
        let directory = tempfile::tempdir().unwrap();
        let records = directory.path().join("tools");
        let tool = Tool::new("/bin/sleep").arg("600");
        let mut child = start(&tool, Stdio::null(), Stdio::null(), Stdio::null()).unwrap();
        let record = ToolRecord::of(&child, &records).unwrap();
        end_orphans(&records, Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none(), "its starter lives");
        // Somebody who looks for orphans has the file just now, and keeps it.
        let other = Tool::new("/bin/sleep").arg("600");
        let mut other = start(&other, Stdio::null(), Stdio::null(), Stdio::null()).unwrap();
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
        end_orphans(&records, Duration::from_secs(600));
        assert!(child.try_wait().unwrap().is_none(), "it may still end");
        end_orphans(&records, Duration::ZERO);
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read_dir(&records).unwrap().count(), 0);
    }
}
