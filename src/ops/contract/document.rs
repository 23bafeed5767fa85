//! What the suite saw: the `countersign.doctor-contract.v1` document.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::step::{Row, Step};
use crate::ops::report::Report;

/// The `countersign.doctor-contract.v1` document: which promises about keychains hold on this machine. It can be attached to
/// an issue: it names no user, no host and no path below the home directory.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContractDocument {
    /// Always `countersign.doctor-contract.v1`.
    #[schemars(extend("const" = "countersign.doctor-contract.v1"))]
    pub schema: &'static str,
    /// When the suite began (RFC 3339, UTC).
    pub at: Timestamp,
    /// False while the suite runs, and if it was killed.
    pub complete: bool,
    /// Whether every step passed.
    pub passed: bool,
    /// The rows of the README's status table whose steps all passed.
    pub rows: Vec<Row>,
    /// Which countersign it is.
    pub program: ProgramDocument,
    /// What it ran on.
    pub machine: MachineDocument,
    /// The steps, in order.
    pub steps: Vec<StepDocument>,
    /// What could not be cleared away; empty if nothing of the suite is left.
    pub left: Vec<String>,
}

/// Which countersign it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProgramDocument {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from, where whoever built it said so.
    pub commit: Option<&'static str>,
    /// The digest of the sources that it was built from, as the build computed it.
    pub sources: &'static str,
}

/// What the suite ran on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MachineDocument {
    /// The operating system.
    pub system: &'static str,
    /// Its version.
    pub version: Option<String>,
    /// Its build.
    pub build: Option<String>,
    /// The architecture that the program was built for.
    pub architecture: &'static str,
    /// The kind of session, as launchd names it.
    pub session: Option<String>,
    /// The Xcodes in `/Applications`.
    pub xcodes: Vec<XcodeDocument>,
    /// The version of the Command Line Tools.
    pub command_line_tools: Option<String>,
    /// What `openssl` calls itself; null if it did not say.
    pub openssl: Option<String>,
    /// The tools are stand-ins: the program was made for development, and the report says nothing of a Mac.
    pub stand_in: bool,
}

/// An Xcode.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct XcodeDocument {
    /// Its version.
    pub version: Option<String>,
    /// Its build.
    pub build: Option<String>,
    /// Whether `xcode-select` selects it.
    pub selected: bool,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// What it claims is so.
    Passed,
    /// It is not so.
    Failed,
    /// Something did not end in time, and was stopped.
    Hung,
    /// It was not taken.
    NotRun,
}

impl StepResult {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Hung => "hung",
            Self::NotRun => "not run",
        }
    }
}

/// A step, and how it went.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StepDocument {
    /// Which.
    pub name: Step,
    /// What it claims, for people.
    pub claim: &'static str,
    /// The rows of the README's status table that it is about.
    pub rows: &'static [Row],
    /// How it went.
    pub result: StepResult,
    /// How long it took, in milliseconds; null if it was not taken.
    pub milliseconds: Option<u64>,
    /// How the program ended that the claim is about, where one was started: its exit code, or 128 and the number of the
    /// signal that ended it.
    pub exit: Option<u8>,
    /// What was seen, for people.
    pub seen: Vec<String>,
    /// Why it did not pass; absent if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl StepDocument {
    /// A step that was not taken yet.
    pub fn ahead(step: Step) -> Self {
        Self {
            name: step,
            claim: step.claim(),
            rows: step.rows(),
            result: StepResult::NotRun,
            milliseconds: None,
            exit: None,
            seen: Vec::new(),
            why: Some("the suite did not get here".to_owned()),
        }
    }
}

impl ContractDocument {
    /// Writes down what the steps say together.
    pub fn conclude(&mut self) {
        let passed = |step: &StepDocument| step.result == StepResult::Passed;
        self.passed = self.left.is_empty() && self.steps.iter().all(passed);
        let is_proven = |row: &Row| {
            let mut about = self.steps.iter().filter(|step| step.rows.contains(row));
            about.all(passed)
        };
        // A stand-in proves nothing of a Mac, and what was left behind speaks against all.
        let counts = self.left.is_empty() && !self.machine.stand_in;
        self.rows = Row::ALL
            .into_iter()
            .filter(|row| counts && is_proven(row))
            .collect();
    }
}

impl Report for ContractDocument {}
