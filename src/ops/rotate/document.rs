//! What a step of a rotation did.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::carry_out::{self, PlannedStep};
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::host::transaction::{self, Step, StepKind};
use crate::ops::report::{Head, Report};

/// The `countersign.rotation-step.v1` document: what a step of a rotation did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepDocument {
    /// Always `countersign.rotation-step.v1`.
    #[schemars(extend("const" = "countersign.rotation-step.v1"))]
    pub schema: &'static str,
    /// What it does.
    pub step: StepKind,
    /// Whether it was only looked at: nothing is changed.
    pub dry_run: bool,
    /// The step of a killed command that was finished before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<StepKind>,
    /// The revisions of the manifest that it made, in their order; none if findings block.
    pub revisions: Vec<StepRevision>,
    /// Where files of the repository still name what is no longer: the old digest, UUID or profile name.
    pub old_names: Vec<OldName>,
    /// What is not right.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

impl Report for StepDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

impl StepDocument {
    /// One that has not done anything.
    pub(super) fn new(step: StepKind, dry_run: bool, finished: Option<&Step>) -> Self {
        Self {
            schema: "countersign.rotation-step.v1",
            step,
            dry_run,
            finished: finished.map(|step| step.kind),
            revisions: Vec::new(),
            old_names: Vec::new(),
            findings: Vec::new(),
            head: Head::default(),
        }
    }
}

/// A revision of the manifest that a step made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepRevision {
    /// The revision.
    pub revision: u64,
    /// SHA-256 of the manifest's bytes: what `--expect-manifest` takes from now on.
    pub digest: Digest,
    /// The product that changed sides; absent if the step is not about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The files that changed, in their order.
    pub files: Vec<StepFile>,
}

impl StepRevision {
    /// What a planned step comes to.
    pub(super) fn of(planned: &PlannedStep, product: Option<&str>) -> Self {
        let files = planned.files.iter();
        let files = files.map(|(path, after)| StepFile {
            file: path.display().to_string(),
            outcome: outcome(path, after.as_deref()),
        });
        Self {
            revision: planned.manifest.revision,
            digest: carry_out::digest(&planned.manifest),
            product: product.map(ToOwned::to_owned),
            files: files.collect(),
        }
    }
}

fn outcome(path: &Path, after: Option<&[u8]>) -> &'static str {
    match (transaction::held(path), after) {
        (_, None) => "removed",
        (Ok(Some(there)), Some(after)) if there == after => "unchanged",
        (Ok(None), Some(_)) => "new",
        (_, Some(_)) => "replaced",
    }
}

/// A file that a step changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepFile {
    /// Its path.
    pub file: String,
    /// What became of it.
    #[schemars(extend("enum" = ["new", "replaced", "removed", "unchanged"]))]
    pub outcome: &'static str,
}

/// A place in the repository that still names what is no longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct OldName {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What stands there.
    pub name: String,
    /// What belongs there; `nothing` in the place of a profile that none replaces.
    pub instead: String,
}
