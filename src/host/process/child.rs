//! A child process: started, talked to through its three pipes, ended with everything that it started.

use std::io::{self, Read, Write};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::ProcessError;
use super::exit::Exit;
use super::poll::{do_not_block, wait_for};
use super::tool::{Bounds, Output, Tool};

/// Runs `tool` to its end as [`run`](super::run::run) does. What `started` makes of the child lives as long as the tool
/// runs.
pub(super) fn run_while<T>(
    tool: &Tool,
    stdin: &[u8],
    bounds: Bounds,
    started: impl FnOnce(&Child) -> io::Result<T>,
) -> Result<Output, ProcessError> {
    let mut running = Running::start(tool)?;
    // It has read nothing yet: whatever it is told to do, it is told after this.
    let _lives_with_it = started(&running.child).map_err(|source| ProcessError::NotRecorded {
        tool: tool.to_string(),
        source,
    })?;
    running.run(tool, stdin, bounds)
}

/// Starts `tool` with the given standard streams and leaves it running, in a process group of its own.
///
/// # Errors
/// It could not be started.
pub fn start(
    tool: &Tool,
    stdin: impl Into<Stdio>,
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
) -> Result<Child, ProcessError> {
    tool.command()
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .map_err(|source| ProcessError::Start {
            program: tool.program().to_owned(),
            source,
        })
}

/// Makes the system keep how children ended until it is asked: the program that started us may have SIGCHLD ignored, and
/// then the system forgets it.
///
/// # Errors
/// The system refuses.
pub fn keep_exit_statuses() -> io::Result<()> {
    // A handler that sets a flag nobody reads.
    signal_hook::flag::register(Signal::CHILD.as_raw(), Arc::default()).map(drop)
}

/// Makes a file that may not become longer (`ulimit -f`) an error of its writer, and not the end of this process.
///
/// # Errors
/// The system refuses.
pub fn survive_file_limit() -> io::Result<()> {
    // A handler that sets a flag nobody reads.
    signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default()).map(drop)
}

/// How `child` ended, if it has; it is left to be reaped, so its id (and its group's) still means it and nothing else.
pub(in crate::host) fn peek_exit(child: &Child) -> io::Result<Option<Exit>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = loop {
        match waitid(WaitId::Pid(Pid::from_child(child)), options) {
            Ok(status) => break status,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    Ok(status.map(
        |status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Code(-1),
        },
    ))
}

/// Whether `child` has ended, or was stopped and does nothing until somebody lets it go on. It is left to be reaped.
pub(in crate::host) fn has_ended_or_stopped(child: &Child) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED
        | WaitIdOptions::STOPPED
        | WaitIdOptions::NOHANG
        | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(Pid::from_child(child)), options) {
            Ok(status) => return Ok(status.is_some()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A child; dropping it ends its whole group.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

enum Stop {
    TimedOut,
    TooMuchOutput,
    Lost(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Lost(error.into())
    }
}

impl Running {
    /// Starts a tool, which waits for its input.
    pub(super) fn start(tool: &Tool) -> Result<Self, ProcessError> {
        let child = start(tool, Stdio::piped(), Stdio::piped(), Stdio::piped())?;
        Ok(Self { child })
    }

    /// Gives it its whole input, and waits for its end.
    pub(super) fn run(
        &mut self,
        tool: &Tool,
        stdin: &[u8],
        bounds: Bounds,
    ) -> Result<Output, ProcessError> {
        self.communicate(stdin, bounds).map_err(|stop| match stop {
            Stop::TimedOut => ProcessError::TimedOut {
                tool: tool.to_string(),
                time: bounds.time,
            },
            Stop::TooMuchOutput => ProcessError::TooMuchOutput {
                tool: tool.to_string(),
                program: tool.program().to_owned(),
                limit: bounds.output,
            },
            Stop::Lost(source) => ProcessError::Lost {
                tool: tool.to_string(),
                source,
            },
        })
    }

    /// One thread, three pipes: writes and reads as far as the tool allows, until it has ended and its pipes are empty.
    fn communicate(&mut self, mut input: &[u8], bounds: Bounds) -> Result<Output, Stop> {
        let start = Instant::now();
        let mut stdin = self.child.stdin.take();
        let mut stdout = self.child.stdout.take();
        let mut stderr = self.child.stderr.take();
        stdin.as_ref().map_or(Ok(()), do_not_block)?;
        stdout.as_ref().map_or(Ok(()), do_not_block)?;
        stderr.as_ref().map_or(Ok(()), do_not_block)?;
        let (mut printed, mut complained) = (Vec::new(), Vec::new());
        let mut exited_at: Option<Instant> = None;
        let mut pause = Duration::from_micros(200);
        loop {
            if input.is_empty() {
                stdin = None; // the tool sees the end of its input
            }
            stdin = stdin.filter(|_| exited_at.is_none());
            if let Some(pipe) = &mut stdin {
                match pipe.write(input) {
                    Ok(written) => input = input.get(written..).unwrap_or_default(),
                    Err(error) if would_block(&error) => {}
                    // It ended or closed its input early; how it exits says whether that was right.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => input = &[],
                    Err(error) => return Err(error.into()),
                }
            }
            drain(&mut stdout, &mut printed, bounds.output)?;
            drain(&mut stderr, &mut complained, bounds.output)?;
            let silent = stdout.is_none() && stderr.is_none();
            if exited_at.is_none() && peek_exit(&self.child)?.is_some() {
                exited_at = Some(Instant::now());
                continue; // what it printed last may still be in the pipes
            }
            if let Some(at) = exited_at {
                // Something that it started may hold the pipes open for ever; it gets a moment.
                if silent || at.elapsed() >= STRAGGLERS {
                    break;
                }
            }
            let left = bounds.time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Stop::TimedOut);
            }
            // A pipe's other end closing wakes us; only a tool that closes its output before it ends is waited for blindly.
            let wait = if silent {
                pause = (pause * 2).min(Duration::from_millis(10));
                pause
            } else {
                Duration::from_millis(25)
            };
            let mut watched = Vec::with_capacity(3);
            if let Some(pipe) = stdin.as_ref().filter(|_| !input.is_empty()) {
                watched.push(PollFd::new(pipe, PollFlags::OUT));
            }
            if let Some(pipe) = &stdout {
                watched.push(PollFd::new(pipe, PollFlags::IN));
            }
            if let Some(pipe) = &stderr {
                watched.push(PollFd::new(pipe, PollFlags::IN));
            }
            wait_for(&mut watched, wait.min(left))?;
        }
        Ok(Output {
            exit: self.end()?,
            stdout: printed,
            stderr: complained,
        })
    }

    /// Ends what is left of the group, then reaps the child.
    fn end(&mut self) -> io::Result<Exit> {
        // Until it is reaped its id cannot be given to another process, so this reaches its group and no other.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait().map(Exit::of)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.end();
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Reads what is there; closes the pipe at its end.
fn drain(pipe: &mut Option<impl Read>, into: &mut Vec<u8>, limit: usize) -> Result<(), Stop> {
    let Some(open) = pipe else { return Ok(()) };
    let mut buffer = [0; 8_192];
    loop {
        match open.read(&mut buffer) {
            Ok(0) => {
                *pipe = None;
                return Ok(());
            }
            Ok(count) => into.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if would_block(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if into.len() > limit {
            return Err(Stop::TooMuchOutput);
        }
    }
}

/// How long the pipes of a tool that has ended are still listened to.
const STRAGGLERS: Duration = Duration::from_millis(200);
