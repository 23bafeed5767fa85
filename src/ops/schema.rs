//! The JSON documents, each with its JSON Schema.
//!
//! Programs that we do not know rely on these documents. So each document is a type: the same type writes the
//! document and gives its schema, and the two always agree. The document's `schema` field holds its name and its
//! version, `countersign.NAME.v1`. Within a version, fields may be added, but no field is renamed, removed or given
//! another meaning. A reader ignores fields that it does not know. An unknown value is left out, or null if the
//! field's description says so.
//!
//! `docs/schema` holds the schemas as they were reviewed; a test compares them with the types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value as Json;

use super::report::{FindingsDocument, Report};
use super::{
    audit, certificate, contract, doctor, envelope, gate, identity, init, keychain, manifest, page,
    policy, portal, product, profile, rotate, run, targets,
};
use crate::context::envelope as statement;
use crate::context::manifest::{self as frozen, PlanDocument, Version};
use crate::context::rotation::probe::NodeProbe;
use crate::ledger::audit::Record;

/// A document that countersign writes.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its name: what its `schema` field says between `countersign.` and the version.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// What it is called as an argument: its name, for an earlier version with that.
    pub argument: &'static str,
    schema: fn() -> Json,
}

/// The documents of the verbs, and what verbs write into files.
pub const DOCUMENTS: &[Document] = &[
    // The only one that is read too: its schema refuses what reading it refuses, and earlier versions count.
    Document {
        name: "manifest",
        version: 2,
        argument: "manifest",
        schema: || frozen::json_schema(Version::Second),
    },
    Document {
        name: "manifest",
        version: 1,
        argument: "manifest-v1",
        schema: || frozen::json_schema(Version::First),
    },
    Document::of::<super::explain::ExplainDocument>("explain", 1),
    Document::of::<super::explain::CodesDocument>("codes", 1),
    Document::of::<statement::Statement>("envelope", 1),
    Document::of::<envelope::EnvelopeVerifyDocument>("envelope-verify", 1),
    Document::of::<init::document::InitDocument>("init", 1),
    Document::of::<manifest::FreezeDocument>("freeze", 1),
    Document::of::<manifest::DigestDocument>("manifest-digest", 1),
    Document::of::<manifest::ShowDocument>("manifest-show", 1),
    Document::of::<manifest::DiffDocument>("manifest-diff", 1),
    Document::of::<manifest::VerifyDocument>("manifest-verify", 1),
    Document::of::<policy::PolicyDigestDocument>("policy-digest", 1),
    Document::of::<profile::ProfilesDocument>("profiles", 1),
    Document::of::<profile::CheckDocument>("profile-check", 1),
    Document::of::<profile::InstallDocument>("profile-install", 1),
    Document::of::<profile::PruneDocument>("profile-prune", 1),
    Document::of::<targets::TargetsDocument>("targets", 1),
    Document::of::<targets::CheckDocument>("targets-check", 1),
    Document::of::<PlanDocument<'_>>("plan", 1),
    Document::of::<audit::AuditDocument>("audit", 1),
    // A line of the log and of what is exported.
    Document::of::<Record>("audit-record", 1),
    Document::of::<audit::verify::AuditVerifyDocument>("audit-verify", 1),
    Document::of::<audit::resume::AuditResumeDocument>("audit-resume", 1),
    Document::of::<audit::AuditCheckpointDocument>("audit-checkpoint", 1),
    Document::of::<FindingsDocument>("findings", 1),
    Document::of::<page::document::ReportDocument>("report", 1),
    Document::of::<doctor::document::DoctorDocument>("doctor", 1),
    Document::of::<product::ProductDocument>("product", 1),
    Document::of::<certificate::CertificateDocument>("certificate", 1),
    Document::of::<portal::list::PortalListDocument>("portal-list", 1),
    Document::of::<portal::document::RenewDocument>("portal-renew", 1),
    Document::of::<portal::fetch::FetchDocument>("portal-fetch", 1),
    Document::of::<rotate::PlanDocument>("rotation-plan", 1),
    Document::of::<rotate::document::StepDocument>("rotation-step", 1),
    Document::of::<rotate::StatusDocument>("rotation-status", 1),
    Document::of::<NodeProbe>("node-probe", 1),
    Document::of::<rotate::RehearsalDocument>("rehearsal", 1),
    Document::of::<contract::document::ContractDocument>("doctor-contract", 1),
    Document::of::<gate::document::GateDocument>("gate", 1),
    Document::of::<identity::list::IdentitiesDocument>("identities", 1),
    Document::of::<identity::digest::IdentityDigestDocument>("identity-digest", 1),
    Document::of::<run::receipt::ReceiptDocument>("receipt", 1),
    Document::of::<keychain::status::KeychainDocument>("keychain", 1),
    Document::of::<keychain::recover::RecoveryDocument>("recovery", 1),
];

impl Document {
    /// The document that `T` writes, by its name and version.
    pub const fn of<T: JsonSchema>(name: &'static str, version: u32) -> Self {
        Self {
            name,
            version,
            argument: name,
            schema: schema_of::<T>,
        }
    }

    /// What its `schema` field says.
    pub fn word(&self) -> String {
        format!("countersign.{}.v{}", self.name, self.version)
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

/// A JSON Schema as the answer of a verb: a document that is not ours, but JSON Schema's own.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct SchemaDocument(pub Json);

impl Report for SchemaDocument {}

/// The JSON Schema of a document.
pub fn schema(document: &Document) -> SchemaDocument {
    SchemaDocument(document.schema())
}
