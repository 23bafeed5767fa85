//! The receipt of a run: what was judged, what was opened for how long, and how it ended.
//!
//! Its file is made before anything is opened, because a build that succeeded and cannot be accounted for is found out
//! too late. It is never written over, and it is written once: an empty receipt is that of a run that was killed.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::document::VerdictWord;
use super::exit::{Exit, Failure};
use super::gate::Judged;
use super::state::Chosen;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::{Code, Group, Severity};
use crate::base::ids::{HostName, RegionName};
use crate::host::keychain::{BackendKind, KeychainPath};
use crate::host::owned_files;
use crate::host::run_id::RunId;
use crate::host::session::{Ending, SessionReport};
use crate::host::state_dir::StateDir;

/// A receipt that has its place and is not written yet.
pub(super) struct Receipt {
    file: File,
    path: PathBuf,
    document: ReceiptDocument,
    /// Why nothing was opened, or what failed.
    pub error: Option<String>,
}

/// The `countersign.receipt.v1` document: what a run did, written whole once at its end.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ReceiptDocument {
    /// Always `countersign.receipt.v1`.
    #[schemars(extend("const" = "countersign.receipt.v1"))]
    schema: &'static str,
    /// The run, as `COUNTERSIGN_RUN_ID` names it: when it began (UTC), and sixteen random hex digits.
    run: RunId,
    /// What the gate said; absent if nothing could be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictWord>,
    /// The codes of the findings that block.
    blocked_by: Vec<Code>,
    /// The groups that were not judged because somebody waived them.
    waived: Vec<Group>,
    /// The manifest that was judged; absent if policy or manifest could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<JudgedManifest>,
    /// The host that ran it.
    host: HostName,
    /// Its region, where the policy knows regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<RegionName>,
    /// The keychain; null if none was chosen.
    keychain: Option<KeychainPath>,
    /// What kind of keychain it is; null if none was chosen.
    backend: Option<BackendKind>,
    /// How long the keychain was open; absent if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// How the session ended; absent if there was none or it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<Ending>,
    /// Why nothing was opened, or what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The exit code of countersign, which is the command's own if that ran to its end, or 128 and the
    /// number of the signal that ended it.
    exit: u8,
    /// Where the audit log stood at the end: `SEQ:sha256:HEX`; absent if it could not be read then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    audit: Option<String>,
}

/// What was judged.
#[derive(Debug, Serialize, JsonSchema)]
struct JudgedManifest {
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    digest: Digest,
    /// Its revision.
    revision: u64,
    /// SHA-256 of its plan, which target is signed by what: `sha256:` and 64 hex digits.
    plan: Digest,
}

/// How long the keychain was open; the instants are RFC 3339 in UTC.
#[derive(Debug, Serialize, JsonSchema)]
struct Window {
    /// When it was open.
    opened: Timestamp,
    /// When it had to be closed.
    until: Timestamp,
    /// When it was closed; absent if closing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Timestamp>,
    /// Locked, and not left to other runs that have it open.
    locked: bool,
}

impl Receipt {
    /// Makes the file: `named`, or one for `run` below `state`.
    pub(super) fn reserve(
        named: Option<&Path>,
        state: &StateDir,
        run: &RunId,
        host: &HostName,
    ) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => {
                owned_files::make_directory(&state.receipts()).map_err(Failure::input)?;
                state.receipt(run)
            }
        };
        let file = owned_files::create_empty(&path).map_err(|error| match error.is_already_there() {
            true => Failure::usage(format!(
                "the receipt {} exists already, and receipts are never written over; nothing was opened",
                path.display()
            )),
            false => Failure::input(format!("no place for the receipt, so nothing was opened: {error}")),
        })?;
        Ok(Self {
            file,
            path,
            document: ReceiptDocument {
                schema: "countersign.receipt.v1",
                run: run.clone(),
                verdict: None,
                blocked_by: Vec::new(),
                waived: Vec::new(),
                manifest: None,
                host: host.clone(),
                region: None,
                keychain: None,
                backend: None,
                window: None,
                ending: None,
                error: None,
                exit: Exit::Unexpected.code(),
                audit: None,
            },
            error: None,
        })
    }

    /// What the gate said.
    pub(super) fn judged(&mut self, judged: &Judged) {
        let judgement = judged.verdict.judgement();
        let document = &mut self.document;
        document.verdict = Some(VerdictWord::of(judged.verdict.cleared().is_some()));
        document.blocked_by = judgement
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Block)
            .map(|finding| finding.code)
            .collect();
        document.waived = judgement.waived.iter().copied().collect();
        document.region = judgement.region.clone();
        document.manifest = judgement.manifest.map(|manifest| JudgedManifest {
            digest: manifest.digest,
            revision: manifest.revision,
            plan: manifest.plan,
        });
    }

    /// Whether a finding with this code blocks.
    pub(super) fn is_blocked_by(&self, code: Code) -> bool {
        self.document.blocked_by.contains(&code)
    }

    /// Which keychain.
    pub(super) fn chosen(&mut self, chosen: &Chosen) {
        self.document.keychain = Some(chosen.path.clone());
        self.document.backend = Some(chosen.choice.kind());
    }

    /// What became of the session.
    pub(super) fn session(&mut self, report: &SessionReport) {
        self.document.window = report.opened.map(|(opened, until)| Window {
            opened,
            until,
            closed: report.closed.map(|(closed, _)| closed),
            locked: report.closed.is_some_and(|(_, is_locked)| is_locked),
        });
        self.document.ending = report.ending;
    }

    /// Writes it, once.
    pub(super) fn write(
        mut self,
        exit: Exit,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), Failure> {
        self.document.error = self.error;
        self.document.exit = exit.code();
        self.document.audit = checkpoint.map(|checkpoint| checkpoint.to_string());
        let mut text = serde_json::to_vec_pretty(&self.document).map_err(Failure::unexpected)?;
        text.push(b'\n');
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            // Nothing rather than a part.
            let _ = self.file.set_len(0);
            Failure::input(format!(
                "cannot write the receipt {}: {error}",
                self.path.display()
            ))
        })
    }
}
