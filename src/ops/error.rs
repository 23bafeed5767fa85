//! Why a verb gives no answer.
//!
//! An [`Error`] is what any of the library's errors becomes on its way out: its code, what happened, what to do and
//! where. A [`Failure`] is an error, or the findings that stop a verb before it begins: a policy that cannot be used
//! gives findings in every verb that needs it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Finding, Place, Severity};
use crate::base::remedy::Remedy;
use crate::host::files::Input;
use crate::host::keychain::{BackendKind, KeychainPath};

/// What a killed run left, so that exactly that can be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryTarget {
    /// The state directory that knows of it.
    pub state: PathBuf,
    /// The keychain that may still be open; `None` if only a record is missing.
    pub keychain: Option<(KeychainPath, BackendKind)>,
}

/// We could not look, or could not act.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    remedy: Option<Remedy>,
    recovery: Option<RecoveryTarget>,
    place: Place,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error that no error of another room stands behind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            message: message.into(),
            hint: None,
            remedy: None,
            recovery: None,
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

    /// A killed run left something: how to finish it.
    #[must_use]
    pub fn recover(mut self, target: RecoveryTarget) -> Self {
        self.0.recovery = Some(target);
        self
    }

    /// The same as another kind of error.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// The same with words before the message, which a colon follows.
    #[must_use]
    pub fn preceded_by(mut self, words: &str) -> Self {
        self.0.message = format!("{words}: {}", self.0.message);
        self
    }

    /// What is wrong with what was read from `input`, named with it.
    pub fn of_input(cause: impl Explain + Send + Sync + 'static, input: &Input) -> Self {
        let error = Self::from(cause).preceded_by(&input.to_string());
        match input {
            Input::File(path) => error.in_file(path),
            Input::StandardInput => error,
        }
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

    /// What a killed run left, if that is what is wrong.
    pub fn recovery(&self) -> Option<&RecoveryTarget> {
        self.0.recovery.as_ref()
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
        Self(Box::new(Parts {
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            remedy: error.remedy(),
            recovery: None,
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

/// The error, or the codes of the findings that block.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Blocked(findings) => {
                let codes: Vec<&str> = findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Block)
                    .map(|finding| finding.code.as_str())
                    .collect();
                write!(f, "blocked by {}", codes.join(", "))
            }
        }
    }
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
