//! One line of the audit log.
//!
//! A line is a JSON object on one line. Two of its fields bind it: `prev` is the SHA-256 of the previous line's bytes,
//! and `digest`, always the last field, the SHA-256 of this line's own bytes up to the comma before it. `prev` alone
//! would leave the newest line unguarded until another follows; with `digest` a changed byte is found in every line,
//! and a half-written line is never mistaken for a whole one.
//!
//! Neither is a signature: anybody who can write the file can write a new valid log. A checkpoint that is kept
//! elsewhere shows that.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::digest::{Digest, sha256};
use crate::base::event::{Action, Actor, Checkpoint, Event, Outcome};

/// One record as it was written, every field checked; a line of the log, and of what is exported, is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// 1 for the first record, one more for each that follows.
    pub seq: u64,
    /// When it was written, by the wall clock of its host (RFC 3339, UTC).
    pub time: Timestamp,
    /// The latest time of the records before it, if the clock was behind that when it was written: the clock was set back,
    /// or had been ahead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latest: Option<Timestamp>,
    /// SHA-256 of the previous line without its line end; all zeros for the first.
    pub prev: Digest,
    /// In whose name.
    #[serde(flatten)]
    pub actor: Actor,
    /// The run that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// What was done, as in `keychain-unlock`: the word of an action, perhaps of one that only a newer version knows.
    pub what: String,
    /// How far it came.
    pub outcome: Outcome,
    /// Short texts by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub details: BTreeMap<String, String>,
    /// SHA-256 of the bytes of its line up to the comma before this field, which is always the last.
    pub digest: Digest,
}

impl Record {
    /// The latest time that the log knows of after this record. A record that resumes the log says that the clock is right.
    pub(super) fn latest(&self) -> Timestamp {
        self.latest.unwrap_or(self.time)
    }
}

/// Where a log stands for whoever writes the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The record before.
    pub(super) head: Checkpoint,
    /// The latest time of all records before; `None` without records.
    pub(super) latest: Option<Timestamp>,
}

impl Position {
    /// Before the first record.
    pub(super) const START: Self = Self {
        head: Checkpoint::EMPTY,
        latest: None,
    };

    /// After the record that `line` holds.
    pub(super) fn after(record: &Record, line: &[u8]) -> Self {
        Self {
            head: Checkpoint {
                seq: record.seq,
                head: Digest::Sha256(sha256(line)),
            },
            latest: Some(record.latest()),
        }
    }
}

/// Writes the record that follows `before`, as the bytes of its line without a line end, and says where the log stands then.
pub(super) fn write(
    before: &Position,
    time: Timestamp,
    actor: &Actor,
    event: &Event,
) -> Result<(Vec<u8>, Position), serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        seq: u64,
        time: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        latest: Option<Timestamp>,
        prev: Digest,
        #[serde(flatten)]
        actor: &'a Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<&'a str>,
        what: Cow<'static, str>,
        outcome: Outcome,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        details: &'a BTreeMap<String, String>,
    }
    let latest = match event.what {
        Action::AuditResume => None,
        _ => before.latest.filter(|latest| *latest > time),
    };
    let seq = before.head.seq.saturating_add(1);
    let mut line = serde_json::to_vec(&Line {
        seq,
        time,
        latest,
        prev: before.head.head,
        actor,
        run: event.run.as_deref(),
        what: event.what.as_str().into(),
        outcome: event.outcome,
        details: &event.details,
    })?;
    line.pop(); // the closing brace comes again after the digest
    let digest = Digest::Sha256(sha256(&line));
    line.extend_from_slice(DIGEST_FIELD);
    line.extend_from_slice(digest.to_string().as_bytes());
    line.extend_from_slice(b"\"}");
    let after = Position {
        head: Checkpoint {
            seq,
            head: Digest::Sha256(sha256(&line)),
        },
        latest: Some(latest.unwrap_or(time)),
    };
    Ok((line, after))
}

/// Why a line is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// No `digest` field at its end.
    NoDigest,
    /// The bytes are not those that were digested.
    Digest {
        /// What the line says.
        expected: String,
        /// What its bytes give.
        found: Digest,
    },
    /// Digested as it stands, but not a record.
    Shape(String),
}

