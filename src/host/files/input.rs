//! What is read from a file or from standard input, as somebody says.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::read::{ReadError, read_bounded, read_stream_bounded};

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A regular file.
    File(PathBuf),
    /// Standard input, to its end. It can be read once.
    StandardInput,
}

impl Input {
    /// Reads it whole, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// It is larger or cannot be read.
    pub fn read(&self, limit: usize) -> Result<Vec<u8>, ReadError> {
        match self {
            Self::File(path) => read_bounded(path, limit),
            Self::StandardInput => {
                read_stream_bounded(io::stdin().lock(), &self.to_string(), limit)
            }
        }
    }
}

/// The file's path, or `standard input`.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}
