//! A tool that is started before it is needed, and waits for its input: when nothing can be started any more, it is there.

use super::child::Running;
use super::error::ProcessError;
use super::tool::{Bounds, Output, Tool};

/// A tool that waits for its input. Dropping it ends it; when this process dies, its input ends.
#[derive(Debug)]
pub struct Standby {
    tool: Tool,
    running: Running,
}

impl Standby {
    /// Starts `tool`, which must do nothing until it reads its standard input, and nothing if that ends at once.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(tool: Tool) -> Result<Self, ProcessError> {
        let running = Running::start(&tool)?;
        Ok(Self { tool, running })
    }

    /// Gives the tool its whole input, waits for its end, and returns what it printed. That needs no process, no thread and
    /// no descriptor.
    ///
    /// # Errors
    /// As [`run`](super::run::run); whenever it returns, the tool has ended.
    pub fn run(mut self, stdin: &[u8], bounds: Bounds) -> Result<Output, ProcessError> {
        self.running.run(&self.tool, stdin, bounds)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::process::exit::Exit;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(20),
        output: 1 << 20,
    };

    #[test]
    fn a_tool_waits_for_its_input() {
        let standby = Standby::start(Tool::new("/bin/cat")).unwrap();
        let output = standby.run(b"input", BOUNDS).unwrap();
        assert_eq!(
            (output.exit, output.stdout.as_slice()),
            (Exit::Code(0), &b"input"[..])
        );
    }

    #[test]
    fn a_tool_that_somebody_ended_or_stopped_meanwhile_is_told() {
        let killed = Standby::start(Tool::new("/bin/sh").args(["-c", "kill -9 $$"])).unwrap();
        let output = killed.run(b"input", BOUNDS).unwrap();
        assert_eq!(output.exit, Exit::Signal(9));
        let stopped = Standby::start(Tool::new("/bin/sh").args(["-c", "kill -STOP $$"])).unwrap();
        let soon = Bounds {
            time: Duration::from_millis(100),
            ..BOUNDS
        };
        let error = stopped.run(b"input", soon).unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
    }
}
