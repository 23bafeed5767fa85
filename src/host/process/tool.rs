//! A program and what it is given.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::exit::Exit;

/// A program and what it is given; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    /// Where, and whether it must be.
    recorded_in: Option<(PathBuf, bool)>,
}

impl Tool {
    /// The program at `program`, an absolute path: `PATH` is not searched, so nobody can put another in its place.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            recorded_in: None,
        }
    }

    /// While it runs, a record of it lies in `directory`, so that [`end_orphans`](super::orphan::end_orphans) ends it if
    /// this process is killed.
    #[must_use]
    pub fn record_in(mut self, directory: &Path) -> Self {
        self.recorded_in = Some((directory.to_owned(), false));
        self
    }

    /// The same, and without a record it is told nothing: it can open what nobody would close.
    #[must_use]
    pub fn must_be_recorded(mut self) -> Self {
        if let Some((_, must_be)) = &mut self.recorded_in {
            *must_be = true;
        }
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

    /// The directory that a record of it lies in while it runs, and whether it is not run without.
    pub(super) fn recorded_in(&self) -> Option<(&Path, bool)> {
        let (directory, must_be) = self.recorded_in.as_ref()?;
        Some((directory, *must_be))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that spawns"
    )]
    pub(super) fn command(&self) -> Command {
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
