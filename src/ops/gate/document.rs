//! A judgement as a JSON document.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::finding::{Finding, Group};
use crate::base::ids::{CertSha256, HostName, ProfileUuid, RegionName};
use crate::context::gate::Judgement;
use crate::context::gate::facts::Evidence;
use crate::context::gate::facts::TrustAnchor;
use crate::context::manifest::Manifest;
use crate::ops::located;
use crate::ops::report::{Head, ManifestName, PolicyName, Report, VerdictWord, shown_paths};
use crate::ops::world::World;

/// The `countersign.gate.v1` document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GateDocument {
    /// Always `countersign.gate.v1`.
    #[schemars(extend("const" = "countersign.gate.v1"))]
    pub schema: &'static str,
    /// Whether this machine may sign with this manifest.
    pub verdict: VerdictWord,
    /// All findings: first those that block, then by group in the order of the gate.
    pub findings: Vec<Finding>,
    /// The groups that were not judged because somebody waived them.
    pub waived: Vec<Group>,
    /// The policy that was judged by; absent if there is none or it could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// The manifest that was judged; absent if the policy could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestName>,
    /// The Xcode project or workspace whose targets were judged, where nobody named one and it was found; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_project: Option<String>,
    /// The directories of installed profiles that were looked at, in their order, with their links resolved.
    pub profile_directories: Vec<String>,
    /// The roots that are believed besides Apple's because the policy names them; the certificates' owners choose the names.
    pub trust_anchors: Vec<TrustAnchor>,
    /// True if this gate did not verify the signatures of some pinned profiles, because an earlier one did, over the same bytes.
    pub proofs_remembered: bool,
    /// The digests of the identities, as far as they are known.
    pub identities: IdentityDocument,
    /// The region, if the policy names regions; else null.
    pub region: Option<RegionName>,
    /// The host that was judged.
    pub host: HostName,
    /// What the kernel and the loader say of the process that looked: how far host, user and clock can be believed.
    pub evidence: Evidence,
    /// The instant of the verdict (RFC 3339, UTC).
    pub judged_at: Timestamp,
    /// The last instant of the clearance (RFC 3339, UTC); null if nothing is cleared: something blocks, or there is no policy.
    pub cleared_until: Option<Timestamp>,
    /// What became of the envelope; null if none was asked for.
    pub envelope: Option<EnvelopeDocument>,
    /// True if the host or the instant is not the real one, so this is a rehearsal and not a verdict about this machine.
    pub rehearsal: bool,
    /// How many targets the manifest pins; absent if there is none to judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<usize>,
    /// What ends first of what the manifest pins and builds use; absent if nothing is pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_expiry: Option<ShownExpiry>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

/// Something pinned, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShownExpiry {
    /// Its name: of a profile, or the common name of a certificate.
    pub name: String,
    /// When it ends (RFC 3339, UTC).
    pub expires: Timestamp,
}

impl ShownExpiry {
    /// What ends first of the profiles in use, of the certificates that targets and products are pinned to, and of the longest-lived one of
    /// each profile that nothing is pinned to.
    fn first_of(manifest: &Manifest) -> Option<Self> {
        let profiles = manifest.profiles().iter();
        let in_use = profiles.filter(|profile| manifest.is_in_use(profile));
        let of_profiles = in_use
            .clone()
            .map(|profile| (profile.expires, &profile.name));
        let targets = manifest.targets().iter();
        let targets = targets.map(|target| (&target.profile, target.certificate));
        let products = manifest.products().iter();
        let products = products.map(|product| (&product.profile, product.certificate));
        let pinned: HashSet<(&ProfileUuid, CertSha256)> = targets.chain(products).collect();
        let of_pins = pinned.iter().filter_map(|(uuid, sha256)| {
            let (_, profile) = manifest.profile(uuid)?;
            let mut certificates = profile.certificates();
            let signing = certificates.find(|it| it.sha256 == *sha256)?;
            Some((signing.expires, &signing.common_name))
        });
        let signing: HashSet<&ProfileUuid> = pinned.iter().map(|(uuid, _)| *uuid).collect();
        let unpinned = in_use.filter(|profile| !signing.contains(&profile.uuid));
        let of_others = unpinned.filter_map(|profile| {
            let certificates = profile.certificates();
            let ends = certificates.map(|it| (it.expires, &it.common_name));
            ends.max()
        });
        let (expires, name) = of_profiles.chain(of_pins).chain(of_others).min()?;
        Some(Self {
            name: name.clone(),
            expires,
        })
    }
}

