//! The versions of match's container.

use std::fmt;

/// The version of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// AES-256-CBC without integrity, as `openssl enc` does it.
    V1,
    /// AES-256-GCM.
    V2,
}

/// `version 1`
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "version 1",
            Self::V2 => "version 2",
        })
    }
}
