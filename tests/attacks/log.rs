//! The audit log cut short, begun again, edited or held by a reader.

use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use countersign::base::event::{Action, Event, Outcome};
use rustix::process::Signal;
use support::log::log_of;
use support::machine::Kind;
use support::site::{Site, document, kill, until};

/// A process that is gone when the test is, also when that fails.
struct Stopped(Option<Child>);

impl Stopped {
    /// Lets it go on to its end.
    fn released(mut self) -> Output {
        let child = self.0.take().unwrap();
        kill(child.id(), Signal::CONT);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            kill(child.id(), Signal::KILL);
            child.wait().unwrap();
        }
    }
}

/// How far a process has read the file at `path`, which it has open.
fn position(process: u32, path: &Path) -> Option<u64> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let open = entries
        .flatten()
        .find(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))?;
    let name = open.file_name().into_string().ok()?;
    let said = fs::read_to_string(format!("/proc/{process}/fdinfo/{name}")).ok()?;
    let line = said.lines().find_map(|line| line.strip_prefix("pos:"))?;
    line.trim().parse().ok()
}

fn is_stopped(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = status.rsplit_once(") ").unwrap();
    fields.starts_with('T')
}

/// A reader of the log that was stopped after it has begun to read and before it has ended.
fn reader_stopped_in_the_middle(site: &Site, words: &[&str]) -> Stopped {
    let path = site.path("state/audit.jsonl");
    let length = path.metadata().unwrap().len();
    let is_in_the_middle = |position| (1..length).contains(&position);
    for _ in 0..50 {
        let mut reader = site
            .base(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("it reads, or has read", || {
            position(reader.id(), &path).is_some_and(is_in_the_middle)
                || reader.try_wait().unwrap().is_some()
        });
        kill(reader.id(), Signal::STOP);
        until("it stands still, or has ended", || {
            reader.try_wait().unwrap().is_some() || is_stopped(reader.id())
        });
        if position(reader.id(), &path).is_some_and(is_in_the_middle) {
            return Stopped(Some(reader));
        }
        kill(reader.id(), Signal::KILL);
        reader.wait().unwrap();
    }
    panic!("never caught in the middle: {words:?}");
}

#[test]
fn a_reader_that_is_stopped_in_the_middle_keeps_nobody_from_recording() {
    let site = Site::new(Kind::Portable);
    let path = site.path("state/audit.jsonl");
    let records = 20_000;
    log_of(records).write(&path);
    let stopped = ["verify", "show"].map(|verb| {
        let words = ["audit", verb, "--format", "json"];
        reader_stopped_in_the_middle(&site, &words)
    });

    let appended = site
        .log()
        .append(&Event::new(Action::Recover, Outcome::Done))
        .unwrap();
    assert_eq!(appended.checkpoint.seq, records as u64 + 1);
    let gate = site
        .base(&["gate", "--without", "profiles,identities,targets"])
        .output()
        .unwrap();
    assert!(gate.status.success());
    assert_eq!(String::from_utf8_lossy(&gate.stderr), "", "it is recorded");

    // What was there when it began is what it tells of.
    let [verified, shown] = stopped.map(|reader| document(&reader.released().stdout));
    assert_eq!(verified["holds"], true, "{verified:#}");
    assert_eq!(verified["records"], records);
    assert_eq!(shown["holds"], true);
    assert_eq!(shown["records"].as_array().unwrap().len(), records);
}
