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
use serde_json::Value as Json;

use super::{failure, gate, identity, keychain, manifest, profile, receipt, targets};
use crate::context::envelope;
use crate::context::manifest as frozen;
use crate::context::plan::PlanDocument;
use crate::ops::audit;
use crate::ops::report::FindingsDocument;

/// A document that countersign writes.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its name: what its `schema` field says between `countersign.` and the version.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    schema: fn() -> Json,
}

impl Document {
    /// Every document.
    pub const ALL: &'static [Self] = &[
        // The only one that is read too: its schema refuses what reading it refuses.
        Self {
            name: "manifest",
            version: 1,
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
        Self::of::<audit::AuditDocument>("audit"),
        Self::of::<audit::AuditVerifyDocument>("audit-verify"),
        Self::of::<audit::AuditCheckpointDocument>("audit-checkpoint"),
        Self::of::<FindingsDocument>("findings"),
        Self {
            version: 2,
            ..Self::of::<failure::ErrorDocument<'_>>("error")
        },
    ];

    const fn of<T: JsonSchema>(name: &'static str) -> Self {
        Self {
            name,
            version: 1,
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

pub use crate::ops::report::{ManifestName, VerdictWord};
