//! The plan: which target is signed by which profile and certificate.

use serde::Serialize;

use super::manifest::PinnedTarget;
use crate::base::digest::Digest;

/// The digest of a plan: over the pinned targets, in their order, as JSON, under a heading of its own.
pub fn digest(targets: &[PinnedTarget]) -> Digest {
    #[derive(Serialize)]
    struct Plan<'a> {
        schema: &'static str,
        targets: &'a [PinnedTarget],
    }
    let plan = Plan {
        schema: "countersign.plan.v1",
        targets,
    };
    Digest::of(&serde_json::to_vec(&plan).unwrap_or_default())
}
