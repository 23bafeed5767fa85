//! Audit logs of any length, written line by line as docs/keychain.md describes them and not with the program's own
//! writer: what both agree on is the format.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use countersign::base::digest::Digest;
use countersign::base::event::Checkpoint;
use jiff::{SignedDuration, Timestamp};

/// Writes the lines of a log, one after the other.
#[derive(Debug, Clone)]
pub struct LogWriter {
    /// What was written so far.
    pub text: String,
    /// Where it stands.
    pub head: Checkpoint,
    /// The time of the next record.
    pub time: Timestamp,
}

impl LogWriter {
    /// Before the first record, which is written at `time`.
    pub fn new(time: &str) -> Self {
        Self {
            text: String::new(),
            head: Checkpoint::EMPTY,
            time: time.parse().unwrap(),
        }
    }

    /// One more record: a verdict, a second after the one before.
    pub fn record(&mut self) -> Checkpoint {
        let start = self.text.len();
        let Checkpoint { seq, head } = self.head;
        let (seq, time) = (seq + 1, self.time);
        write!(
            self.text,
            r#"{{"seq":{seq},"time":"{time}","prev":"{head}","who":"ci (501)","host":"signer-01.acme.example","run":"20270101T120000Z-0123456789abcdef","what":"gate","outcome":"done","details":{{"manifest":"{head}","revision":"7"}}"#
        )
        .unwrap();
        let digest = Digest::of(&self.text.as_bytes()[start..]);
        write!(self.text, r#","digest":"{digest}"}}"#).unwrap();
        self.head = Checkpoint {
            seq,
            head: Digest::of(&self.text.as_bytes()[start..]),
        };
        self.text.push('\n');
        self.time += SignedDuration::from_secs(1);
        self.head
    }

    /// So many more.
    pub fn records(&mut self, count: usize) -> Checkpoint {
        for _ in 0..count {
            self.record();
        }
        self.head
    }

    /// Writes it to a file as the program would have left it.
    pub fn write(&self, path: &Path) {
        fs::write(path, &self.text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
}

/// A log of so many records, which ended an hour ago.
pub fn log_of(count: usize) -> LogWriter {
    let seconds = i64::try_from(count).unwrap() + 3_600;
    let begin = crate::machine::now() - SignedDuration::from_secs(seconds);
    let mut log = LogWriter::new(&begin.to_string());
    log.records(count);
    log
}
