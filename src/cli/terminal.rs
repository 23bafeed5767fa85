//! What the user asked for and the terminal can show: format, width, colour, amount of detail.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::checkout::Checkout;
use super::format::Format;
use super::global::Global;
use super::typed::Typed;
use crate::base::finding::{Finding, Severity};

/// How results are shown.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The format.
    pub format: Format,
    /// The columns of the terminal on standard output, or 80.
    pub width: usize,
    /// Tables are drawn to fit the width: somebody looks at a terminal. Else each row is one whole line.
    pub draws_tables: bool,
    /// Only what blocks is shown.
    pub is_quiet: bool,
    /// Everything is shown.
    pub is_verbose: bool,
    /// Progress is drawn on standard error.
    pub draws_progress: bool,
    /// The file that `GITHUB_STEP_SUMMARY` names.
    pub step_summary: Option<PathBuf>,
    /// What was typed.
    pub typed: Typed,
    /// Where findings lie for a CI system.
    pub checkout: Checkout,
}

impl Default for Terminal {
    /// A log that somebody may read later.
    fn default() -> Self {
        Self {
            format: Format::Human,
            width: 80,
            draws_tables: false,
            is_quiet: false,
            is_verbose: false,
            draws_progress: false,
            step_summary: None,
            typed: Typed::default(),
            checkout: Checkout::default(),
        }
    }
}

impl Terminal {
    /// The terminal of this process; `variable` looks up the environment.
    pub(super) fn of_process(
        global: &Global,
        is_verdict: bool,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Self {
        let unsaid = || Format::unsaid(is_verdict, variable);
        let format = global.format.unwrap_or_else(unsaid);
        Self {
            format,
            width: width(variable("COLUMNS")),
            draws_tables: io::stdout().is_terminal(),
            is_quiet: global.quiet,
            is_verbose: global.verbose,
            draws_progress: io::stderr().is_terminal()
                && variable("CI").is_none()
                && !global.quiet
                && format == Format::Human,
            step_summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            typed: Typed::default(),
            checkout: Checkout::default(),
        }
    }

    /// The findings that a person asked to see: all that block, warnings unless they want quiet, the rest if they want
    /// everything.
    pub fn visible<'a>(&self, findings: &'a [Finding]) -> Vec<&'a Finding> {
        let least = match (self.is_quiet, self.is_verbose) {
            (true, _) => Severity::Block,
            (false, false) => Severity::Warn,
            (false, true) => Severity::Info,
        };
        findings
            .iter()
            .filter(|finding| finding.severity <= least)
            .collect()
    }
}

/// The columns of the terminal on standard output; 80 where it is none.
fn width(columns: Option<OsString>) -> usize {
    let from_environment = columns.and_then(|columns| columns.to_str()?.parse().ok());
    let from_terminal = || {
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col))
    };
    from_environment
        .or_else(from_terminal)
        .filter(|columns| (40..=240).contains(columns))
        .unwrap_or(80)
}
