//! The hand-off envelope: an in-toto Statement v1 that tells the next stage of a pipeline which signing context was
//! cleared, without telling it anything about private keys.
//!
//! At the gate there is no artifact yet, so the subject is the manifest; certificates appear by the last six digits of
//! their serial numbers. Only a cleared verdict has an envelope.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Verdict;
use super::gate::facts::TrustAnchor;
use super::manifest::Manifest;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::{Code, Severity};

/// The predicate type of a signing context.
pub const PREDICATE_TYPE: &str = "urn:countersign:signing-context:v1";

/// The type of a statement (in-toto attestation framework, v1).
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// An in-toto Statement (in-toto attestation framework, v1).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Statement {
    /// Always `https://in-toto.io/Statement/v1`.
    #[serde(rename = "_type")]
    #[schemars(extend("const" = STATEMENT_TYPE))]
    pub statement_type: &'static str,
    /// What the statement is about.
    pub subject: Vec<Subject>,
    /// Always `urn:countersign:signing-context:v1`.
    #[serde(rename = "predicateType")]
    #[schemars(extend("const" = PREDICATE_TYPE))]
    pub predicate_type: &'static str,
    /// What is stated.
    pub predicate: SigningContext,
}

/// One thing that the statement is about.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digests: algorithm to hex.
    pub digest: BTreeMap<&'static str, String>,
}

/// The signing context that was cleared.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SigningContext {
    /// `sha256:…` of the policy.
    pub policy: Digest,
    /// `sha256:…` of the manifest.
    pub manifest: Digest,
    /// Its revision.
    pub revision: u64,
    /// `sha256:…` of the plan.
    pub plan: Digest,
    /// Canonical digest of the identities, if they were judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identities: Option<Digest>,
    /// The host that was cleared.
    pub host: String,
    /// Its region, if the policy names regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The instant of the verdict (RFC 3339, UTC).
    pub judged_at: String,
    /// Until when the clearance may be used (RFC 3339, UTC).
    pub cleared_until: String,
    /// The groups that were waived.
    pub waived: Vec<&'static str>,
    /// The codes of the findings that warn.
    pub warnings: Vec<Code>,
    /// The directories of installed profiles that were looked at, in their order, with their links resolved.
    pub profile_directories: Vec<String>,
    /// The roots that are believed besides Apple's because the policy names them; the certificates' owners choose the names.
    pub trust_anchors: Vec<TrustAnchor>,
    /// The certificates that sign, by the last six digits of their serial numbers.
    pub certificates: Vec<String>,
    /// Where the audit log stood when the verdict was recorded: `SEQ:sha256:HEX`. With it, a log that was cut short or
    /// rewritten is found out.
    #[schemars(extend("pattern" = Checkpoint::PATTERN))]
    pub audit: String,
}

/// Why a verdict has no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoStatement {
    /// Something blocks.
    #[error("the gate did not clear this machine, so there is no envelope")]
    NotCleared,
    /// The manifest at hand is not the one that was judged.
    #[error("the gate judged manifest {judged}, but this one is {here}")]
    OtherManifest {
        /// Digest of the manifest that was judged.
        judged: Digest,
        /// Digest of the manifest at hand.
        here: Digest,
    },
}

/// The statement for a cleared verdict on `manifest`, which readers know as `manifest_name`; `audit` is where the audit
/// log stood when the verdict was recorded.
///
/// # Errors
/// The verdict is not cleared, or was given on another manifest.
pub fn statement(
    verdict: &Verdict,
    manifest: &Manifest,
    manifest_name: &str,
    audit: Checkpoint,
) -> Result<Statement, NoStatement> {
    let cleared = verdict.cleared().ok_or(NoStatement::NotCleared)?;
    if cleared.manifest() != manifest.digest() {
        return Err(NoStatement::OtherManifest {
            judged: cleared.manifest(),
            here: manifest.digest(),
        });
    }
    let judgement = verdict.judgement();
    let digest = cleared.manifest().to_string();
    let hex = digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned();
    let by_target: std::collections::HashSet<_> = manifest
        .targets()
        .iter()
        .map(|target| target.certificate)
        .collect();
    let serials: std::collections::BTreeSet<&str> = manifest
        .profiles()
        .iter()
        .filter(|profile| manifest.is_in_use(profile))
        .flat_map(|profile| &profile.certificates)
        .filter(|certificate| by_target.is_empty() || by_target.contains(&certificate.sha256))
        .map(|certificate| certificate.serial.as_str())
        .collect();
    Ok(Statement {
        statement_type: STATEMENT_TYPE,
        subject: vec![Subject {
            name: manifest_name.to_owned(),
            digest: BTreeMap::from([("sha256", hex)]),
        }],
        predicate_type: PREDICATE_TYPE,
        predicate: SigningContext {
            policy: cleared.policy(),
            manifest: cleared.manifest(),
            revision: cleared.revision(),
            plan: cleared.plan_digest(),
            identities: judgement.identities.canonical,
            host: cleared.host().to_string(),
            region: cleared.region().map(ToString::to_string),
            judged_at: cleared.from().to_string(),
            cleared_until: cleared.until().to_string(),
            waived: judgement
                .waived
                .iter()
                .map(|group| group.as_str())
                .collect(),
            warnings: judgement.codes(Severity::Warn),
            profile_directories: judgement
                .profile_directories
                .iter()
                .map(|directory| directory.display().to_string())
                .collect(),
            trust_anchors: judgement.trust_anchors.clone(),
            certificates: serials.into_iter().map(str::to_owned).collect(),
            audit: audit.to_string(),
        },
    })
}
