//! The plan as a document, and its digest.

use schemars::JsonSchema;
use serde::Serialize;

use super::{PinnedProduct, PinnedTarget};
use crate::base::digest::Digest;

/// The `countersign.plan.v1` document: what the plan's digest is taken over, and what `targets export --as json` writes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanDocument<'a> {
    /// Always `countersign.plan.v1`.
    #[schemars(extend("const" = "countersign.plan.v1"))]
    pub schema: &'static str,
    /// Every target that has a profile, by (project, target, configuration, platform).
    pub targets: &'a [PinnedTarget],
    /// Every product without an Xcode project that has a profile, by name; absent if there are none.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub products: &'a [PinnedProduct],
}

impl<'a> PlanDocument<'a> {
    /// The document of these targets and products.
    pub fn of(targets: &'a [PinnedTarget], products: &'a [PinnedProduct]) -> Self {
        Self {
            schema: "countersign.plan.v1",
            targets,
            products,
        }
    }
}

/// The digest of a plan: over its document without white space, targets and products in their order.
pub(super) fn digest(targets: &[PinnedTarget], products: &[PinnedProduct]) -> Digest {
    Digest::of(&serde_json::to_vec(&PlanDocument::of(targets, products)).unwrap_or_default())
}
