//! Tools whose starter was killed: a tool that hangs is ended by who started it, and by whom is it when that one is dead?
//!
//! While a tool runs, a file tells its [`Mark`], and its starter has the file locked. *A free lock means a dead starter*, as
//! with the leases of runs; whoever is kept waiting by an orphan ends it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Pid;

use super::mark::Mark;
use crate::host::private;

/// The note of a tool that runs; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
    _locked: File,
}

impl Note {
    pub(super) fn of(child: &Child, directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("{}.tool", child.id()));
        if !directory.parent().is_some_and(Path::is_dir) {
            return Err(io::ErrorKind::NotFound.into()); // asking a question makes no state directory
        }
        private::directory(directory).map_err(io::Error::other)?;
        let mut file = private::open_lock_file(&path).map_err(io::Error::other)?;
        file.try_lock()?;
        let mark = serde_json::to_vec(&Mark::of(Pid::from_child(child)))?;
        file.set_len(0)?;
        file.write_all(&mark)?;
        Ok(Self {
            path,
            _locked: file,
        })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Ends every tool that is noted in `directory`, whose starter is dead, and that has run for `grace` at least: one that
/// is about to end by itself may.
pub fn end_all(directory: &Path, grace: Duration) {
    let Ok(entries) = fs::read_dir(directory) else {
        return; // nobody has noted anything
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(file) = private::open_lock_file(&path) else {
            continue;
        };
        if file.try_lock().is_err() {
            continue; // its starter lives
        }
        let noted = file.metadata().and_then(|metadata| metadata.modified());
        let age = noted.ok().and_then(|noted| noted.elapsed().ok());
        if age.is_some_and(|age| age < grace) {
            continue;
        }
        let noted = private::read(&path, MAX_NOTE).ok();
        let mark: Option<Mark> = noted.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(mark) = mark {
            mark.end_leader(PATIENCE);
        }
        let _ = fs::remove_file(&path);
    }
}

/// A note is some hundred bytes.
const MAX_NOTE: u64 = 4_096;
/// How long a tool may take to mind SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::host::process::{Tool, start};

    #[test]
    fn a_tool_is_ended_when_nobody_holds_its_note() {
        let directory = tempfile::tempdir().unwrap();
        let notes = directory.path().join("tools");
        let tool = Tool::new("/bin/sleep").arg("600");
        let mut child = start(&tool, Stdio::null(), Stdio::null(), Stdio::null()).unwrap();
        let note = Note::of(&child, &notes).unwrap();
        end_all(&notes, Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none(), "its starter lives");
        // A starter that is killed leaves the file and lets go of the lock.
        let kept = fs::read(&note.path).unwrap();
        let path = note.path.clone();
        drop(note);
        private::create(&path, &kept).unwrap();
        end_all(&notes, Duration::from_secs(600));
        assert!(child.try_wait().unwrap().is_none(), "it may still end");
        end_all(&notes, Duration::ZERO);
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read_dir(&notes).unwrap().count(), 0);
    }
}
