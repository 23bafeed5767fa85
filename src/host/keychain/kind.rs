//! Which kinds of keychains there are, and what state one is in.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which backend a keychain needs; written into journals, so that a recovery knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    /// A macOS keychain.
    #[serde(rename = "macos")]
    MacOs,
    /// A PKCS#12 file.
    Portable,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MacOs => "macos",
            Self::Portable => "portable",
        })
    }
}

/// Whether a keychain is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockState {
    /// There is none.
    Missing,
    /// Closed.
    Locked,
    /// Open: its keys can sign.
    Unlocked,
}

impl fmt::Display for LockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "missing",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
        })
    }
}
