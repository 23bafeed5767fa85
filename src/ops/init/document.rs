//! What is shown of a first look at a repository.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::profile::ProfileKind;
use crate::base::finding::Finding;
use crate::base::ids::{BundleId, ConfigurationName, ProfileUuid, TargetName, TeamId};
use crate::context::manifest::used::LeftOut;
use crate::host::ci_system::CiSystem;
use crate::ops::report::Report;
use crate::xcode::platform::Platform;

/// The `countersign.init.v1` document: what `init` found and wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InitDocument {
    /// Always `countersign.init.v1`.
    #[schemars(extend("const" = "countersign.init.v1"))]
    pub schema: &'static str,
    /// The Xcode project or workspace.
    pub project: String,
    /// Whether it was found, because nobody named one.
    pub found: bool,
    /// The scheme whose archive is judged; absent if nothing tells which is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The configurations that were looked at; empty: all.
    pub configurations: Vec<ConfigurationName>,
    /// The teams of the targets.
    pub teams: Vec<TeamId>,
    /// Whether there was a policy before, by which all this is judged.
    pub has_policy: bool,
    /// How many proven profiles are at hand.
    pub profiles_at_hand: usize,
    /// How many files in the repository are named like profiles.
    pub profiles_of_repository: usize,
    /// The targets that the archive holds and that need a profile, one for each configuration and platform.
    pub targets: Vec<InitTarget>,
    /// The profiles at hand that are not pinned, each with the reason; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The CI system that was recognised or named; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<CiSystem>,
    /// The files, and what became of each.
    pub files: Vec<InitFile>,
    /// What is to be done besides so that the gate passes where the workflow runs it, one sentence each; absent if nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is not right. If a manifest is or would be written, also what the gate would say of it.
    pub findings: Vec<Finding>,
    /// Whether the policy allows the gate to do without identities, as it stands after this.
    pub allows_waiver: bool,
}

impl Report for InitDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A target that needs a profile, and what would sign it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InitTarget {
    /// Its name.
    pub target: TargetName,
    /// The build configuration.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// Its bundle id; absent if it cannot be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<BundleId>,
    /// Its team; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The profile that would sign it; absent if none fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<InitProfile>,
    /// What is missing, for people; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// The profile that would sign a target, with its certificate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InitProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: ProfileKind,
    /// When it or its certificate expires, whichever comes first (RFC 3339, UTC).
    pub expires: Timestamp,
    /// Whole days until then; negative if that is past.
    pub days_left: i64,
    /// The common name of the certificate.
    pub certificate: String,
}

/// A file that `init` writes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitFile {
    /// Its path. For `written-beside` it is that of the new file, which ends in `.new`.
    pub file: String,
    /// What it is.
    pub purpose: Purpose,
    /// What became of it.
    pub outcome: Outcome,
    /// The file that is there and stays as it is, where this one lies or would lie beside it; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// What differs from the file that is there, as `diff -u` prints it; absent if none is, or if it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The signing policy.
    Policy,
    /// The manifest.
    Manifest,
    /// The workflow for CI.
    Workflow,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was written; nothing was there.
    Written,
    /// It replaced the file that was there, which countersign wrote and nobody changed.
    Replaced,
    /// It was written beside the file that is there, which stays as it is.
    WrittenBeside,
    /// It is there already, just so.
    Unchanged,
    /// It would be written.
    ToWrite,
    /// It would replace the file that is there, which countersign wrote and nobody changed.
    ToReplace,
    /// It would be written beside the file that is there.
    ToWriteBeside,
}
