//! How a command ends that has no answer: the one place where an error's code becomes an exit code, and an error is shown.

use std::io::{self, Write as _};

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::exit::Exit;
use super::format::Format;
use super::github;
use super::remedies;
use super::report;
use super::stream::Stream;
use super::terminal::Terminal;
use crate::base::error::{ErrorArea, ErrorCode};
use crate::base::finding::{Place, Severity};
use crate::base::plain::{Escaped, plain};
use crate::ops::error::{Error, Failure};
use crate::ops::report::FindingsDocument;

/// The `countersign.error.v2` document. With `--format json` it is one line on standard error, if a command has no result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorDocument<'a> {
    /// Always `countersign.error.v2`.
    #[schemars(extend("const" = "countersign.error.v2"))]
    pub schema: &'static str,
    /// The exit code, as `countersign help exit-codes` lists them.
    pub exit: u8,
    /// What kind of error it is; `docs/errors.md` has a heading for each.
    pub code: ErrorCode,
    /// What happened, for people.
    pub message: &'a str,
    /// What to do, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Place::is_empty")]
    pub place: &'a Place,
}

impl Exit {
    /// How the program ends with an error of this code.
    pub fn of_error(code: ErrorCode) -> Self {
        match code.area() {
            ErrorArea::Usage => Self::Usage,
            ErrorArea::Files => Self::Input,
            ErrorArea::Keychain => Self::Keychain,
            ErrorArea::Command => Self::Child(CANNOT_EXECUTE),
            ErrorArea::Defect => Self::Unexpected,
        }
    }

    /// How the program ends with a verdict, where a file that could not even be read is an error rather than a verdict.
    pub fn of_verdict(is_cleared: bool, has_unread: bool) -> Self {
        match (has_unread, is_cleared) {
            (true, _) => Self::Input,
            (false, true) => Self::Fine,
            (false, false) => Self::Blocked,
        }
    }

    /// How the program ends with a failure.
    pub fn of_failure(failure: &Failure) -> Self {
        match failure {
            Failure::Error(error) => Self::of_error(error.code()),
            Failure::Blocked(_) => Self::Blocked,
        }
    }
}

/// Shows why there is no answer, and says how the program ends.
///
/// # Errors
/// There is nobody to show it to.
pub fn print(failure: Failure, terminal: &Terminal) -> io::Result<Exit> {
    match failure {
        Failure::Error(error) => {
            print_error(&error, terminal)?;
            Ok(Exit::of_error(error.code()))
        }
        Failure::Blocked(findings) => {
            let document = FindingsDocument::from(findings);
            Answer::report("countersign", document, |document, out, terminal| {
                report::blocked(out, &document.head, &document.findings, terminal)
            })
            .print(terminal)
        }
    }
}

/// Shows an error on standard error.
///
/// # Errors
/// Standard error is closed.
pub fn print_error(error: &Error, terminal: &Terminal) -> io::Result<()> {
    let hint = remedies::of_error(error);
    let mut err = Vec::new();
    match terminal.format {
        Format::Json => {
            let document = ErrorDocument {
                schema: "countersign.error.v2",
                exit: Exit::of_error(error.code()).code(),
                code: error.code(),
                message: error.message(),
                hint,
                place: error.place(),
            };
            serde_json::to_writer(Escaped(&mut err), &document)?;
            err.push(b'\n');
        }
        Format::Github => {
            let mut message = error.message().to_owned();
            if let Some(hint) = hint {
                message.push_str(&format!("\ndo: {hint}"));
            }
            let place = terminal.checkout.place_of_error(error.place());
            github::error(&mut err, error.code().as_str(), &place, &message)?;
            // The error may be that of the summary.
            github::summarize_error(terminal, error.code().as_str(), &message).unwrap_or_default();
        }
        Format::Human | Format::Gitlab | Format::Junit => {
            let style = report::style(Severity::Block);
            writeln!(err, "{style}error:{style:#} {}", plain(error.message()))?;
            if let Some(hint) = hint {
                report::paragraph(&mut err, "do        ", &hint, terminal.width)?;
            }
        }
    }
    Stream::Error.write_text(&err)
}

/// What shells give for a command that is there and cannot be started (POSIX, `sh`, 2.8.2).
const CANNOT_EXECUTE: u8 = 126;
