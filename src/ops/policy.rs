//! The policy's digest.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::{Error, Failure};
use super::report::Report;
use super::world::World;
use crate::base::digest::{self, Digest};
use crate::base::error::ErrorCode;
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;

/// The `countersign.policy-digest.v1` document: what `policy digest` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyDigestDocument {
    /// Always `countersign.policy-digest.v1`.
    #[schemars(extend("const" = "countersign.policy-digest.v1"))]
    pub schema: &'static str,
    /// Of the file's bytes: `sha256:` and 64 hex digits, or with `--sha1` the 40 hex digits of SHA-1.
    pub digest: Digest,
    /// What is worth knowing of the policy; nothing in it blocks.
    pub findings: Vec<Finding>,
}

impl Report for PolicyDigestDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// The digest of the policy's bytes: SHA-256, or what plain `shasum` prints.
///
/// # Errors
/// There is no policy, it cannot be read, or it has a mistake: nobody should expect a policy that is not used.
pub fn digest(is_sha1: bool, world: &World) -> Result<PolicyDigestDocument, Failure> {
    let path = world.policy_path();
    let loaded = world.policy_if_any()?.ok_or_else(|| {
        let message = format!("{}: there is no policy", path.display());
        Error::new(ErrorCode::FileMissing, message)
            .hint("write a policy, or name it; docs/policy.md explains every key")
            .remedy(Remedy::NamePolicy)
            .in_file(path)
    })?;
    Ok(PolicyDigestDocument {
        schema: "countersign.policy-digest.v1",
        digest: match is_sha1 {
            true => Digest::Sha1(digest::sha1(&loaded.bytes)),
            false => Digest::of(&loaded.bytes),
        },
        findings: loaded.policy.remarks(),
    })
}
