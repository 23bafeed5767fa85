//! The last gates and windows, as the audit log has them.

use super::document::{Missing, MissingPart, RecordedGate, RecordedWindow};
use crate::base::event::{Action, Outcome};
use crate::ledger::audit::Record;
use crate::ops::audit::{self, ShowRequest};
use crate::ops::error::{Error, Failure};
use crate::ops::report::VerdictWord;
use crate::ops::world::World;

/// So many records are read from the end of the log.
const RECORDS: usize = 400;

/// So many gates and so many windows are shown.
const SHOWN: usize = 12;

/// The last gates and windows, newest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) gates: Vec<RecordedGate>,
    pub(super) windows: Vec<RecordedWindow>,
}

/// Reads the end of the log. That it is missing, empty or damaged is noted.
pub(super) fn read(world: &World, missing: &mut Vec<Missing>) -> Log {
    let request = ShowRequest {
        run: None,
        last: Some(RECORDS),
    };
    let records = match audit::show(&request, world) {
        Ok(document) => {
            if let Some(flaw) = document.flaws.first() {
                missing.push(Missing {
                    part: MissingPart::AuditLog,
                    why: format!("the end of the audit log is damaged: {flaw}"),
                    hint: Some("find out who changed the audit log".to_owned()),
                    remedy: Some(crate::base::remedy::Remedy::VerifyAuditLog),
                });
            }
            document.records
        }
        Err(Failure::Error(error)) => {
            missing.push(Missing::of(MissingPart::AuditLog, &error));
            return Log::default();
        }
        Err(Failure::Blocked(_)) => {
            let error = Error::unexpected("the audit log gave findings and no records");
            missing.push(Missing::of(MissingPart::AuditLog, &error));
            return Log::default();
        }
    };
    if records.is_empty() {
        missing.push(Missing {
            part: MissingPart::AuditLog,
            why: "the audit log has no records: no gate has run here".to_owned(),
            hint: Some("run a gate on this machine, or name its state directory".to_owned()),
            remedy: Some(crate::base::remedy::Remedy::NameStateDirectory),
        });
    }
    of_records(&records)
}

/// The gates and windows that records tell of.
fn of_records(records: &[Record]) -> Log {
    let mut log = Log::default();
    for record in records {
        let is_done = record.outcome == Outcome::Done;
        if record.what == Action::Gate.as_str() {
            log.gates.push(gate(record, is_done));
        } else if record.what == Action::KeychainUnlock.as_str() && is_done {
            log.windows.extend(window(record));
        } else if is_done && closes(&record.what) {
            let mut open = log.windows.iter_mut().rev();
            let opened = open.find(|it| Some(&it.run) == record.run.as_ref());
            if let Some(window) = opened.filter(|it| it.closed.is_none()) {
                window.closed = Some(record.time);
                window.closed_by = Some(record.what.clone());
            }
        }
    }
    log.gates.reverse();
    log.gates.truncate(SHOWN);
    log.windows.reverse();
    log.windows.truncate(SHOWN);
    log
}

/// Whether a record of this action tells that a window is closed.
fn closes(what: &str) -> bool {
    let actions = [Action::KeychainLock, Action::Recover, Action::Overdue];
    actions.iter().any(|action| action.as_str() == what)
}

fn gate(record: &Record, is_cleared: bool) -> RecordedGate {
    let detail = |name: &str| record.details.get(name).cloned();
    RecordedGate {
        at: record.time,
        verdict: VerdictWord::of(is_cleared),
        host: record.actor.host.clone(),
        job: record.actor.job.clone(),
        run: record.run.clone(),
        blocked_by: detail("blocked-by"),
        waived: detail("waived"),
    }
}

fn window(record: &Record) -> Option<RecordedWindow> {
    Some(RecordedWindow {
        run: record.run.clone()?,
        opened: record.time,
        closed: None,
        closed_by: None,
        keychain: record.details.get("keychain").cloned(),
        host: record.actor.host.clone(),
        job: record.actor.job.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::Digest;
    use crate::base::event::Actor;

    fn record(seq: u64, what: Action, outcome: Outcome, run: Option<&str>) -> Record {
        Record {
            seq,
            time: jiff::Timestamp::from_second(1_790_000_000 + i64::try_from(seq).unwrap())
                .unwrap(),
            latest: None,
            prev: Digest::Sha256([0; 32]),
            actor: Actor {
                who: "ci".to_owned(),
                host: "signer-01.mesh.example".parse().unwrap(),
                region: None,
                job: None,
            },
            run: run.map(str::to_owned),
            what: what.as_str().to_owned(),
            outcome,
            details: BTreeMap::new(),
            digest: Digest::Sha256([0; 32]),
        }
    }

    #[test]
    fn a_window_is_from_opening_to_closing_of_its_own_run() {
        let log = of_records(&[
            record(1, Action::Gate, Outcome::Done, Some("a")),
            record(2, Action::KeychainUnlock, Outcome::Intended, Some("a")),
            record(3, Action::KeychainUnlock, Outcome::Done, Some("a")),
            record(4, Action::KeychainUnlock, Outcome::Done, Some("b")),
            record(5, Action::KeychainLock, Outcome::Failed, Some("a")),
            record(6, Action::Recover, Outcome::Done, Some("a")),
            record(7, Action::Gate, Outcome::Refused, None),
        ]);
        let windows: Vec<_> = log
            .windows
            .iter()
            .map(|it| (it.run.as_str(), it.closed_by.as_deref()))
            .collect();
        assert_eq!(windows, [("b", None), ("a", Some("recover"))]);
        let gates: Vec<_> = log.gates.iter().map(|it| it.verdict).collect();
        assert_eq!(gates, [VerdictWord::Blocked, VerdictWord::Cleared]);
    }

    #[test]
    fn only_the_last_are_shown() {
        let records: Vec<Record> = (1..=30)
            .map(|seq| record(seq, Action::Gate, Outcome::Done, None))
            .collect();
        let log = of_records(&records);
        assert_eq!(log.gates.len(), SHOWN);
        assert!(log.gates[0].at > log.gates[1].at);
    }
}
