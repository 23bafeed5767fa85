//! What is wrong with an encoding, and where.

use super::tag::Tag;
use crate::base::error::{ErrorCode, Explain};

/// How deep elements may nest: real profiles and certificates reach twelve.
pub const MAX_DEPTH: usize = 40;

/// What is wrong with the encoding, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {problem}")]
pub struct BerError {
    /// Offset from the start of the file (or of the inner layer).
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// The ways in which an encoding can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The data end inside an element's header or contents.
    #[error("the data end here, but {missing} bytes are missing: the file is truncated")]
    Truncated {
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// Another element was due.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What was due.
        expected: &'static str,
        /// What stands there.
        found: Tag,
    },
    /// An element was due and the enclosing one ended.
    #[error("expected {0}, found the end of the enclosing element")]
    Missing(&'static str),
    /// Elements are left over.
    #[error("unexpected data after {0}")]
    Trailing(&'static str),
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A length that no profile needs, or one that the encoding forbids.
    #[error("impossible length")]
    Length,
    /// A tag number beyond 30, or a reserved tag.
    #[error("impossible tag {0:#04x}")]
    Tag(u8),
    /// Contents that do not fit their type.
    #[error("malformed {0}")]
    Malformed(&'static str),
}

impl Explain for BerError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }
}
