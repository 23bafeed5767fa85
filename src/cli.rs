//! The command line: arguments in, one library call, a rendered report and an exit code out.
//!
//! Results go to stdout, everything else to stderr. Only this room reads the environment and the clock, once, into
//! [`world::World`]; what lies below gets values.

pub mod audit;
mod command;
pub mod document;
pub mod exit;
pub mod gate;
pub mod help;
pub mod identity;
pub mod keychain;
pub mod manifest;
pub mod password;
pub mod profile;
pub mod progress;
pub mod projects;
mod receipt;
pub mod remedies;
pub mod report;
pub mod run;
pub mod state;
pub mod table;
pub mod targets;
pub mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{ErrorDocument, Exit, Failure};
use report::Format;
use world::World;

/// Keeps the signing context of Mac build fleets pinned, proven and short-lived.
///
/// Freeze the provisioning profiles of a team into a reviewed manifest, and let no xcodebuild start on a machine that
/// differs from it.
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

/// What every command understands.
#[derive(Debug, Args)]
pub struct Global {
    /// How results are printed.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    pub format: Format,
    /// The signing policy [default: manifests/signing.toml, or built-in defaults without it].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub policy: Option<PathBuf>,
    /// The frozen manifest [default: manifests/profiles.json].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub manifest: Option<PathBuf>,
    /// A directory of installed profiles, instead of the policy's; repeatable.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub profiles: Vec<PathBuf>,
    /// Where the audit log, journals and locks lie [default: ~/Library/Application Support/countersign on macOS,
    /// $XDG_STATE_HOME/countersign elsewhere].
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub state_dir: Option<PathBuf>,
    /// When to colour: NO_COLOR, CLICOLOR_FORCE and a terminal decide for `auto`.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,
    /// Say only what blocks.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at provisioning profiles: show, list, install, prune.
    #[command(subcommand)]
    Profile(profile::Command),
    /// Freeze profiles into a manifest, and look after it.
    #[command(subcommand)]
    Manifest(manifest::Command),
    /// Which profile signs which target of an Xcode project.
    #[command(subcommand)]
    Targets(targets::Command),
    /// Look at signing identities.
    #[command(subcommand)]
    Identity(identity::Command),
    /// May this machine sign with this manifest, now? Exit 0 if so, 10 if findings block.
    Gate(Box<gate::Arguments>),
    /// Run a command while the CI keychain is open: gate, window, command, lock, record. Passes on the command's exit code.
    Run(Box<run::Arguments>),
    /// The CI keychain: create, import, unlock, lock, status, destroy, recover.
    #[command(subcommand)]
    Keychain(Box<keychain::Command>),
    /// The audit log: show, verify, checkpoint.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Closes the keychain when a run cannot; started by every run.
    #[command(hide = true)]
    Watchdog,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory.
    Man {
        /// The directory; it is made if it is not there.
        directory: PathBuf,
    },
    /// Help on a command, or on `exit-codes`.
    Help {
        /// Command words, or a topic.
        topic: Vec<String>,
    },
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Fine
            };
            // Nothing can be done about a closed terminal.
            error.print().unwrap_or_default();
            return code.into();
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            error.print().unwrap_or_default();
            return Exit::Usage.into();
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let format = cli.global.format;
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&failure, format);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let world = World::of_process(cli.global);
    match cli.command {
        Command::Profile(command) => profile::run(command, &world),
        Command::Manifest(command) => manifest::run(command, &world),
        Command::Targets(command) => targets::run(command, &world),
        Command::Identity(command) => identity::run(command, &world),
        Command::Gate(arguments) => gate::run(&arguments, &world),
        Command::Run(arguments) => run::run(*arguments, &world),
        Command::Keychain(command) => keychain::run(*command, &world),
        Command::Audit(command) => audit::run(command, &world),
        Command::Watchdog => run::watchdog(),
        Command::Completions { shell } => help::completions(shell),
        Command::Man { directory } => help::man(&directory),
        Command::Help { topic } => help::topic(&topic),
    }
}

/// Tells an error on stderr.
fn tell(failure: &Failure, format: Format) {
    use std::io::Write as _;
    if failure.message.is_empty() {
        return;
    }
    let mut stderr = anstream::stderr().lock();
    let outcome = match format {
        Format::Json => {
            let error = ErrorDocument {
                schema: "countersign.error.v1",
                exit: failure.exit.code(),
                error: &failure.message,
            };
            serde_json::to_writer(&mut stderr, &error)
                .map_err(Into::into)
                .and_then(|()| writeln!(stderr))
        }
        Format::Github => writeln!(
            stderr,
            "::error title=countersign::{}",
            report::escape_data(&failure.message)
        ),
        Format::Human => {
            let style = report::style(crate::base::finding::Severity::Block);
            writeln!(stderr, "{style}error:{style:#} {}", failure.message)
        }
    };
    // A closed stderr leaves the exit code to speak.
    outcome.unwrap_or_default();
}
