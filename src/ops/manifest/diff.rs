//! What changed between two manifests.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::finding::Finding;
use crate::context::manifest::diff::{Change, diff as changes_between};
use crate::context::manifest::verify;
use crate::ops::error::Failure;
use crate::ops::report::{ManifestName, Report};
use crate::ops::world::World;

/// The `countersign.manifest-diff.v1` document: what `manifest diff` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffDocument {
    /// Always `countersign.manifest-diff.v1`.
    #[schemars(extend("const" = "countersign.manifest-diff.v1"))]
    pub schema: &'static str,
    /// The earlier manifest.
    pub old: ManifestName,
    /// The later manifest.
    pub new: ManifestName,
    /// Every entry that differs between the two, in the order of the file.
    pub changes: Vec<Change>,
    /// The findings about the change itself.
    pub findings: Vec<Finding>,
}

impl Report for DiffDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// What changed from the manifest at `old` to the one at `new`.
///
/// # Errors
/// One of them cannot be read.
pub fn diff(old: &Path, new: &Path, world: &World) -> Result<DiffDocument, Failure> {
    let (old_manifest, _) = world.manifest_at(old)?;
    let (new_manifest, _) = world.manifest_at(new)?;
    let changes = changes_between(old_manifest.content(), new_manifest.content());
    let findings = match changes.is_empty() {
        true => Vec::new(),
        false => verify::succession(&old_manifest, &new_manifest, new)
            .into_iter()
            .collect(),
    };
    Ok(DiffDocument {
        schema: "countersign.manifest-diff.v1",
        old: (&old_manifest).into(),
        new: (&new_manifest).into(),
        changes,
        findings,
    })
}