/// Both identity digests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentityDocument {
    /// SHA-256 over the sorted SHA-256 fingerprints of their certificates, as `--expect-signing` takes it; null if they
    /// were not observed, or if not every fingerprint is known.
    pub canonical: Option<Digest>,
    /// SHA-1 of what `security find-identity` printed, 40 hex digits; null without such a capture.
    pub compatible: Option<Digest>,
}

/// What became of the envelope that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvelopeDocument {
    /// The file.
    pub file: String,
    /// What became of it.
    pub outcome: EnvelopeOutcome,
    /// The fingerprint of the key that signed it, as `ssh-keygen -l` prints it; absent if it is not signed or not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

/// What became of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvelopeOutcome {
    /// It is written and signed.
    Signed,
    /// It is written and not signed: it proves nothing.
    NotSigned,
    /// The gate blocks, so there is none; that of an earlier verdict was removed.
    Removed,
    /// The gate blocks, so there is none, and there was none.
    NotWritten,
}

impl Report for GateDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// What the gate answers.
#[derive(Debug)]
pub struct GateAnswer {
    /// The document.
    pub document: GateDocument,
    /// How many profiles the manifest pins; `None` if the policy could not be used.
    pub profile_count: Option<usize>,
}

impl GateAnswer {
    /// The same, with what became of the envelope.
    #[must_use]
    pub(in crate::ops) fn with_envelope(mut self, envelope: Option<EnvelopeDocument>) -> Self {
        self.document.envelope = envelope;
        self
    }

    /// The same, with the project that was found because nobody named one.
    #[must_use]
    pub(super) fn with_found_project(mut self, project: Option<&Path>) -> Self {
        self.document.found_project = project.map(|project| project.display().to_string());
        self
    }

    /// The same, with the lines of the manifest that findings speak of.
    #[must_use]
    pub(in crate::ops) fn located(mut self, world: &World) -> Self {
        if let Some(manifest) = &self.document.manifest {
            let path = world.manifest_path();
            located::in_manifest(&mut self.document.findings, path, manifest.digest);
        }
        self
    }

    /// Shows a judgement of `manifest`, which is absent if the policy is missing or could not be used.
    pub(super) fn new(
        judgement: &Judgement,
        manifest: Option<&Manifest>,
        cleared_until: Option<Timestamp>,
        is_rehearsal: bool,
    ) -> Self {
        Self {
            document: GateDocument {
                schema: "countersign.gate.v1",
                verdict: VerdictWord::of(judgement.passes()),
                findings: judgement.findings.clone(),
                waived: judgement.waived.iter().copied().collect(),
                policy: judgement.policy.map(PolicyName::from),
                manifest: manifest.map(ManifestName::from),
                found_project: None,
                profile_directories: shown_paths(&judgement.profile_directories),
                trust_anchors: judgement.trust_anchors.clone(),
                proofs_remembered: judgement.proofs_are_remembered,
                identities: IdentityDocument {
                    canonical: judgement.identities.canonical,
                    compatible: judgement.identities.compatible,
                },
                region: judgement.region.clone(),
                host: judgement.host.clone(),
                evidence: judgement.evidence.clone(),
                judged_at: judgement.at,
                cleared_until,
                envelope: None,
                rehearsal: is_rehearsal,
                targets: manifest.map(|manifest| manifest.targets().len()),
                next_expiry: manifest.and_then(ShownExpiry::first_of),
                head: Head::default(),
            },
            profile_count: manifest.map(|manifest| manifest.profiles().len()),
        }
    }
}
