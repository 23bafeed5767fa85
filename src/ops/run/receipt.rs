//! The receipt of a run: what was judged, what was opened for how long, and how it ended.
//!
//! Its file is made before anything is opened, because a build that succeeded and cannot be accounted for is found out
//! too late. It is never written over, and it is written once: an empty receipt is that of a run that was killed.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::event::Checkpoint;
use crate::base::finding::{self, Code, Finding, Group, Severity};
use crate::base::ids::{HostName, RegionName};
use crate::context::gate::Verdict;
use crate::context::gate::facts::{Evidence, TrustAnchor};
use crate::host::keychain::{BackendKind, KeychainPath, PasswordSource};
use crate::host::owned_files::{OwnedFileError, ReservedFile};
use crate::host::process::Straggler;
use crate::host::run_id::RunId;
use crate::host::session::{Ending, SessionReport};
use crate::host::state_dir::StateDir;
use crate::ops::error::{Error, Failure};
use crate::ops::gate::document::EnvelopeDocument;
use crate::ops::keychain::selected::SelectedKeychain;
use crate::ops::product::ProductDocument;
use crate::ops::report::{PolicyName, VerdictWord, shown_paths};

/// A receipt that has its place and is not written yet.
pub(super) struct Receipt {
    file: ReservedFile,
    document: ReceiptDocument,
}

/// The `countersign.receipt.v1` document: what a run did, written whole once at its end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReceiptDocument {
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
    /// The codes of the findings that warn.
    warnings: Vec<Code>,
    /// The policy that was judged by; absent if there is none or it could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyName>,
    /// The manifest that was judged; absent if policy or manifest could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<JudgedManifest>,
    /// The directories of installed profiles that were looked at, in their order, with their links resolved.
    profile_directories: Vec<String>,
    /// The roots that are believed besides Apple's because the policy names them; the certificates' owners choose the names.
    trust_anchors: Vec<TrustAnchor>,
    /// What became of the envelope; absent if none was asked for, or if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<EnvelopeDocument>,
    /// The host that ran it.
    host: HostName,
    /// What the kernel and the loader say of the process that judged; absent if nothing could be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    /// Its region, if the policy names regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<RegionName>,
    /// The keychain; null if none was chosen.
    keychain: Option<KeychainPath>,
    /// What kind of keychain it is; null if none was chosen.
    backend: Option<BackendKind>,
    /// Where the keychain's password came from; absent if none was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_source: Option<PasswordSource>,
    /// What that way does not protect from, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_limits: Option<&'static str>,
    /// How long the keychain was open; absent if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// How the session ended; absent if there was none or it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<Ending>,
    /// Whether what was judged is still the same after the keychain was closed; absent if it was never open.
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Inputs>,
    /// The products that were held against the manifest after the command; absent if none was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<BuiltProduct>,
    /// What the command left running outside of its process group.
    stragglers: Vec<Straggler>,
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

/// A product that the command built.
#[derive(Debug, Serialize, JsonSchema)]
struct BuiltProduct {
    /// Its path, as somebody wrote it.
    path: String,
    /// Whether it is what was planned and pinned.
    verdict: VerdictWord,
    /// Its digest: of a folder as docs/evidence.md defines it, of one file its SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// The codes of the findings about the products that block.
    blocked_by: Vec<Code>,
}

/// What became of what was judged.
#[derive(Debug, Serialize, JsonSchema)]
struct Inputs {
    /// `unchanged`, or `changed`.
    state: InputsState,
    /// What changed: a finding `inputs-changed` for each file.
    changes: Vec<Finding>,
}

