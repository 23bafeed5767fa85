//! Who signs an envelope: `ssh-keygen` with a key, or a command.
//!
//! A private key never enters this process. `ssh-keygen -Y sign` reads it, or asks the SSH agent or the security key that
//! holds it. A command does in its own way what `ssh-keygen` does: it reads the message on standard input and writes an
//! armored SSH signature to standard output. What comes back is not believed here: whoever asked verifies it.
//!
//! Nobody is asked for a passphrase on a terminal, because a build has none. A key with a passphrase works through the agent
//! or through the program that `SSH_ASKPASS` names.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::process::{self, Bounds, Exit, ProcessError, Tool, find_program};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

/// Where OpenSSH's tool is, on macOS and on Linux.
const SSH_KEYGEN: &str = "/usr/bin/ssh-keygen";

/// What `ssh-keygen` may know of our environment: where the agent is, and how a person is asked.
const SSH_VARIABLES: &[&str] = &[
    "HOME",
    "SSH_AUTH_SOCK",
    "SSH_SK_PROVIDER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
];

/// Time for a person to touch a security key; more than any signature has.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(60),
    output: 64 * 1024,
};

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// `ssh-keygen`, with the private key in this file, or with the public key in this file whose private half the agent
    /// holds.
    Key(PathBuf),
    /// This program, which gets no arguments.
    Command(PathBuf),
}

/// A signature could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There is no such key.
    #[error("the key {} does not exist", .0.display())]
    NoKey(PathBuf),
    /// There is no such program.
    #[error("there is no program {} to sign with", .0.display())]
    NoProgram(PathBuf),
    /// It could not be run to its end.
    #[error("the envelope cannot be signed: {0}")]
    Process(#[from] ProcessError),
    /// It ran and said that it failed.
    #[error("the envelope cannot be signed: {} ended with {exit}", program.display())]
    Failed {
        /// What was run.
        program: PathBuf,
        /// How it ended.
        exit: Exit,
        /// What it said last, for a person and for no record.
        said: String,
    },
}

impl Explain for SigningError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NoKey(_) | Self::NoProgram(_) => ErrorCode::FileMissing,
            Self::Process(_) | Self::Failed { .. } => ErrorCode::SigningFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKey(_) | Self::NoProgram(_) => {
                Some("check the spelling and the working directory".to_owned())
            }
            Self::Process(ProcessError::TimedOut { .. }) => Some(
                "check that nobody is asked for anything, and that the key's device is there"
                    .to_owned(),
            ),
            Self::Process(error) => error.hint(),
            Self::Failed { said, .. } if said.is_empty() => {
                Some("run it by hand to see why".to_owned())
            }
            Self::Failed { said, .. } => Some(format!(
                "add a key with a passphrase to the SSH agent; what it said: {said}"
            )),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::NoKey(path) | Self::NoProgram(path) => Place::file(path),
            Self::Process(error) => error.place(),
            Self::Failed { program, .. } => Place::file(program),
        }
    }
}

/// Who signs, found and ready.
#[derive(Debug, Clone)]
pub struct ReadySigner {
    tool: Tool,
}

impl Signer {
    /// Finds the key and the program that signs in `namespace`. `environment` is ours; a command gets all of it.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn ready(
        &self,
        namespace: &str,
        environment: &[(OsString, OsString)],
    ) -> Result<ReadySigner, SigningError> {
        let variable = |wanted: &str| {
            let mut known = environment.iter();
            known.find_map(|(name, value)| (name == wanted).then_some(value.as_os_str()))
        };
        let tool = match self {
            Self::Key(key) => {
                if !key.exists() {
                    return Err(SigningError::NoKey(key.clone()));
                }
                let tool = Tool::new(SSH_KEYGEN)
                    .args(["-Y", "sign", "-n", namespace, "-f"])
                    .arg(key);
                let known = SSH_VARIABLES.iter();
                let tool = known.fold(tool, |tool, name| match variable(name) {
                    Some(value) => tool.env(name, value),
                    None => tool,
                });
                // A program that says no, where nobody names one: otherwise the terminal is asked.
                let asks = variable("SSH_ASKPASS").unwrap_or(OsStr::new("/usr/bin/false"));
                tool.env("SSH_ASKPASS", asks)
                    .env("SSH_ASKPASS_REQUIRE", "force")
            }
            Self::Command(program) => {
                let search = variable("PATH").unwrap_or_default();
                let found = find_program(program.as_os_str(), search);
                let found = found.and_then(|found| std::path::absolute(found).ok());
                let found = found.ok_or_else(|| SigningError::NoProgram(program.clone()))?;
                Tool::new(found).envs(environment)
            }
        };
        Ok(ReadySigner { tool })
    }
}

impl ReadySigner {
    /// What it writes when it is given `message`: an armored SSH signature, if it does what it should.
    ///
    /// # Errors
    /// It cannot be run to its end, or fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let output = process::run(&self.tool, message, BOUNDS)?;
        if output.exit == Exit::Code(0) {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        Err(SigningError::Failed {
            program: self.tool.program().to_owned(),
            exit: output.exit,
            said: last.unwrap_or_default().trim().chars().take(200).collect(),
        })
    }
}
