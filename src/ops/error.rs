//! Why a verb gives no answer.
//!
//! An [`Error`] is what any of the library's errors becomes on its way out: its code, what happened, what to do and where.
//! A [`Failure`] is an error, or the findings without which nothing could be looked at: a policy that cannot be used is a
//! matter of findings, whichever verb needs it.

use std::fmt;
use std::path::Path;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Finding, Place};
use crate::base::remedy::Remedy;

/// We could not look, or could not act.
#[derive(Debug)]
pub struct Error(Box<Content>);

#[derive(Debug)]
struct Content {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    remedy: Option<Remedy>,
    place: Place,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error that no error of another room stands behind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Content {
            code,
            message: message.into(),
            hint: None,
            remedy: None,
            place: Place::default(),
            source: None,
        }))
    }

    /// A defect of this program.
    pub fn unexpected(cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Unexpected, cause.to_string())
    }

    /// What to do, as an imperative.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The step of countersign that mends it.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.0.remedy = Some(remedy);
        self
    }

    /// The file that it speaks of.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.0.place.file = Some(path.display().to_string());
        self
    }

    /// The line in that file, from 1.
    #[must_use]
    pub fn at_line(mut self, line: Option<u64>) -> Self {
        self.0.place.line = line;
        self
    }

    /// What kind of error it is.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do, and the step of countersign that does it.
    pub fn advice(&self) -> (Option<&str>, Option<Remedy>) {
        (self.0.hint.as_deref(), self.0.remedy)
    }

    /// Where.
    pub fn place(&self) -> &Place {
        &self.0.place
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl<E: Explain + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(Content {
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            remedy: error.remedy(),
            place: error.place(),
            source: Some(Box::new(error)),
        }))
    }
}

/// Why a verb gives no answer.
#[derive(Debug)]
pub enum Failure {
    /// We could not look, or could not act.
    Error(Error),
    /// What must be right before anything can be looked at is not. At least one finding blocks.
    Blocked(Vec<Finding>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl<E: Explain + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Error::from(error).into()
    }
}
