//! `countersign run`: a command while the CI keychain is open; and `keychain unlock`, the same without a command.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;

use super::answer::Answer;
use super::exit::Exit;
use super::gate::{self, GateArguments};
use super::password::{KeychainPasswordArguments, PasswordSocketArguments};
use super::selection::KeychainArguments;
use crate::base::clock::parse_duration;
use crate::base::finding;
use crate::host::password_service::Offer;
use crate::host::process::Exit as ProcessExit;
use crate::host::session::Ending;
use crate::ops::error::Failure;
use crate::ops::keychain::served::Role;
use crate::ops::run::request::{RunAnswer, RunRequest, Task};
use crate::ops::world::World;
use crate::ops::{run as verb, watchdog};

/// What `run` is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Everything but the command.
    #[command(flatten)]
    pub guarded: Guarded,
    /// What it builds.
    #[command(flatten)]
    pub built: BuiltArguments,
    /// The command and its arguments; no shell reads them.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A window behind a gate.
#[derive(Debug, Args)]
pub struct Guarded {
    /// What is judged.
    #[command(flatten)]
    pub gate: GateArguments,
    /// Which keychain.
    #[command(flatten)]
    pub keychain: KeychainArguments,
    /// Its password.
    #[command(flatten)]
    pub password: KeychainPasswordArguments,
    /// Who holds it.
    #[command(flatten)]
    pub socket: PasswordSocketArguments,
    /// The longest time that the keychain stays open, as in 20m; the policy may allow less.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Keychain")]
    pub window: Option<SignedDuration>,
    /// Write the JSON receipt here; the file must not exist [default: receipts/RUN.json in the state directory].
    #[arg(long, value_name = "FILE", help_heading = "Keychain")]
    pub receipt: Option<PathBuf>,
}

/// What the command builds.
#[derive(Debug, Args)]
pub struct BuiltArguments {
    /// A product that the command builds; repeatable. Where the command succeeds, it is held against the manifest as by
    /// `product check`, before the run is over. Receipt, record and envelope name its digest. Exit code 10 if it blocks.
    #[arg(long = "product", value_name = "PATH")]
    pub products: Vec<PathBuf>,
}

impl Guarded {
    /// A run asks the helper that holds the password, unless that is handed in.
    pub(super) fn role(&self) -> Role {
        match self.password.is_named() {
            true => Role::None,
            false => self.socket.role(),
        }
    }

    fn request(self, served: Option<Offer>, task: Task<'_>) -> RunRequest<'_> {
        let (question, envelope) = self.gate.question();
        RunRequest {
            question,
            envelope,
            keychain: self.keychain.into(),
            keychain_password: self.password.source(),
            served,
            window: self.window,
            receipt: self.receipt,
            products: Vec::new(),
            task,
            exit_code: |ended| {
                let exit = ended.map_or_else(Exit::of_failure, Exit::of_run);
                exit.code()
            },
        }
    }
}

/// Runs a command while the keychain is open.
///
/// # Errors
/// See [`ops::run`](crate::ops::run).
pub fn run(
    arguments: Arguments,
    served: Option<Offer>,
    world: &World,
) -> Result<Answer<'static>, Failure> {
    let task = Task::Command(arguments.command);
    let request = RunRequest {
        products: arguments.built.products,
        ..arguments.guarded.request(served, task)
    };
    answer("countersign run", request, world)
}

/// Holds the keychain open, and prints the variables that a command would get.
///
/// # Errors
/// See [`ops::run`](crate::ops::run).
pub fn unlock(
    arguments: Guarded,
    served: Option<Offer>,
    world: &World,
) -> Result<Answer<'static>, Failure> {
    let mut announce = |variables: &[(OsString, OsString)]| {
        let mut out = io::stdout().lock();
        for (name, value) in variables {
            writeln!(out, "{}={}", name.display(), value.display())?;
        }
        out.flush()
    };
    let request = arguments.request(served, Task::Hold(&mut announce));
    answer("countersign keychain unlock", request, world)
}

fn answer(
    title: &'static str,
    request: RunRequest<'_>,
    world: &World,
) -> Result<Answer<'static>, Failure> {
    let ended = verb::run(request, world)?;
    let exit = Exit::of_run(&ended);
    Ok(match ended {
        RunAnswer::Blocked(blocked) => gate::answer(*blocked),
        // Standard output belongs to the command.
        RunAnswer::Ended {
            mut changes,
            products,
            ..
        } => {
            changes.extend(products);
            Answer::artifact(title, Vec::new(), changes).ending_in(exit)
        }
    })
}

impl Exit {
    /// How the program ends with a run: as its command, if that ran to its end.
    fn of_run(answer: &RunAnswer) -> Self {
        match answer {
            RunAnswer::Blocked(_) => Self::Blocked,
            RunAnswer::Ended {
                ending,
                changes,
                products,
            } => match ending {
                // A command that failed has already said that what it left is not to be used.
                Ending::Exited(exit)
                    if exit.shell_code() == 0
                        && (!changes.is_empty() || finding::any_blocks(products)) =>
                {
                    Self::Blocked
                }
                Ending::Exited(exit) => Self::Child(exit.shell_code()),
                Ending::WindowEnded => Self::WindowEnded,
                Ending::WatchdogLost => Self::Keychain,
                Ending::Interrupted(signal) => {
                    Self::Child(ProcessExit::Signal(*signal).shell_code())
                }
            },
        }
    }
}

/// `countersign watchdog`: what it must close comes in on standard input.
///
/// # Errors
/// The keychain may still be open, or its closing cannot be recorded.
pub fn watchdog(world: &World) -> Result<Answer<'static>, Failure> {
    watchdog::watch(world)?;
    let title = "countersign watchdog";
    Ok(Answer::artifact(title, Vec::new(), Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::{Code, Finding};

    #[test]
    fn changed_inputs_block_only_a_run_that_ended_well() {
        let exit = |ending, changes: &[Finding]| {
            let changes = changes.to_vec();
            Exit::of_run(&RunAnswer::Ended {
                ending,
                changes,
                products: Vec::new(),
            })
            .code()
        };
        let changed = [Finding::block(Code::InputsChanged, "another policy")];
        for (ending, unchanged, with_changes) in [
            (Ending::Exited(ProcessExit::Code(0)), 0, 10),
            (Ending::Exited(ProcessExit::Code(7)), 7, 7),
            (Ending::Exited(ProcessExit::Signal(9)), 137, 137),
            (Ending::WindowEnded, 13, 13),
            (Ending::WatchdogLost, 12, 12),
            (Ending::Interrupted(15), 143, 143),
        ] {
            assert_eq!(exit(ending, &[]), unchanged, "{ending:?}");
            assert_eq!(exit(ending, &changed), with_changes, "{ending:?}");
        }
    }
}
