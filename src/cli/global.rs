//! Arguments that every command understands.

use std::path::PathBuf;

use clap::Args;

use super::format::Format;

/// What every command understands.
#[derive(Debug, Clone, Default, Args)]
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
