//! The plan as a document, and its digest.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::context::manifest::PinnedTarget;

/// The `countersign.plan.v1` document: what the plan's digest is taken over, and what `targets export --as json` writes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanDocument<'a> {
    /// Always `countersign.plan.v1`.
    #[schemars(extend("const" = "countersign.plan.v1"))]
    pub schema: &'static str,
    /// Every target that has a profile, by (project, target, configuration, platform).
    pub targets: &'a [PinnedTarget],
}

impl<'a> PlanDocument<'a> {
    /// The document of these targets.
    pub fn of(targets: &'a [PinnedTarget]) -> Self {
        Self {
            schema: "countersign.plan.v1",
            targets,
        }
    }
}

/// The digest of a plan: over its document without white space, the targets in their order.
pub fn digest(targets: &[PinnedTarget]) -> Digest {
    Digest::of(&serde_json::to_vec(&PlanDocument::of(targets)).unwrap_or_default())
}
