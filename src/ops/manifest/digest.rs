//! The manifest's digest.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::ops::error::Failure;
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.manifest-digest.v1` document: what `manifest digest` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DigestDocument {
    /// Always `countersign.manifest-digest.v1`.
    #[schemars(extend("const" = "countersign.manifest-digest.v1"))]
    pub schema: &'static str,
    /// Of the file's bytes: `sha256:` and 64 hex digits, or with `--sha1` the 40 hex digits of SHA-1.
    pub digest: Digest,
    /// The manifest's revision.
    pub revision: u64,
}

impl Report for DigestDocument {}

/// The digest of the manifest's bytes: SHA-256, or what plain `shasum` prints.
///
/// # Errors
/// The manifest cannot be read.
pub fn digest(is_sha1: bool, world: &World) -> Result<DigestDocument, Failure> {
    let (manifest, bytes) = world.manifest()?;
    let digest = match is_sha1 {
        true => Digest::Sha1(crate::base::digest::sha1(&bytes)),
        false => manifest.digest(),
    };
    Ok(DigestDocument {
        schema: "countersign.manifest-digest.v1",
        digest,
        revision: manifest.revision(),
    })
}
