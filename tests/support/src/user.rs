//! A site that belongs to a user who is not root, and what that user starts, within limits.
//!
//! The system counts processes for each user, and counts none of root's. So every test has a user of its own, a number that
//! no system gives to anybody.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rustix::process::Signal;

use crate::site::{Site, kill, until};
use crate::start;

/// The first of these users.
const FIRST: u32 = 70_000;

/// A script that has a process in a session of its own start others until there can be no more, and again whenever there can be;
/// it goes on when that is so for the first time.
pub const FILL: &str = r#"
full=$HOME/full
rm -f "$full"
setsid perl -e '
    $SIG{CHLD} = "IGNORE";
    while (1) {
        my $id = fork;
        if (defined $id) { sleep 600, exit if !$id; next; }
        open(my $full, ">", $ARGV[0]);
        select(undef, undef, undef, 0.001);
    }' "$full" >/dev/null 2>&1 &
while [ ! -e "$full" ]; do :; done
"#;

/// A user who is not root. When the value goes, so do its processes.
pub struct User(u32);

impl User {
    /// A new one, to whom `site` belongs from now on; `None`, with a word, where only root may do that.
    pub fn of(site: &Site) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: not root, so no test can become another user");
            return None;
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Test processes that run at once have users of their own.
        let id = FIRST + std::process::id() % 2_000 * 64 + NEXT.fetch_add(1, Relaxed) % 64;
        let user = Self(id);
        user.own(site.machine.directory.path());
        Some(user)
    }

    /// Gives everything at `path` to this user.
    pub fn own(&self, path: &Path) {
        lchown(path, Some(self.0), Some(self.0)).unwrap();
        if path.symlink_metadata().unwrap().is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
    }

    /// `command` as this user starts it, within the limits that options of `prlimit` say (`--nofile=20`).
    pub fn starts(&self, site: &Site, limits: &[&str], command: &Command) -> Command {
        let id = self.0.to_string();
        let mut started = start::command("setpriv", &site.path("home"));
        started.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
        if !limits.is_empty() {
            started.arg("prlimit").args(limits);
        }
        started
            .arg(command.get_program())
            .args(command.get_args())
            .env("PATH", start::PATH)
            .stdin(Stdio::null());
        started
    }

    /// The processes of this user.
    pub fn processes(&self) -> Vec<u32> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == self.0))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Ends the processes of this user that commands have started, also those that others start meanwhile.
    pub fn end_others(&self) {
        until("the commands' processes are gone", || {
            let mut others = self.processes();
            others.retain(|id| {
                let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                ["sleep\0", "setsid\0", "perl\0"]
                    .iter()
                    .any(|program| words.starts_with(program.as_bytes()))
            });
            for id in &others {
                kill(*id, Signal::KILL);
            }
            others.is_empty()
        });
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for id in self.processes() {
            kill(id, Signal::KILL);
        }
    }
}