/// Whether what was judged is still the same.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum InputsState {
    /// Everything that was looked at again is as it was judged.
    Unchanged,
    /// Something is not.
    Changed,
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
    ///
    /// # Errors
    /// The file is there already, or cannot be made.
    pub(super) fn reserve(
        named: Option<&Path>,
        state: &StateDir,
        run: &RunId,
        host: &HostName,
    ) -> Result<Self, Error> {
        let default = state.receipt(run);
        let path = named.unwrap_or(&default);
        let reserved = match named {
            Some(path) => ReservedFile::new(path),
            None => ReservedFile::in_own_directory(path),
        };
        Ok(Self {
            file: reserved.map_err(|error| no_place(path, &error))?,
            document: ReceiptDocument {
                schema: "countersign.receipt.v1",
                run: run.clone(),
                verdict: None,
                blocked_by: Vec::new(),
                waived: Vec::new(),
                warnings: Vec::new(),
                policy: None,
                manifest: None,
                profile_directories: Vec::new(),
                trust_anchors: Vec::new(),
                envelope: None,
                host: host.clone(),
                evidence: None,
                region: None,
                keychain: None,
                backend: None,
                password_source: None,
                password_limits: None,
                window: None,
                ending: None,
                inputs: None,
                products: Vec::new(),
                stragglers: Vec::new(),
                error: None,
                exit: 0,
                audit: None,
            },
        })
    }

    /// Where it is written.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Adds what the gate says.
    pub(super) fn judged(&mut self, verdict: &Verdict) {
        let judgement = verdict.judgement();
        let document = &mut self.document;
        document.verdict = Some(VerdictWord::of(verdict.cleared().is_some()));
        document.blocked_by = judgement
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Block)
            .map(|finding| finding.code)
            .collect();
        document.warnings = judgement.codes(Severity::Warn);
        document.policy = judgement.policy.map(PolicyName::from);
        document.profile_directories = shown_paths(&judgement.profile_directories);
        document.trust_anchors = judgement.trust_anchors.clone();
        document.waived = judgement.waived.iter().copied().collect();
        document.region = judgement.region.clone();
        document.evidence = Some(judgement.evidence.clone());
        document.manifest = judgement.manifest.map(|manifest| JudgedManifest {
            digest: manifest.digest,
            revision: manifest.revision,
            plan: manifest.plan,
        });
    }

    /// Adds what became of the envelope.
    pub(super) fn handed_on(&mut self, envelope: EnvelopeDocument) {
        self.document.envelope = Some(envelope);
    }

    /// Takes back what it says of the envelope.
    pub(super) fn withdrawn(&mut self) {
        self.document.envelope = None;
    }

    /// Adds which keychain it is.
    pub(super) fn selected(&mut self, selected: &SelectedKeychain) {
        self.document.keychain = Some(selected.path.clone());
        self.document.backend = Some(selected.backend.kind());
    }

    /// Adds where its password came from.
    pub(super) fn obtained(&mut self, source: PasswordSource) {
        self.document.password_source = Some(source);
        self.document.password_limits = Some(source.limits());
    }

    /// Adds what became of the session.
    pub(super) fn session(&mut self, report: &SessionReport) {
        self.document.window = report.opened.map(|(opened, until)| Window {
            opened,
            until,
            closed: report.closed.map(|(closed, _)| closed),
            locked: report.closed.is_some_and(|(_, is_locked)| is_locked),
        });
        self.document.ending = report.ending;
        self.document.stragglers = report.stragglers.clone();
    }

    /// Adds what was judged and is another now.
    pub(super) fn inputs(&mut self, changes: &[Finding]) {
        self.document.inputs = Some(Inputs {
            state: match changes.is_empty() {
                true => InputsState::Unchanged,
                false => InputsState::Changed,
            },
            changes: changes.to_vec(),
        });
    }

    /// Adds what became of a product that the command built.
    pub(super) fn product(&mut self, checked: &ProductDocument) {
        let blocking = checked.findings.iter().filter(|it| finding::blocks(it));
        let mut codes: Vec<Code> = blocking.map(|finding| finding.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let products = checked.products.iter().map(|product| BuiltProduct {
            path: product.path.clone(),
            verdict: checked.verdict,
            digest: product.digest,
            blocked_by: codes.clone(),
        });
        self.document.products.extend(products);
    }

    /// Writes it, once: with the exit code, with what failed, and with where the audit log stands.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(
        self,
        exit: u8,
        failure: Option<&Failure>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), Error> {
        let document = ReceiptDocument {
            exit,
            error: failure.map(ToString::to_string),
            audit: checkpoint.map(|checkpoint| checkpoint.to_string()),
            ..self.document
        };
        let mut text = serde_json::to_vec_pretty(&document).map_err(Error::unexpected)?;
        text.push(b'\n');
        self.file.write(&text).map_err(|error| {
            let message = format!("the receipt cannot be written: {error}");
            Error::new(ErrorCode::OutputNotWritten, message)
        })
    }
}

fn no_place(path: &Path, error: &OwnedFileError) -> Error {
    match error.is_already_there() {
        true => {
            let message = format!(
                "the receipt {} exists already and is not overwritten; nothing was opened",
                path.display()
            );
            Error::new(ErrorCode::Usage, message).hint("name a file that does not exist")
        }
        false => {
            let message = format!("the receipt cannot be created, so nothing was opened: {error}");
            Error::new(ErrorCode::OutputNotWritten, message)
        }
    }
    .in_file(path)
}
