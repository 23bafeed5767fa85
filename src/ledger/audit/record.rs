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
use crate::base::event::{Actor, Checkpoint, Event, Outcome};

/// One record as it was written, every field checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// 1 for the first record, one more for each that follows.
    pub seq: u64,
    /// When it was written, by the wall clock of its host (RFC 3339, UTC).
    pub time: Timestamp,
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
}

/// Writes the record that follows `head`, as the bytes of its line without a line end.
pub(super) fn write(
    head: &Checkpoint,
    time: Timestamp,
    actor: &Actor,
    event: &Event,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        seq: u64,
        time: Timestamp,
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
    let mut line = serde_json::to_vec(&Line {
        seq: head.seq.saturating_add(1),
        time,
        prev: head.head,
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
    Ok(line)
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
    let (body, field) = line
        .len()
        .checked_sub(DIGEST_FIELD_LEN)
        .and_then(|at| line.split_at_checked(at))
        .ok_or(Unreadable::NoDigest)?;
    let written = field
        .strip_prefix(DIGEST_FIELD)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .ok_or(Unreadable::NoDigest)?;
    let found = Digest::Sha256(sha256(body));
    if found.to_string().as_bytes() != written {
        return Err(Unreadable::Digest {
            expected: String::from_utf8_lossy(written).into_owned(),
            found,
        });
    }
    serde_json::from_slice(line).map_err(|error| Unreadable::Shape(error.to_string()))
}

/// What stands between a record's own fields and its digest.
const DIGEST_FIELD: &[u8] = b",\"digest\":\"";

/// Bytes of the whole digest field with the closing brace: `,"digest":"` + `sha256:` + 64 hex + `"}`.
const DIGEST_FIELD_LEN: usize = DIGEST_FIELD.len() + 7 + 64 + 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::event::Action;

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
        let line = write(&Checkpoint::EMPTY, time, &actor, &event).unwrap();
        assert!(!line.contains(&b'\n'));
        let record = read(&line).unwrap();
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
