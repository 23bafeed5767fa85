//! The command line: arguments → request, answer → text, JSON, annotations, exit code.
//!
//! [`ops`] does the work of a command; this room reads its arguments and shows its answer. Each subcommand has a
//! file, with its arguments first and its text for people after them. Results go to standard output, everything else to
//! standard error. `process` alone reads the environment and the clock, once.

pub mod answer;
pub mod audit;
pub mod certificate;
mod checkout;
pub mod contract;
mod deferred;
pub mod doctor;
pub mod document;
pub mod envelope;
pub mod examples;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod format;
pub mod gate;
pub mod github;
pub mod gitlab;
pub mod global;
pub mod help;
pub mod identity;
pub mod init;
mod input;
pub mod junit;
pub mod keychain;
pub mod manifest;
pub mod page;
pub mod password;
pub mod policy;
pub mod portal;
mod process;
pub mod product;
pub mod profile;
pub mod progress;
pub mod projects;
pub mod remedies;
pub mod report;
pub mod rotate;
pub mod run;
pub mod selection;
mod state;
mod stream;
pub mod table;
pub mod targets;
pub mod terminal;
pub mod typed;
mod variables;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jiff::Timestamp;

use self::answer::Answer;
use self::deferred::Deferred;
use self::exit::Exit;
use self::global::{Color, Global};
pub use self::process::Start;
use self::stream::Stream;
use self::terminal::Terminal;
use crate::base::error::ErrorCode;
use crate::host::process::has_set_group_id;
use crate::host::secret_source::SecretSource;
use crate::ops;
use crate::ops::error::{Error, Failure};
use crate::ops::keychain::served::{self, Begun, Role};
use crate::ops::world::World;

/// Keeps the signing context of Mac build fleets pinned, proven and short-lived.
///
/// Freezes the provisioning profiles of a team into a reviewed manifest. Checks before each xcodebuild that the machine
/// has what the manifest pins.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    disable_help_subcommand = true,
    propagate_version = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up a repository: show what signs each target and what is missing, write policy, manifest and CI workflow.
    Init(Deferred<init::Arguments>),
    /// Work with provisioning profiles: show, list, install, prune.
    #[command(subcommand)]
    Profile(Deferred<profile::Command>),
    /// Work with the manifest that pins profiles: freeze, show, digest, diff, verify, schema.
    #[command(subcommand)]
    Manifest(Deferred<manifest::Command>),
    /// Work with the policy that says who may sign, where and when: digest.
    #[command(subcommand)]
    Policy(Deferred<policy::Command>),
    /// Show, check and export which profile signs which target of an Xcode project.
    #[command(subcommand)]
    Targets(Deferred<targets::Command>),
    /// List signing identities, or print the digest of the set.
    #[command(subcommand)]
    Identity(Deferred<identity::Command>),
    /// Check whether this machine may sign with this manifest now. Exit code 0 if it may, 10 if findings block.
    Gate(Deferred<gate::Arguments>),
    /// Run the gate, open the CI keychain, run a command, and close the keychain. Ends with the command's exit code.
    Run(Deferred<run::Arguments>),
    /// Write the whole signing context on one page: what is wrong, what expires when, what hangs on which certificate. Exit
    /// code 0 whatever it shows: `gate` gives a verdict.
    Report(Deferred<page::Arguments>),
    /// Tell what this machine is to countersign, and what would fail next. Opens nothing. Exit code 10 if a gate would block
    /// here whatever a job asks.
    Doctor(doctor::Arguments),
    /// Look at certificates: show what one is and what hangs on it.
    #[command(subcommand)]
    Certificate(Deferred<certificate::Command>),
    /// Look into built products: show who signed what in them, verify that they are what was signed.
    #[command(subcommand)]
    Product(Deferred<product::Command>),
    /// Work with App Store Connect: list what it holds, renew profiles, fetch them. No other command uses the network.
    #[command(subcommand)]
    Portal(Deferred<portal::Command>),
    /// Renew profiles in steps that no build sees half of: plan, rehearse, stage, promote, retire, rollback, status, probe.
    #[command(subcommand)]
    Rotate(Deferred<rotate::Command>),
    /// Work with the CI keychain: create, import, unlock, lock, status, destroy, recover, serve.
    #[command(subcommand)]
    Keychain(Deferred<keychain::Command>),
    /// Check envelopes that the gate wrote: verify.
    #[command(subcommand)]
    Envelope(Deferred<envelope::Command>),
    /// Say what the code of a finding or an error means, what it breaks, and what to do.
    Explain {
        /// The code, as reports print it [default: all codes are listed].
        code: Option<String>,
    },
    /// Read the audit log: show, verify, export, checkpoint; go on after a loss: resume.
    #[command(subcommand)]
    Audit(Deferred<audit::Command>),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory.
    Man {
        /// The directory; it is created if it does not exist.
        directory: PathBuf,
    },
    /// Print help on a command, or on `exit-codes`.
    Help {
        /// The words of a command, or a topic.
        topic: Vec<String>,
    },
}

