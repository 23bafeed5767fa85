//! Events: what the audit log must record, and the checkpoint by which an outsider recognises the log.
//!
//! Every room that has an effect describes it in an [`Event`], and the ledger turns events into records. The two are
//! separate because the rooms that act stand above the ledger and may not use it. They get a [`Witness`] and tell it
//! what they are about to do before they do it. *An action whose record cannot be written does not happen*: that is
//! why [`Witness::record`] can fail, and why callers ask first and act afterwards.
//!
//! Events hold no secrets. Details are short texts that a person chose to write down: paths, digests, names, counts;
//! never a command's arguments, an environment or the output of a tool.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::digest::{Digest, DigestError};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::{HostName, RegionName};
use crate::base::remedy::Remedy;

/// Declares every action once: variant and kebab-case word.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        /// What was done, or was going to be done. Its word is written into the log and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// The word that the log holds.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

actions! {
    /// The gate gave its verdict.
    Gate = "gate";
    /// A keychain was made.
    KeychainCreate = "keychain-create";
    /// Identities were put into a keychain.
    KeychainImport = "keychain-import";
    /// A keychain was opened.
    KeychainUnlock = "keychain-unlock";
    /// A keychain was closed.
    KeychainLock = "keychain-lock";
    /// A keychain was deleted.
    KeychainDestroy = "keychain-destroy";
    /// A run asked the helper that holds the keychain's password for it.
    PasswordServe = "password-serve";
    /// A command ran inside a window.
    Run = "run";
    /// What was judged was looked at again after the command of a run.
    InputsCheck = "inputs-check";
    /// A built product was held against the manifest after the command of a run.
    ProductCheck = "product-check";
    /// The policy's `on_closed` command was run: somebody was told that a job was refused.
    Notify = "notify";
    /// What a dead run left behind was finished.
    Recover = "recover";
    /// A window that should have been closed long before was found, and closed.
    Overdue = "overdue";
    /// An old receipt was removed; the record has its digest and its checkpoint.
    ReceiptRemove = "receipt-remove";
    /// A profile was installed on this machine.
    ProfileInstall = "profile-install";
    /// An installed profile was removed from this machine.
    ProfileRemove = "profile-remove";
    /// A profile was created at App Store Connect.
    PortalProfileCreate = "portal-profile-create";
    /// A certificate was created at App Store Connect.
    PortalCertificateCreate = "portal-certificate-create";
    /// A rotation moved a step.
    Rotate = "rotate";
    /// A custody request was made, approved or refused.
    Custody = "custody";
    /// A private key left its keychain under custody.
    Export = "export";
    /// An envelope was handed on.
    Emit = "emit";
    /// A torn last line of the log itself was set aside.
    AuditRepair = "audit-repair";
    /// The log was cut between two records: what came before this one is a sealed segment.
    AuditSeal = "audit-seal";
    /// The log goes on after a loss, or after its clock was set back: somebody looked at it and decided so.
    AuditResume = "audit-resume";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far an action came.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is about to happen; the record is written before the action.
    Intended,
    /// It was done, and the result was checked.
    Done,
    /// It was not done because something forbids it.
    Refused,
    /// It was tried and did not succeed.
    Failed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Intended => "intended",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

/// One thing that must be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub what: Action,
    /// How far it came.
    pub outcome: Outcome,
    /// The run (`COUNTERSIGN_RUN_ID`) that it belongs to.
    pub run: Option<String>,
    /// Short texts by name; never a secret.
    pub details: BTreeMap<String, String>,
}

impl Event {
    /// An event without details.
    pub fn new(what: Action, outcome: Outcome) -> Self {
        Self {
            what,
            outcome,
            run: None,
            details: BTreeMap::new(),
        }
    }

    /// The run that it belongs to.
    #[must_use]
    pub fn of_run(mut self, run: impl fmt::Display) -> Self {
        self.run = Some(run.to_string());
        self
    }

    /// One more detail; a text longer than 1,024 bytes is cut there and marked with an ellipsis, so that an error
    /// message of any length never keeps an event from being recorded.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl fmt::Display) -> Self {
        let mut value = value.to_string();
        if value.len() > MAX_DETAIL {
            let cut = (0..=MAX_DETAIL)
                .rev()
                .find(|at| value.is_char_boundary(*at));
            value.truncate(cut.unwrap_or_default());
            value.push('…');
        }
        self.details.insert(name.to_owned(), value);
        self
    }
}

