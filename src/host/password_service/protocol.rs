//! What is said between a run and the helper that holds the password: three lines of JSON.
//!
//! ```text
//! server → client   Terms       once the other end is admitted
//! client → server   Question    once the gate has cleared the run by those terms
//! server → client   Answer      and the connection ends
//! ```

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::secret::Password;
use crate::host::keychain::BackendKind;
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// What the password is given for, and by what the gate judges; nothing of it is secret, and the client chooses none of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The keychain that the password opens; the server may not be able to look at it.
    pub keychain: PathBuf,
    /// Its kind.
    pub backend: BackendKind,
    /// The policy by which the gate judges.
    pub policy: PathBuf,
    /// The manifest by which the gate judges.
    pub manifest: PathBuf,
    /// The state directory of the runs.
    pub state: StateDir,
    /// The home directory of their user.
    pub home: PathBuf,
}

/// What a run says of itself when it asks for the password: the server records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The run.
    pub run: RunId,
    /// The digest of the policy that the gate judged by.
    pub policy: Digest,
    /// The digest of the manifest that it judged.
    pub manifest: Digest,
    /// The digest of its plan.
    pub plan: Digest,
    /// The last instant of the clearance.
    pub cleared_until: Timestamp,
}

/// What the server answers. It has no `Debug`: it may hold the password.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// The password.
    Password(String),
    /// Why there is none.
    Refused(String),
}

impl Answer {
    /// The answer that gives the password away.
    pub(super) fn giving(password: &Password) -> Self {
        Self::Password(password.expose().to_owned())
    }
}
