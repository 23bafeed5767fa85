//! Why a step did not pass.

use super::document::StepResult;

/// Why a step did not pass.
#[derive(Debug)]
pub(super) struct Fault {
    /// How it went.
    pub(super) result: StepResult,
    /// Why, for people.
    pub(super) why: String,
}

impl Fault {
    /// What the step claims is not so. That something did not end in time is told apart: whoever stopped it says so.
    pub(super) fn failed(why: impl ToString) -> Self {
        let why = why.to_string();
        let result = match why.contains(IN_TIME) {
            true => StepResult::Hung,
            false => StepResult::Failed,
        };
        Self { result, why }
    }

    /// Somebody asked the suite to stop.
    pub(super) fn stopped() -> Self {
        Self {
            result: StepResult::NotRun,
            why: "a signal asked the suite to stop".to_owned(),
        }
    }
}

/// What every error says of a tool that was stopped because it took too long (`host::process::ProcessError::TimedOut`).
const IN_TIME: &str = "did not end within";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::process::ProcessError;

    #[test]
    fn a_tool_that_was_stopped_hung() {
        let error = ProcessError::TimedOut {
            tool: "security -i".to_owned(),
            time: Duration::from_secs(30),
        };
        assert_eq!(Fault::failed(error).result, StepResult::Hung);
        assert_eq!(Fault::failed("it ended with 1").result, StepResult::Failed);
    }
}