/// The hidden command that a run starts as its watchdog. The watchdog closes the keychain if the run cannot.
const WATCHDOG: &str = "watchdog";

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    main_of(&Start::of_process())
}

/// Runs the program as `start` says.
pub fn main_of(start: &Start) -> ExitCode {
    // A run waits for its watchdog to start, so that one does not describe the whole command line to itself first.
    if let [_, only] = start.arguments.as_slice()
        && only == WATCHDOG
    {
        let begun = served::begin(Role::None);
        let (world, terminal) =
            process::world(&Global::default(), false, start, process::variables());
        let answer = begun.map_err(Failure::from);
        return finished(answer.and_then(|_| run::watchdog(&world)), &terminal).into();
    }
    // A program that is started with another group's right takes nothing from whoever starts it but the words.
    let variables = process::variables();
    let words = start.arguments.clone();
    let words = match has_set_group_id() {
        true => words,
        false => variables::completed(words, Cli::command, &variables),
    };
    let parsed = parsed(&words);
    let begun = served::begin(parsed.as_ref().map_or(Role::None, Cli::role));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let (stream, code) = if error.use_stderr() {
                (Stream::Error, Exit::Usage)
            } else {
                (Stream::Output, Exit::Fine)
            };
            let text = error.render().ansi().to_string();
            // Nothing can be done about a closed terminal.
            stream.write_text(text.as_bytes()).unwrap_or_default();
            return code.into();
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let (world, terminal) = process::world(&cli.global, cli.is_verdict(), start, variables);
    let begun = begun.map_err(Failure::from);
    let match_password = cli.global.match_password.source();
    finished(
        begun.and_then(|begun| answer(cli.command, match_password, begun, world, &terminal)),
        &terminal,
    )
    .into()
}

impl Cli {
    /// What the command does with the right of a set-group-ID program.
    fn role(&self) -> Role {
        match &self.command {
            Command::Run(arguments) => arguments.0.guarded.role(),
            Command::Keychain(command) => command.0.role(),
            _ => Role::None,
        }
    }

    /// Whether the command's result is a verdict: CI variables choose the format of these alone.
    fn is_verdict(&self) -> bool {
        match &self.command {
            Command::Gate(_) | Command::Run(_) | Command::Envelope(_) => true,
            Command::Profile(command) => matches!(*command.0, profile::Command::Check(_)),
            Command::Manifest(command) => matches!(*command.0, manifest::Command::Verify { .. }),
            Command::Targets(command) => matches!(*command.0, targets::Command::Check { .. }),
            Command::Product(command) => matches!(*command.0, product::Command::Verify { .. }),
            Command::Audit(command) => matches!(*command.0, audit::Command::Verify { .. }),
            Command::Rotate(command) => command.0.is_verdict(),
            _ => false,
        }
    }
}