/// Reads one line (without line end) and checks its own digest; whether it follows the line before it is the chain's
/// question.
pub(super) fn read(line: &[u8]) -> Result<Record, Unreadable> {
    let (body, written) = split_digest(line).ok_or(Unreadable::NoDigest)?;
    let found = Digest::Sha256(sha256(body));
    if found.to_string().as_bytes() != written {
        return Err(Unreadable::Digest {
            expected: String::from_utf8_lossy(written).into_owned(),
            found,
        });
    }
    serde_json::from_slice(line).map_err(|error| Unreadable::Shape(error.to_string()))
}

/// What the digest of a line is taken of, and the text of that digest; `None` if it does not end in one.
pub(super) fn split_digest(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.len().checked_sub(DIGEST_FIELD_LEN)?;
    let (body, field) = line.split_at_checked(at)?;
    let written = field.strip_prefix(DIGEST_FIELD)?.strip_suffix(b"\"}")?;
    Some((body, written))
}

/// The detail of a record that resumes the log after a loss: the last record that is known of.
pub(super) const LOST_AFTER: &str = "lost-after";

/// Longest line of a log, in bytes without its line end. Events are cut far below; this bounds what a reader holds.
pub(super) const MAX_LINE: usize = 64 * 1_024;

/// What stands between a record's own fields and its digest.
const DIGEST_FIELD: &[u8] = b",\"digest\":\"";

/// Bytes of the whole digest field with the closing brace: `,"digest":"` + `sha256:` + 64 hex + `"}`.
const DIGEST_FIELD_LEN: usize = DIGEST_FIELD.len() + 7 + 64 + 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_holds_its_digest_last() {
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.mesh.example".parse().unwrap(),
            region: Some("us-east".parse().unwrap()),
            job: None,
        };
        let event = Event::new(Action::KeychainUnlock, Outcome::Done)
            .of_run("r1")
            .detail("path", "/tmp/\"quoted\"\nnew line");
        let time: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (line, after) = write(&Position::START, time, &actor, &event).unwrap();
        assert!(!line.contains(&b'\n'));
        let record = read(&line).unwrap();
        assert_eq!(after, Position::after(&record, &line));
        assert_eq!(record.seq, 1);
        assert_eq!(record.actor, actor);
        assert_eq!(record.what, "keychain-unlock");
        assert_eq!(record.details["path"], "/tmp/\"quoted\"\nnew line");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&line).unwrap()["prev"],
            format!("sha256:{}", "0".repeat(64))
        );
    }

    #[test]
    fn the_latest_time_is_carried_on_for_as_long_as_the_clock_is_behind_it() {
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.mesh.example".parse().unwrap(),
            region: None,
            job: None,
        };
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let minutes = jiff::SignedDuration::from_mins;
        let mut position = Position::START;
        let mut written = |offset, what| {
            let event = Event::new(what, Outcome::Done);
            let (line, after) = write(&position, noon + minutes(offset), &actor, &event).unwrap();
            position = after;
            let record = read(&line).unwrap();
            assert_eq!(Position::after(&record, &line), after);
            record.latest
        };
        assert_eq!(written(0, Action::Gate), None);
        assert_eq!(written(-50, Action::Gate), Some(noon));
        assert_eq!(written(-90, Action::Recover), Some(noon));
        assert_eq!(written(0, Action::Gate), None);
        assert_eq!(written(-50, Action::Gate), Some(noon));
        // Somebody says that the clock is right now.
        assert_eq!(written(-49, Action::AuditResume), None);
        assert_eq!(written(-48, Action::Gate), None);
    }

    #[test]
    fn an_action_of_a_newer_version_is_still_a_record() {
        let body = br#"{"seq":1,"time":"2026-03-01T12:00:00Z","prev":"sha256:0000000000000000000000000000000000000000000000000000000000000000","who":"ci","host":"h","what":"lease-granted","outcome":"done","later":1"#;
        let line = [
            body.as_slice(),
            format!(",\"digest\":\"{}\"}}", Digest::of(body)).as_bytes(),
        ]
        .concat();
        assert_eq!(read(&line).unwrap().what, "lease-granted");
    }

    #[test]
    fn what_is_no_record_says_why() {
        assert_eq!(read(b""), Err(Unreadable::NoDigest));
        assert_eq!(read(b"{\"seq\":1}"), Err(Unreadable::NoDigest));
        let bare = format!("{{\"a\":1,\"digest\":\"{}\"}}", Digest::of(b"{\"a\":1"));
        assert!(matches!(read(bare.as_bytes()), Err(Unreadable::Shape(_))));
        let wrong = bare.replace("\"a\":1", "\"a\":2");
        assert!(matches!(
            read(wrong.as_bytes()),
            Err(Unreadable::Digest { .. })
        ));
    }
}
