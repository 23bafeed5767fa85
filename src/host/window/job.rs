//! The job: the command that runs inside a window.
//!
//! It gets our standard output and error, the environment that it is given and a process group of its own, so that a
//! signal reaches its grandchildren too, and so that what is left of it can be ended when the window closes. Its input is
//! ours unless a password came in there, which it could read again, or it is a terminal: a process in a background group that reads a terminal is stopped by the kernel, and a
//! build that hangs because it waits to be asked something is exactly what must not happen while a keychain is open.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::unlock::UnlockWindow;
use crate::host::process::{
    Ending, Exit, Presence, ProcessError, ProcessGroup, Tool, peek_exit, start,
};

/// A command to run inside a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCommand {
    /// The program, found (an absolute path, or one relative to the working directory).
    pub program: PathBuf,
    /// Its arguments. They are the caller's; nothing here records them.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// It may read our standard input: no password came in there.
    pub has_input: bool,
}

/// A job that runs. Dropping it ends its whole process group.
#[derive(Debug)]
pub struct Job {
    child: Child,
    group: Option<ProcessGroup>,
    reaped: bool,
}

impl Job {
    /// Starts `command` inside of an open window.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(_window: &UnlockWindow<'_>, command: &JobCommand) -> Result<Self, ProcessError> {
        let tool = Tool::new(&command.program)
            .args(&command.arguments)
            .envs(&command.environment);
        let stdin = if command.has_input && !io::stdin().is_terminal() {
            Stdio::inherit()
        } else {
            Stdio::null()
        };
        let child = start(&tool, stdin, Stdio::inherit(), Stdio::inherit())?;
        let group = ProcessGroup::of(Pid::from_child(&child));
        Ok(Self {
            child,
            group,
            reaped: false,
        })
    }

    /// Its process group, for the watchdog and for a recovery, if they could recognise it.
    pub fn group(&self) -> Option<&ProcessGroup> {
        self.group.as_ref()
    }

    /// How the command ended, if it has; its group may have other members still.
    ///
    /// # Errors
    /// The system does not say.
    pub fn exited(&self) -> io::Result<Option<Exit>> {
        peek_exit(&self.child)
    }

    /// Sends `signal` to the whole group. Whoever is stopped is made to go on, so that the signal is heard.
    pub fn signal(&self, signal: Signal) {
        self.send(signal);
        self.send(Signal::CONT);
    }

    fn send(&self, signal: Signal) {
        // The child has not been reaped, so the id is its own; an error means that nobody is left to be told.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// Asks whatever is left of the group to end; what does not within `patience` is ended as the result is driven on.
    pub fn begin_to_end(&self, patience: Duration) -> Ending<'_> {
        Ending::begin(
            patience,
            Box::new(|signal| self.send(signal)),
            // Whoever cannot be looked at may be there.
            Box::new(|| {
                let group = self.group.as_ref();
                group.is_none_or(|group| group.presence() != Presence::Gone)
            }),
        )
    }

    /// Reaps the command, and ends it if it has not ended: after this the group may be gone.
    ///
    /// # Errors
    /// The system does not say how it ended.
    pub fn reap(mut self) -> io::Result<Exit> {
        if self.exited()?.is_none() {
            self.send(Signal::KILL);
        }
        self.reaped = true;
        self.child.wait().map(Exit::of)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.reaped {
            self.send(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}
