//! What a journal says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::keychain::{BackendKind, KeychainPath};
use crate::host::run_id::RunId;

/// What a run is about to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The run.
    pub run: RunId,
    /// The keychain that it opens.
    pub keychain: KeychainPath,
    /// Of which kind it is.
    pub backend: BackendKind,
    /// When the window ends.
    pub until: Timestamp,
}

/// A journal that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundJournal {
    /// What it says.
    pub entry: JournalEntry,
    /// The keychain has been closed; only the record is missing.
    pub is_closed: bool,
    /// The run or its watchdog lives.
    pub is_alive: bool,
}
