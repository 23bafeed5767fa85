//! Why a text is no property list.

/// How deep values may nest: real projects reach six.
pub const MAX_DEPTH: usize = 48;

/// How many values a text may hold, however few bytes they take: the largest known project has 12 MB and a value in every 46
/// bytes, which is an eighth of it.
pub const MAX_VALUES: usize = 2_000_000;

/// Why a text is no property list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: u64,
    /// The byte offset.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl Problem {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ConflictMarker { .. } => "resolve the conflict",
            Self::Unclosed { .. } => {
                "restore the whole file from version control: it is truncated, or a closing character is missing"
            }
            _ => "restore the file from a revision that Xcode opens",
        }
    }
}

/// What can be wrong with a property list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The marker of an unresolved merge stands at the start of a line.
    #[error("an unresolved merge conflict ({marker})")]
    ConflictMarker {
        /// The marker, seven characters.
        marker: &'static str,
    },
    /// The text ends inside of something: it is truncated, or a closing character is missing.
    #[error("the file ends here, but the {opened} opened on line {opened_line} is not closed")]
    Unclosed {
        /// What is not closed.
        opened: &'static str,
        /// The line on which it was opened, from 1.
        opened_line: u64,
    },
    /// Another character than the grammar has here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// Data with something else than pairs of hex digits.
    #[error("data (<…>) holds pairs of hex digits only")]
    BadData,
    /// Deeper nesting than any honest file has.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_VALUES`]: values of a few bytes each would take a hundred times the file's size in memory.
    #[error("it holds more than {MAX_VALUES} values")]
    TooMany,
    /// Larger than positions can express.
    #[error("the file is larger than 4 GB")]
    TooLarge,
    /// The file begins as XML but is no XML property list.
    #[error("not an XML property list: {0}")]
    Xml(String),
}
