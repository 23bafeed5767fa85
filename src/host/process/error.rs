//! Why a tool could not be run to its end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    #[error("`{tool}` did not end within {} s and was stopped; if it waits for a dialog that nobody sees, this is a session with graphics: log in there once, or run from a session without", time.as_secs())]
    TimedOut {
        /// What was run.
        tool: String,
        /// The bound.
        time: Duration,
    },
    /// It printed more than any right answer has, and was ended.
    #[error("`{tool}` printed more than {limit} bytes and was stopped: is {program} what it should be?", program = program.display())]
    TooMuchOutput {
        /// What was run.
        tool: String,
        /// The program.
        program: PathBuf,
        /// The bound.
        limit: usize,
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
