//! A tool that runs beside us: it can be waited for with a bound, and ended with everything in its process group.

use std::fs::File;
use std::io;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::child::{peek_exit, start};
use super::error::ProcessError;
use super::exit::Exit;
use super::tool::Tool;

/// A tool that runs. Dropping it ends its whole process group.
#[derive(Debug)]
pub struct Background {
    child: Child,
    exit: Option<Exit>,
}

/// How waiting for it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// It ended so.
    Ended(Exit),
    /// It did not end in time, and runs on.
    TimedOut,
    /// Whoever waited was asked to stop, and it runs on.
    Stopped,
}

impl Background {
    /// Starts `tool` without input; what it prints goes into two files.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(tool: &Tool, stdout: File, stderr: File) -> Result<Self, ProcessError> {
        let child = start(tool, Stdio::null(), stdout, stderr)?;
        Ok(Self { child, exit: None })
    }

    /// Waits for its end, at most for `time`, and gives up as soon as `stop` says so.
    ///
    /// # Errors
    /// The system does not say how it ended.
    pub fn wait(&mut self, time: Duration, stop: &dyn Fn() -> bool) -> io::Result<Waited> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(exit) = self.ended()? {
                return Ok(Waited::Ended(exit));
            }
            if stop() {
                return Ok(Waited::Stopped);
            }
            if start.elapsed() >= time {
                return Ok(Waited::TimedOut);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(25));
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> io::Result<Option<Exit>> {
        if self.exit.is_none() && peek_exit(&self.child)?.is_some() {
            self.exit = Some(Exit::of(self.child.wait()?));
        }
        Ok(self.exit)
    }

    /// Stops it where it is (SIGSTOP): it does nothing more, and is not gone.
    pub fn pause(&self) {
        if self.exit.is_none() {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::STOP);
        }
    }

    /// Ends its process group with SIGKILL, as the system does when memory runs out: nothing in it can do anything about it.
    ///
    /// # Errors
    /// The system does not say how it ended.
    pub fn kill(&mut self) -> io::Result<Exit> {
        if let Some(exit) = self.exit {
            return Ok(exit);
        }
        // Until it is reaped its id cannot be given to another process, so this reaches its group and no other.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let exit = Exit::of(self.child.wait()?);
        self.exit = Some(exit);
        Ok(exit)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Background {
        let tool = Tool::new("/bin/sh").arg("-c").arg(script);
        let file = || tempfile::tempfile().unwrap();
        Background::start(&tool, file(), file()).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn its_end_is_told_as_often_as_somebody_asks() {
        let mut ended = sh("exit 7");
        let seven = Waited::Ended(Exit::Code(7));
        assert_eq!(ended.wait(LONG, &|| false).unwrap(), seven);
        assert_eq!(ended.wait(LONG, &|| true).unwrap(), seven);
        assert_eq!(ended.kill().unwrap(), Exit::Code(7));
    }

    #[test]
    fn nobody_waits_longer_than_they_want_to() {
        let mut hangs = sh("sleep 600 & wait");
        let waited = hangs.wait(Duration::ZERO, &|| false).unwrap();
        assert_eq!(waited, Waited::TimedOut);
        assert_eq!(hangs.wait(LONG, &|| true).unwrap(), Waited::Stopped);
        assert_eq!(hangs.ended().unwrap(), None);
        assert_eq!(hangs.kill().unwrap(), Exit::Signal(9));
    }
}
