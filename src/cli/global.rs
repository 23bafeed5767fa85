//! Arguments that every command understands.

use std::path::PathBuf;

use clap::Args;

use super::format::Format;
use super::password::MatchPasswordArguments;

/// What every command understands.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// The format of the results [default: human; in GitHub Actions and GitLab CI that of the system, for commands whose
    /// result is a verdict].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    pub format: Option<Format>,
    /// The signing policy [default: manifests/signing.toml, here or above in the repository].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub policy: Option<PathBuf>,
    /// The frozen manifest [default: manifests/profiles.json, here or above in the repository].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub manifest: Option<PathBuf>,
    /// A directory of installed profiles, instead of those of the policy; repeatable.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub profiles: Vec<PathBuf>,
    /// Where the password of match repositories comes from.
    #[command(flatten)]
    pub match_password: MatchPasswordArguments,
    /// The directory of the audit log, journals and locks [default: ~/Library/Application Support/countersign on macOS,
    /// $XDG_STATE_HOME/countersign elsewhere].
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub state_dir: Option<PathBuf>,
    /// When to use colours. With `auto`, NO_COLOR, CLICOLOR_FORCE and the terminal decide.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,
    /// Print only findings that block.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub quiet: bool,
    /// Print more, also information.
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
