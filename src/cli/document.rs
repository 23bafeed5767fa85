//! The JSON documents: what `--format json` prints and what is written for pipelines to read, with a JSON Schema of each.
//!
//! A document is a contract with programs that nobody here knows. So its shape is a type and never put together on the
//! spot: the same type writes the document and gives its schema, and the two cannot part. The document's `schema` field
//! holds its name and its version, `countersign.NAME.v1`. Within a version fields may be added; none is renamed, taken
//! away, or given another meaning, so a reader passes over the fields that it does not know. What is unknown is left
//! out; where a field says null, it is null.
//!
//! `docs/schema` holds the schemas as they were reviewed; a test compares them with the types.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value as Json;

use super::{audit, exit, gate, identity, keychain, manifest, profile, receipt, targets};
use crate::base::digest::Digest;
use crate::context::envelope;
use crate::context::manifest::{self as frozen, Manifest};
use crate::context::plan::PlanDocument;

/// A document that countersign writes.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its name: what its `schema` field says between `countersign.` and `.v1`.
    pub name: &'static str,
    schema: fn() -> Json,
}

impl Document {
    /// Every document.
    pub const ALL: &'static [Self] = &[
        // The only one that is read too: its schema refuses what reading it refuses.
        Self {
            name: "manifest",
            schema: frozen::json_schema,
        },
        Self::of::<envelope::Statement>("envelope"),
        Self::of::<gate::GateDocument>("gate"),
        Self::of::<manifest::FreezeDocument<'_>>("freeze"),
        Self::of::<manifest::DigestDocument>("manifest-digest"),
        Self::of::<manifest::DiffDocument>("manifest-diff"),
        Self::of::<manifest::VerifyDocument>("manifest-verify"),
        Self::of::<profile::ProfilesDocument>("profiles"),
        Self::of::<profile::InstallDocument>("profile-install"),
        Self::of::<profile::PruneDocument>("profile-prune"),
        Self::of::<targets::TargetsDocument>("targets"),
        Self::of::<targets::CheckDocument>("targets-check"),
        Self::of::<PlanDocument<'_>>("plan"),
        Self::of::<identity::IdentitiesDocument>("identities"),
        Self::of::<identity::IdentityDigestDocument>("identity-digest"),
        Self::of::<receipt::ReceiptDocument>("receipt"),
        Self::of::<keychain::KeychainDocument>("keychain"),
        Self::of::<keychain::RecoveryDocument>("recovery"),
        Self::of::<audit::AuditDocument<'_>>("audit"),
        Self::of::<audit::AuditVerifyDocument>("audit-verify"),
        Self::of::<audit::AuditCheckpointDocument>("audit-checkpoint"),
        Self::of::<exit::ErrorDocument<'_>>("error"),
    ];

    const fn of<T: JsonSchema>(name: &'static str) -> Self {
        Self {
            name,
            schema: schema_of::<T>,
        }
    }

    /// Its JSON Schema (2020-12), generated from the types that write it.
    pub fn schema(&self) -> Json {
        (self.schema)()
    }
}

/// The schema of what is written: a field that is always there is required, also where it may be null.
fn schema_of<T: JsonSchema>() -> Json {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

impl ValueEnum for Document {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name))
    }
}

/// A verdict, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictWord {
    /// No finding blocks.
    Cleared,
    /// At least one finding blocks.
    Blocked,
}

impl VerdictWord {
    /// The word for whether it is cleared.
    pub fn of(is_cleared: bool) -> Self {
        if is_cleared {
            Self::Cleared
        } else {
            Self::Blocked
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Blocked => "blocked",
        }
    }
}

/// A manifest by digest and revision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ManifestName {
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
    /// Its revision: from 1, one more for each change.
    pub revision: u64,
}

impl From<&Manifest> for ManifestName {
    fn from(manifest: &Manifest) -> Self {
        Self {
            digest: manifest.digest(),
            revision: manifest.revision(),
        }
    }
}
