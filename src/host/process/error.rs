//! Why a tool could not be run to its end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

/// Why a tool could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}: {source}", program = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It ran for too long and was ended, with everything it had started.
    #[error("`{tool}` did not end within {} s and was stopped", time.as_secs())]
    TimedOut {
        /// What was run.
        tool: String,
        /// The bound.
        time: Duration,
    },
    /// It printed more than any right answer has, and was ended.
    #[error("`{tool}` printed more than {limit} bytes and was stopped")]
    TooMuchOutput {
        /// What was run.
        tool: String,
        /// The program.
        program: PathBuf,
        /// The bound.
        limit: usize,
    },
    /// Nobody could have told that it runs, had we been killed; it was ended before it was told anything.
    #[error("`{tool}` cannot be recorded while it runs, so it was not run: {source}")]
    NotRecorded {
        /// What was to be run.
        tool: String,
        /// Why.
        source: io::Error,
    },
    /// The system failed us while it ran; it was ended.
    #[error("lost `{tool}` while it ran: {source}")]
    Lost {
        /// What was run.
        tool: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl Explain for ProcessError {
    fn code(&self) -> ErrorCode {
        ErrorCode::SessionUnguarded
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start { program, .. } => Some(format!(
                "check that {} exists and is executable",
                program.display()
            )),
            Self::TimedOut { .. } => Some(
                "log in to the graphical session once, or run from a session without graphics: it may wait for a hidden \
                 dialog"
                    .into(),
            ),
            Self::TooMuchOutput { program, .. } => {
                Some(format!("check that {} is the right program", program.display()))
            }
            Self::NotRecorded { .. } | Self::Lost { .. } => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Start { program, .. } | Self::TooMuchOutput { program, .. } => {
                Place::file(program)
            }
            Self::TimedOut { .. } | Self::NotRecorded { .. } | Self::Lost { .. } => {
                Place::default()
            }
        }
    }
}
