//! The names of the files in the state directory that verbs use.

use std::path::{Path, PathBuf};

use crate::base::digest::sha256;
use crate::host::keychain::{KeptPassword, KeychainPath};
use crate::host::run_id::RunId;

/// The audit log.
pub fn audit_log(state: &Path) -> PathBuf {
    state.join("audit.jsonl")
}

/// The receipt of a run.
pub fn receipt(state: &Path, run: &RunId) -> PathBuf {
    state.join("receipts").join(format!("{run}.json"))
}

/// The kept password of a keychain.
pub fn kept_password(state: &Path, keychain: &KeychainPath) -> KeptPassword {
    let digest = sha256(keychain.as_str().as_bytes());
    let name: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    KeptPassword {
        path: state.join("passwords").join(name),
    }
}