/// A place in a log by which the log is recognised from outside: how many records it has had, and the SHA-256 of the
/// last one's bytes. Receipts and envelopes carry one, so that a log which was cut short is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The sequence number of the last record; 0 for a log without records.
    pub seq: u64,
    /// SHA-256 of the last record's line, without its line end; all zeros for a log without records.
    pub head: Digest,
}

impl Checkpoint {
    /// The regular expression of its text (`SEQ:sha256:HEX`), for JSON Schemas.
    pub const PATTERN: &'static str = "^[0-9]+:sha256:[0-9a-f]{64}$";

    /// The checkpoint of a log without records.
    pub const EMPTY: Self = Self {
        seq: 0,
        head: Digest::Sha256([0; 32]),
    };
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.head)
    }
}

/// Why a text is not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not `SEQ:DIGEST`.
    #[error("a checkpoint has the form SEQ:sha256:HEX")]
    Shape,
    /// The second half is not a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Explain for CheckpointError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(Remedy::ShowCheckpoint)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, head) = text.trim().split_once(':').ok_or(CheckpointError::Shape)?;
        let seq = seq.parse().map_err(|_| CheckpointError::Shape)?;
        match head.parse()? {
            head @ Digest::Sha256(_) => Ok(Self { seq, head }),
            Digest::Sha1(_) => Err(CheckpointError::Shape),
        }
    }
}

/// In whose name records are written: the same for a whole process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The account that runs countersign.
    pub who: String,
    /// The machine.
    pub host: HostName,
    /// Its region in the policy's topology.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<RegionName>,
    /// The CI job, as the pipeline names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job: Option<String>,
}

/// Someone who writes events down so that they are still there after a crash.
pub trait Witness {
    /// Remembers `event` durably and says where the log now stands.
    ///
    /// # Errors
    /// It could not be written; then what it announces must not be done.
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError>;

    /// Makes ready what a few more records need, for a moment when the system gives nothing new.
    ///
    /// # Errors
    /// It cannot be had even now.
    fn make_ready(&self) -> Result<(), WitnessError> {
        Ok(())
    }
}

/// An event could not be written down.
#[derive(Debug)]
pub struct WitnessError(Box<dyn Explain + Send + Sync>);

impl WitnessError {
    /// Why.
    pub fn cause(&self) -> &(dyn Explain + Send + Sync) {
        self.0.as_ref()
    }

    /// Because of `cause`.
    pub fn new(cause: impl Explain + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}

impl fmt::Display for WitnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the action cannot be recorded, so it does not begin: {}",
            self.0
        )
    }
}

impl std::error::Error for WitnessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl Explain for WitnessError {
    fn code(&self) -> ErrorCode {
        ErrorCode::NotRecorded
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    fn remedy(&self) -> Option<Remedy> {
        self.0.remedy()
    }

    fn place(&self) -> Place {
        self.0.place()
    }
}

/// Longest detail, in bytes.
const MAX_DETAIL: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_words_are_kebab_case_unique_and_what_serde_writes() {
        let mut words = Vec::new();
        for action in Action::ALL {
            let word = action.as_str();
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert_eq!(serde_json::to_string(action).unwrap(), format!("{word:?}"));
            words.push(word);
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Action::ALL.len());
    }

    #[test]
    fn a_checkpoint_reads_what_it_prints() {
        let checkpoint = Checkpoint {
            seq: 42,
            head: Digest::of(b"line"),
        };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        for bad in [
            "",
            "42",
            "x:sha256:00",
            "1:sha256:00",
            "-1:sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            assert!(bad.parse::<Checkpoint>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_long_detail_is_cut_at_a_character() {
        let event = Event::new(Action::Run, Outcome::Failed).detail("error", "é".repeat(4_000));
        let detail = &event.details["error"];
        assert!(detail.len() <= MAX_DETAIL + 3, "{}", detail.len());
        assert!(detail.ends_with('…'));
    }
}