impl Command {
    /// The instant that is asked about, by commands that show how things stand.
    fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Init(arguments) => arguments.0.at,
            Self::Report(arguments) => arguments.0.at,
            Self::Targets(command) => command.0.instant(),
            Self::Rotate(command) => command.0.instant(),
            _ => None,
        }
    }

    /// Whether the command reads profiles or identities, which may lie in a match repository.
    fn reads_match_repositories(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Profile(_)
            | Self::Manifest(_)
            | Self::Targets(_)
            | Self::Identity(_)
            | Self::Gate(_)
            | Self::Run(_)
            | Self::Report(_)
            | Self::Doctor(_)
            | Self::Rotate(_)
            | Self::Keychain(_) => true,
            Self::Policy(_)
            | Self::Certificate(_)
            | Self::Product(_)
            | Self::Portal(_)
            | Self::Envelope(_)
            | Self::Explain { .. }
            | Self::Audit(_)
            | Self::Completions { .. }
            | Self::Man { .. }
            | Self::Help { .. } => false,
        }
    }
}

/// Prints what a command came to, and says how the program ends.
fn finished(answer: Result<Answer<'static>, Failure>, terminal: &Terminal) -> Exit {
    match answer {
        Ok(answer) => {
            let exit = answer.exit();
            printed(answer.print(terminal), exit, terminal)
        }
        Err(failure) => {
            let exit = Exit::of_failure(&failure);
            printed(failure::print(failure, terminal), exit, terminal)
        }
    }
}

/// The command line with the examples of its commands.
fn described() -> clap::Command {
    examples::shown_below(examples::shown(Cli::command(), ""), "")
}

/// What the arguments ask for.
fn parsed(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = described();
    let matches = command.try_get_matches_from_mut(arguments);
    let cli = matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    let cli = cli.map_err(|error| error.format(&mut command));
    // Taking the description apart costs more than parsing did, and the process's end does it for nothing.
    std::mem::forget(command);
    cli
}

/// How the program ends after printing: `meant`, unless the output could not be written. A reader
/// that closes the pipe (`| head`) wants no more output; that is no error.
fn printed(result: io::Result<Exit>, meant: Exit, terminal: &Terminal) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => meant,
        Err(error) => {
            let error = Error::new(
                ErrorCode::OutputNotWritten,
                format!("the output cannot be written: {error}"),
            );
            // A closed standard error leaves the exit code to speak.
            failure::print_error(&error, terminal).unwrap_or_default();
            Exit::of_error(error.code())
        }
    }
}

fn answer(
    command: Command,
    match_password: Option<SecretSource>,
    begun: Begun,
    mut world: World,
    terminal: &Terminal,
) -> Result<Answer<'static>, Failure> {
    if let Begun::Offered(offer) = &begun {
        served::accept(offer.terms(), &mut world)?;
    }
    if let Some(source) = match_password.filter(|_| command.reads_match_repositories()) {
        ops::password::give_match_password(&source, &mut world)?;
    }
    if let Some(at) = command.instant() {
        world.now = at;
    }
    let world = &world;
    match command {
        Command::Init(arguments) => init::run(*arguments.0, world, terminal),
        Command::Profile(command) => profile::run(*command.0, world),
        Command::Manifest(command) => manifest::run(*command.0, world),
        Command::Policy(command) => policy::run(*command.0, world),
        Command::Rotate(command) => rotate::run(*command.0, world),
        Command::Targets(command) => targets::run(*command.0, world),
        Command::Identity(command) => identity::run(*command.0, world),
        Command::Gate(arguments) => gate::run(*arguments.0, world),
        Command::Run(arguments) => run::run(*arguments.0, begun.offer(), world),
        Command::Doctor(arguments) => doctor::run(arguments, world),
        Command::Report(arguments) => page::run(*arguments.0, world),
        Command::Keychain(command) => keychain::run(*command.0, begun, world),
        Command::Envelope(command) => envelope::run(*command.0, world),
        Command::Certificate(command) => certificate::run(*command.0, world),
        Command::Product(command) => product::run(*command.0, world),
        Command::Portal(command) => portal::run(*command.0, world),
        Command::Audit(command) => audit::run(*command.0, world),
        Command::Explain { code } => explain::run(code.as_deref()),
        Command::Completions { shell } => Ok(help::completions(shell, described())),
        Command::Man { directory } => help::man(&directory, described()),
        Command::Help { topic } => help::topic(&topic, described()),
    }
}
