//! What a verification found, as findings.

use std::path::Path;

use crate::base::error::Explain as _;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::ledger::audit::{
    EvidenceError, Flaw, FlawKind, KnownCheckpoint, Note, NoteKind, Verification,
};

/// The findings of a verification of the log at `path`, against what is `known` from outside.
pub(super) fn findings_of(
    verification: &Verification,
    path: &Path,
    known: &[KnownCheckpoint],
) -> Vec<Finding> {
    let flaws = verification.flaws.iter();
    let notes = verification.notes.iter();
    flaws
        .map(|flaw| (of_flaw(flaw, known), &flaw.segment, flaw.line))
        .chain(notes.map(|note| (of_note(note), &note.segment, note.line)))
        .map(|(finding, segment, line)| {
            let file = segment.as_ref().map(|name| path.with_file_name(name));
            finding
                .in_file(file.as_deref().unwrap_or(path))
                .at_line(line)
        })
        .collect()
}

fn of_flaw(flaw: &Flaw, known: &[KnownCheckpoint]) -> Finding {
    let message = flaw.kind.to_string();
    match &flaw.kind {
        FlawKind::CutBefore { checkpoint, .. }
        | FlawKind::NotTheCheckpoint { checkpoint, .. }
        | FlawKind::NotInLog { checkpoint } => {
            let holder = known.iter().find(|known| known.checkpoint == *checkpoint);
            let message = match holder {
                Some(known) => format!("{message} ({} tells of it)", known.holder),
                None => message,
            };
            let hint = "compare the log with its backup, and keep both as evidence";
            Finding::block(Code::AuditRecordMissing, message).hint(hint)
        }
        FlawKind::SegmentMissing { .. } | FlawKind::EndsSealed { .. } => {
            let hint =
                "put it back from a backup; if it was moved away, name the directory that holds it";
            Finding::block(Code::AuditRecordMissing, message).hint(hint)
        }
        FlawKind::TimeBackwards(_) => {
            let hint = "find out who set the clock, and when; then resume the log";
            let finding = Finding::block(Code::AuditTimeBackwards, message);
            finding.hint(hint).remedy(Remedy::ResumeAuditLog)
        }
        FlawKind::Torn { .. } => {
            let hint = "find out what ended the writing; the next record sets the rest aside";
            Finding::block(Code::AuditRecordAltered, message).hint(hint)
        }
        FlawKind::Altered { .. }
        | FlawKind::NotARecord(_)
        | FlawKind::Sequence { .. }
        | FlawKind::Predecessor { .. }
        | FlawKind::SegmentAltered { .. }
        | FlawKind::SegmentUnnamed { .. }
        | FlawKind::SealOutOfPlace
        | FlawKind::TooLong => {
            let hint = "compare the file with a backup, and keep both as evidence";
            Finding::block(Code::AuditRecordAltered, message).hint(hint)
        }
    }
}

/// A receipt or an envelope that the log was not compared with.
pub(super) fn of_unused(why: &EvidenceError) -> Finding {
    let message = format!("the log was not compared with what this file tells of it: {why}");
    let mut finding = Finding::block(Code::AuditEvidenceUnusable, message);
    finding.place = why.place();
    match why.hint() {
        Some(hint) => finding.hint(hint),
        None => finding.hint("find out what became of the file; move it away to verify without it"),
    }
}

fn of_note(note: &Note) -> Finding {
    let code = match note.kind {
        NoteKind::Lost { .. } => Code::AuditLogResumed,
        NoteKind::ClockStep(_) => Code::AuditTimeBackwards,
    };
    Finding::warn(code, note.kind.to_string())
}
