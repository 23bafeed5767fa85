//! Lists identities.

use schemars::JsonSchema;
use serde::Serialize;

use super::source::{self, OpenedPkcs12, Source};
use crate::base::digest::Digest;
use crate::ops::error::Failure;
use crate::ops::report::{Report, ShownIdentity};
use crate::ops::world::World;

/// The `countersign.identities.v1` document: what `identity list` found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IdentitiesDocument {
    /// Always `countersign.identities.v1`.
    #[schemars(extend("const" = "countersign.identities.v1"))]
    pub schema: &'static str,
    /// Each identity once, by SHA-1.
    pub identities: Vec<ShownIdentity>,
    /// SHA-256 over the sorted SHA-256 fingerprints, as `--expect-signing` takes it; null if not every one is known.
    pub canonical: Option<Digest>,
    /// SHA-1 of what `security find-identity` printed, 40 hex digits; null if they come from elsewhere.
    pub compatible: Option<Digest>,
    /// How a p12 is encrypted; absent if the identities do not come from a p12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerDocument>,
}

/// How a p12 is sealed, and what that means for `security import`, which says "MAC verification failed" to everything.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContainerDocument {
    /// Its MAC and its encryption with their iterations, in words.
    pub algorithms: String,
    /// What releases of macOS make of it with the password that was given.
    pub import: Vec<ImportDocument>,
}

/// What `security import` of one release makes of a p12; `countersign keychain import` converts what it must.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImportDocument {
    /// The major release of macOS.
    pub macos: u32,
    /// Whether it reads the file, why not, and what to do, in words.
    pub says: String,
}

impl Report for IdentitiesDocument {}

/// The identities that were found.
#[derive(Debug)]
pub struct Listing {
    /// The document.
    pub document: IdentitiesDocument,
    /// Where they were found, for people.
    pub source: String,
}

/// Lists the identities of `source`. A p12 is also tried as each release of macOS reads it.
///
/// # Errors
/// The source or the manifest cannot be read.
pub fn list(source: &Source, world: &World) -> Result<Listing, Failure> {
    let manifest = world.manifest_if_any()?;
    let found = source::read(source, manifest.as_ref(), world)?;
    let identities = found.identities;
    let warn_before = world.warn_before();
    Ok(Listing {
        document: IdentitiesDocument {
            schema: "countersign.identities.v1",
            identities: identities
                .identities
                .iter()
                .map(|it| ShownIdentity::of(it, world.now, warn_before))
                .collect(),
            canonical: source::canonical(identities.identities.iter().map(|it| it.sha256)),
            compatible: identities.compatible,
            container: found.container.as_ref().map(describe),
        },
        source: identities.source,
    })
}

fn describe(opened: &OpenedPkcs12) -> ContainerDocument {
    let import = |macos| ImportDocument {
        macos,
        says: opened.import_on(macos),
    };
    ContainerDocument {
        algorithms: opened.algorithms(),
        import: RELEASES.map(import).into(),
    }
}

/// The releases of macOS between which `security import` changed what it reads.
const RELEASES: [u32; 2] = [14, 15];
