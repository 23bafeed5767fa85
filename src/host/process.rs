//! The only spawner of processes.
//!
//! Tools are run the same way everywhere: an absolute path, a list of arguments that no shell reads, an environment that
//! is built and not inherited, a bound on time and on output, and a process group of their own, so that a tool that hangs
//! is ended with whatever it started, and a Ctrl-C on the terminal does not tear `security` apart halfway through locking.
//!
//! Secrets reach a tool through its standard input only: arguments and environments are readable by every process of the
//! same user. [`Tool`] therefore prints its arguments in errors without fear.
//!
//! Children that are not tools are in the files beside this one: [`job`] is the command that a person asked us to run,
//! [`mark`] is how a process group is recognised after we are gone, [`orphan`] how tools are ended whose starter was
//! killed, [`ignored`] which signals whoever started us wants ignored.

pub mod ignored;
pub mod job;
pub mod mark;
pub mod orphan;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::orphan::Note;

/// A program and what it is given; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    noted_in: Option<PathBuf>,
}

impl Tool {
    /// The program at `program`, an absolute path: `PATH` is not searched, so nobody can put another in its place.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            noted_in: None,
        }
    }

    /// While it runs, a note of it lies in `directory`, so that [`orphan::end_all`] ends it should we be killed.
    #[must_use]
    pub fn noted_in(mut self, directory: &Path) -> Self {
        self.noted_in = Some(directory.to_owned());
        self
    }

    /// One more argument. Never a secret.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments. Never a secret.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// One more variable of an environment that is otherwise empty. Never a secret.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// More variables. Never a secret.
    #[must_use]
    pub fn envs<'a>(
        mut self,
        variables: impl IntoIterator<Item = &'a (OsString, OsString)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().cloned());
        self
    }

    /// The program's path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that spawns"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0);
        command
    }
}

/// As a person would type it, for error messages.
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {}", argument.display()))
    }
}

/// What a tool may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long it may run.
    pub time: Duration,
    /// How many bytes it may print, on standard output and on standard error each.
    pub output: usize,
}

/// What a tool did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// What it printed on standard output.
    pub stdout: Vec<u8>,
    /// What it printed on standard error.
    pub stderr: Vec<u8>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// The signal with this number ended it.
    Signal(i32),
}

impl Exit {
    /// The code that a shell would give: its own, or 128 + the signal's number.
    pub fn shell_code(self) -> u8 {
        let code = match self {
            Self::Code(code) => code & 0xff,
            Self::Signal(signal) => 128_i32.saturating_add(signal) & 0xff,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Code(-1),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

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

/// Runs `tool` to its end, with `stdin` as its whole standard input, and returns what it printed.
///
/// # Errors
/// See [`ProcessError`]; whenever it returns, the tool and its whole process group have ended. How it exited is not an
/// error here.
pub fn run(tool: &Tool, stdin: &[u8], bounds: Bounds) -> Result<Output, ProcessError> {
    let child = tool
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| ProcessError::Start {
            program: tool.program.clone(),
            source,
        })?;
    // Without a note it is still bounded, as long as we live.
    let note = tool.noted_in.as_ref();
    let _note = note.and_then(|directory| Note::of(&child, directory).ok());
    let mut running = Running { child };
    running.converse(stdin, bounds).map_err(|stop| match stop {
        Stop::TimedOut => ProcessError::TimedOut {
            tool: tool.to_string(),
            time: bounds.time,
        },
        Stop::TooMuchOutput => ProcessError::TooMuchOutput {
            tool: tool.to_string(),
            program: tool.program.clone(),
            limit: bounds.output,
        },
        Stop::Lost(source) => ProcessError::Lost {
            tool: tool.to_string(),
            source,
        },
    })
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
            program: tool.program.clone(),
            source,
        })
}

/// Sees to it that children can be waited for: whoever started us may have SIGCHLD ignored, and then the system forgets how
/// they ended.
///
/// # Errors
/// The system refuses.
pub fn mind_children() -> io::Result<()> {
    // A handler that sets a flag nobody reads.
    signal_hook::flag::register(Signal::CHILD.as_raw(), Arc::default()).map(drop)
}

