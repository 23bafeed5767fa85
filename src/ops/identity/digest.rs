//! The digest of a set of identities.

use schemars::JsonSchema;
use serde::Serialize;

use super::source::{self, Source};
use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::ops::error::{Error, Failure};
use crate::ops::report::Report;
use crate::ops::world::World;

/// Which digest of which identities.
#[derive(Debug, Clone)]
pub struct DigestRequest {
    /// Where the identities are read from.
    pub source: Source,
    /// SHA-1 of what `find-identity` printed, instead of the canonical digest.
    pub compatible: bool,
}

/// The `countersign.identity-digest.v1` document: what `identity digest` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentityDigestDocument {
    /// Always `countersign.identity-digest.v1`.
    #[schemars(extend("const" = "countersign.identity-digest.v1"))]
    pub schema: &'static str,
    /// The canonical digest, `sha256:` and 64 hex digits; with `--compatible` the 40 hex digits of SHA-1.
    pub digest: Digest,
}

impl Report for IdentityDigestDocument {}

/// Computes the digest.
///
/// # Errors
/// The source or the manifest cannot be read, or the source does not tell what the digest is computed from.
pub fn digest(request: &DigestRequest, world: &World) -> Result<IdentityDigestDocument, Failure> {
    let manifest = world.manifest_if_any()?;
    let identities = source::read(&request.source, manifest.as_ref(), world)?.identities;
    let digest = if request.compatible {
        identities.compatible.ok_or_else(|| {
            Error::new(
                ErrorCode::Usage,
                "the compatible digest is the SHA-1 of find-identity output, and neither a p12 nor a keychain has such \
                 output",
            )
            .hint("name a file with the output of find-identity, or compute the canonical digest")
        })?
    } else {
        source::canonical(identities.identities.iter().map(|it| it.sha256)).ok_or_else(|| {
            Error::new(
                ErrorCode::FileMalformed,
                format!(
                    "{}: the find-identity output holds only SHA-1 fingerprints, and the manifest does not pin all of \
                     these certificates, so their SHA-256 fingerprints are unknown",
                    identities.source
                ),
            )
            .hint("name the manifest that pins them, or compute the compatible digest")
            .remedy(Remedy::NameManifest)
        })?
    };
    Ok(IdentityDigestDocument {
        schema: "countersign.identity-digest.v1",
        digest,
    })
}
