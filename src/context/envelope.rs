//! The hand-off envelope: an in-toto Statement v1 that tells the next stage of a pipeline which signing context was
//! cleared, without telling it anything about private keys.
//!
//! At the gate there is no artifact yet, so the subject is the manifest; certificates appear by the last six digits of
//! their serial numbers. Only a cleared verdict has an envelope. A run that held what it built against the manifest adds each
//! product as a subject ([`Statement::about`]).
//!
//! A statement is worth what its signature is worth. A signed one is the payload of a DSSE envelope, and [`verify`] says
//! whether somebody who may sign has signed it. An unsigned one says so itself ([`SigningContext::signed`]): whoever can
//! write to the file can write anything into it, so it proves nothing, and [`verify`] never says that it holds.
//!
//! - [`dsse`]: the file, signed or not
//! - `json`: JSON without two meanings
//! - [`verify`](mod@verify): whether an envelope holds

pub mod dsse;
mod json;
pub mod verify;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::Verdict;
use super::gate::facts::TrustAnchor;
use super::manifest::Manifest;
use crate::apple::code_signature::product_digest::ProductDigest;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::{Group, Severity};
use crate::base::ids::{HostName, RegionName};

/// The predicate type of a signing context.
pub const PREDICATE_TYPE: &str = "urn:countersign:signing-context:v1";

/// The type of a statement (in-toto attestation framework, v1).
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The algorithm of the subject's digest, as in-toto names it.
const SHA256: &str = "sha256";

/// An in-toto Statement (in-toto attestation framework, v1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// Always `https://in-toto.io/Statement/v1`.
    #[serde(rename = "_type")]
    #[schemars(extend("const" = STATEMENT_TYPE))]
    pub statement_type: String,
    /// What the statement is about: the manifest, and after it each product that was built in the cleared run, held against
    /// the manifest, and cleared.
    pub subject: Vec<Subject>,
    /// Always `urn:countersign:signing-context:v1`.
    #[serde(rename = "predicateType")]
    #[schemars(extend("const" = PREDICATE_TYPE))]
    pub predicate_type: String,
    /// What is stated.
    pub predicate: SigningContext,
}

/// One thing that the statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// Its name: the file name of the manifest, or the path of a product as somebody wrote it.
    pub name: String,
    /// Its digest: algorithm to hex. The algorithm is `sha256` for a file, and `countersignProductDigestV1` (see
    /// docs/evidence.md) for a product that is a folder.
    pub digest: BTreeMap<String, String>,
}

/// The signing context that was cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningContext {
    /// True if the statement is the payload of a signed envelope. False if nobody signs it: then whoever can write to the
    /// file can write anything into it, and it proves nothing.
    pub signed: bool,
    /// `sha256:…` of the policy.
    pub policy: Digest,
    /// `sha256:…` of the manifest.
    pub manifest: Digest,
    /// Its revision.
    pub revision: u64,
    /// `sha256:…` of the plan.
    pub plan: Digest,
    /// Canonical digest of the identities, if they were judged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identities: Option<Digest>,
    /// The host that was cleared.
    pub host: HostName,
    /// Its region, if the policy names regions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<RegionName>,
    /// The instant of the verdict (RFC 3339, UTC).
    pub judged_at: Timestamp,
    /// Until when the clearance may be used (RFC 3339, UTC).
    pub cleared_until: Timestamp,
    /// The groups that were waived.
    pub waived: Vec<Group>,
    /// The codes of the findings that warn.
    pub warnings: Vec<String>,
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
    /// Profiles were proven by an earlier gate: only what was proven for it is handed on.
    #[error("an earlier gate proved the profiles, so there is no envelope")]
    ProofsRemembered,
}

/// The statement for a cleared verdict on `manifest`, which readers know as `manifest_name`; `audit` is where the audit
/// log stood when the verdict was recorded. `signed` says that the statement will be the payload of a signed envelope.
///
/// # Errors
/// The verdict is not cleared, was given on another manifest, or rests on what an earlier gate proved.
pub fn statement(
    verdict: &Verdict,
    manifest: &Manifest,
    manifest_name: &str,
    audit: Checkpoint,
    signed: bool,
) -> Result<Statement, NoStatement> {
    let cleared = verdict.cleared().ok_or(NoStatement::NotCleared)?;
    if cleared.manifest() != manifest.digest() {
        return Err(NoStatement::OtherManifest {
            judged: cleared.manifest(),
            here: manifest.digest(),
        });
    }
    let judgement = verdict.judgement();
    if judgement.proofs_are_remembered {
        return Err(NoStatement::ProofsRemembered);
    }
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
        statement_type: STATEMENT_TYPE.to_owned(),
        subject: vec![Subject {
            name: manifest_name.to_owned(),
            digest: BTreeMap::from([(SHA256.to_owned(), hex_of(cleared.manifest()))]),
        }],
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: SigningContext {
            signed,
            policy: cleared.policy(),
            manifest: cleared.manifest(),
            revision: cleared.revision(),
            plan: cleared.plan_digest(),
            identities: judgement.identities.canonical,
            host: cleared.host().clone(),
            region: cleared.region().cloned(),
            judged_at: cleared.from(),
            cleared_until: cleared.until(),
            waived: judgement.waived.iter().copied().collect(),
            warnings: judgement
                .codes(Severity::Warn)
                .iter()
                .map(ToString::to_string)
                .collect(),
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

impl Statement {
    /// The same statement about products too, each with its name: the cleared run built them, and they are what was planned
    /// and pinned. A product that is named twice is one subject.
    #[must_use]
    pub fn about(mut self, products: &[(String, ProductDigest)]) -> Self {
        for (name, found) in products {
            let subject = Subject {
                name: name.clone(),
                digest: BTreeMap::from([(
                    found.algorithm.as_str().to_owned(),
                    hex_of(found.digest),
                )]),
            };
            if !self.subject.contains(&subject) {
                self.subject.push(subject);
            }
        }
        self
    }

    /// The subjects that are products.
    pub fn products(&self) -> &[Subject] {
        self.subject.get(1..).unwrap_or_default()
    }

    /// The bytes of the statement: what is signed, and what an unsigned file holds.
    ///
    /// # Errors
    /// The values cannot be written as JSON; that does not happen.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        dsse::written(self)
    }
}

/// A SHA-256 without the name of the algorithm.
fn hex_of(digest: Digest) -> String {
    let digest = digest.to_string();
    digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned()
}