/// How `child` ended, if it has; it is left to be reaped, so its id (and its group's) still means it and nothing else.
pub(crate) fn peek(child: &Child) -> io::Result<Option<Exit>> {
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

/// A child that is ended with its whole group when it is let go of.
struct Running {
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
    /// One thread, three pipes: writes and reads as far as the tool allows, until it has ended and its pipes are empty.
    fn converse(&mut self, mut input: &[u8], bounds: Bounds) -> Result<Output, Stop> {
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
            if exited_at.is_none() && peek(&self.child)?.is_some() {
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

/// Polls, and takes an interruption by a signal for a wake-up. Says how many are ready.
pub(crate) fn wait_for(watched: &mut [PollFd<'_>], time: Duration) -> Result<usize, Errno> {
    let time = Timespec::try_from(time).unwrap_or(Timespec {
        tv_sec: 3_600,
        tv_nsec: 0,
    });
    match poll(watched, Some(&time)) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Waits until `watched` is ready, whatever signals come meanwhile. Says whether it is.
pub(crate) fn is_ready_within(mut watched: PollFd<'_>, time: Duration) -> Result<bool, Errno> {
    let start = Instant::now();
    loop {
        let left = time.saturating_sub(start.elapsed());
        if wait_for(std::slice::from_mut(&mut watched), left)? > 0 {
            return Ok(true);
        }
        if start.elapsed() >= time {
            return Ok(false);
        }
    }
}

/// Makes reads and writes of our end of a pipe return instead of waiting.
pub(crate) fn do_not_block(pipe: &impl AsFd) -> Result<(), Errno> {
    rustix::io::ioctl_fionbio(pipe, true)
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(20),
        output: 1 << 20,
    };

    fn sh(script: &str) -> Tool {
        Tool::new("/bin/sh").arg("-c").arg(script)
    }

    #[test]
    fn what_goes_in_and_comes_out_is_whole() {
        let input: Vec<u8> = (0..500_000_u32).map(|n| (n % 251) as u8).collect();
        let output = run(&Tool::new("/bin/cat"), &input, BOUNDS).unwrap();
        assert_eq!(output.exit, Exit::Code(0));
        assert!(output.stdout == input);
    }

    #[test]
    fn exits_and_signals_are_told_apart() {
        assert_eq!(
            run(&sh("echo no >&2; exit 51"), b"", BOUNDS).unwrap(),
            Output {
                exit: Exit::Code(51),
                stdout: vec![],
                stderr: b"no\n".to_vec()
            }
        );
        let killed = run(&sh("kill -9 $$"), b"", BOUNDS).unwrap().exit;
        assert_eq!(killed, Exit::Signal(9));
        assert_eq!(killed.shell_code(), 137);
        assert_eq!(Exit::Code(51).shell_code(), 51);
    }

    #[test]
    fn a_tool_that_does_not_read_its_input_is_no_trouble() {
        let output = run(&sh("exec <&-; echo done"), &vec![b'x'; 1 << 20], BOUNDS).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn the_environment_is_built_not_inherited() {
        let tool = Tool::new("/usr/bin/env").env("LC_ALL", "C");
        let output = run(&tool, b"", BOUNDS).unwrap();
        assert_eq!(output.stdout, b"LC_ALL=C\n");
    }

    #[test]
    fn a_tool_that_hangs_is_ended_with_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let id = directory.path().join("id");
        // The grandchild says who it is, then both sleep longer than any test may last.
        let script = format!("sh -c 'echo $$ > {}; sleep 600' & sleep 600", id.display());
        let bounds = Bounds {
            time: Duration::from_millis(300),
            ..BOUNDS
        };
        let error = run(&sh(&script), b"", bounds).unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
        if let Ok(id) = std::fs::read_to_string(id) {
            let pid = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
            while rustix::process::test_kill_process(pid).is_ok() {
                // Killed, but init may need a moment to bury it.
                if std::fs::read_to_string(format!("/proc/{}/stat", id.trim()))
                    .is_ok_and(|stat| stat.contains(") Z "))
                {
                    break;
                }
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn a_tool_that_prints_without_end_is_ended() {
        let bounds = Bounds {
            output: 10_000,
            ..BOUNDS
        };
        let error = run(&sh("while :; do echo aaaaaaaaaaaaaaaa; done"), b"", bounds).unwrap_err();
        assert!(
            matches!(error, ProcessError::TooMuchOutput { .. }),
            "{error}"
        );
    }

    #[test]
    fn what_a_tool_leaves_behind_does_not_keep_us() {
        let output = run(&sh("sleep 600 & echo started"), b"", BOUNDS).unwrap();
        assert_eq!(output.stdout, b"started\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&Tool::new("/nonexistent/security"), b"", BOUNDS).unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/security"),
            "{error}"
        );
    }
}
