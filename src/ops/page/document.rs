//! What the report holds: the `countersign.report.v1` document.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::expiries::Expiry;
use crate::apple::certificate::CertificateKind;
use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::ids::{
    BundleId, BundlePattern, CertSha256, ConfigurationName, HostName, ProductName, ProfileUuid,
    TargetName, TeamId,
};
use crate::base::remedy::Remedy;
use crate::context::manifest::ProfileState;
use crate::ops::error::Error;
use crate::ops::report::{Report, VerdictWord};
use crate::xcode::platform::Platform;

/// The `countersign.report.v1` document: the signing context as one page shows it. Lists are in the order of the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportDocument {
    /// Always `countersign.report.v1`.
    #[schemars(extend("const" = "countersign.report.v1"))]
    pub schema: &'static str,
    /// When it was made (RFC 3339, UTC).
    pub at: Timestamp,
    /// The end of its timeline (RFC 3339, UTC): 400 days later.
    pub until: Timestamp,
    /// The host that it was made on; null if that has no usable name.
    pub host: Option<HostName>,
    /// What a gate would say of this host at that instant, in a rehearsal; null if it could not be asked.
    pub verdict: Option<VerdictWord>,
    /// What is wrong: first what blocks, then by group in the order of the gate.
    pub findings: Vec<Finding>,
    /// What the report could not look at.
    pub missing: Vec<Missing>,
    /// The policy; absent if there is none or it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<NamedFile>,
    /// The manifest; absent if there is none or it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<NamedFile>,
    /// The policy's limits, or the built-in ones.
    pub limits: Limits,
    /// Everything that expires, the earliest first.
    pub expiries: Vec<Expiry>,
    /// The certificates of the profiles, those first that carry most.
    pub certificates: Vec<ReportedCertificate>,
    /// The pinned profiles, by UUID; without a manifest, the installed ones that are proven.
    pub profiles: Vec<ReportedProfile>,
    /// The targets that need a profile: of the named projects, else as the manifest pins them.
    pub targets: Vec<ReportedTarget>,
    /// The products without an Xcode project, by name.
    pub products: Vec<ReportedProduct>,
    /// The last verdicts of gates, newest first.
    pub gates: Vec<RecordedGate>,
    /// The last windows in which a keychain was open, newest first.
    pub windows: Vec<RecordedWindow>,
}

impl Report for ReportDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissingPart {
    /// The policy.
    Policy,
    /// The manifest.
    Manifest,
    /// Profiles, pinned or installed.
    Profiles,
    /// What a gate would say.
    Verdict,
    /// What signs which target.
    Targets,
    /// The audit log.
    AuditLog,
    /// The keychain.
    Keychain,
}

impl MissingPart {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Manifest => "manifest",
            Self::Profiles => "profiles",
            Self::Verdict => "verdict",
            Self::Targets => "targets",
            Self::AuditLog => "audit log",
            Self::Keychain => "keychain",
        }
    }
}

/// A part that is not there, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Missing {
    /// Which.
    pub part: MissingPart,
    /// Why, for people.
    pub why: String,
    /// What to do, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The step of countersign that mends it: whoever shows it adds the command to the hint.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
}

impl Missing {
    /// A part that could not be had because of an error.
    pub(in crate::ops) fn of(part: MissingPart, error: &Error) -> Self {
        let (hint, remedy) = error.advice();
        Self {
            part,
            why: error.message().to_owned(),
            hint: hint.map(str::to_owned),
            remedy,
        }
    }
}

/// A file that the report rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NamedFile {
    /// Where it lies.
    pub file: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// The manifest's revision; absent for a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// The policy's limits on what expires.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Limits {
    /// `profiles.minimum_validity`, as in `7d`.
    pub minimum_validity: String,
    /// What expires before this instant blocks (RFC 3339, UTC).
    pub blocks_before: Timestamp,
    /// `profiles.warn_before`, as in `30d`.
    pub warn_before: String,
    /// What expires before this instant is warned of (RFC 3339, UTC).
    pub warns_before: Timestamp,
}

/// A certificate, and what it carries.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportedCertificate {
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
    /// Its common name; not unique.
    pub name: String,
    /// What Apple issued it for.
    pub kind: CertificateKind,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// Its issuer.
    pub issuer: String,
    /// How many profiles name it.
    pub profiles: usize,
    /// How many targets and products it signs.
    pub signs: usize,
}

/// A profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportedProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: ProfileKind,
    /// The team.
    pub team_id: TeamId,
    /// Which bundle ids it covers.
    pub bundle_id: BundlePattern,
    /// Where it stands in its rotation; null if no manifest pins it.
    pub state: Option<ProfileState>,
    /// The certificates that it lets sign, by SHA-256, in the order of the file.
    pub certificates: Vec<CertSha256>,
}

/// A target in one configuration on one platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportedTarget {
    /// Its project.
    pub project: String,
    /// Its name.
    pub target: TargetName,
    /// The build configuration.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// Its bundle id, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// The profile that signs it; null if nothing fits.
    pub profile: Option<ProfileUuid>,
    /// The certificate that signs it, by SHA-256; null if nothing fits.
    pub certificate: Option<CertSha256>,
}

/// A product without an Xcode project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportedProduct {
    /// Its name.
    pub name: ProductName,
    /// Its bundle id.
    pub bundle_id: BundleId,
    /// The profile that lets it run.
    pub profile: ProfileUuid,
    /// The certificate that signs it, by SHA-256; null if its profile is not here.
    pub certificate: Option<CertSha256>,
}

/// A verdict, as the audit log has it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordedGate {
    /// When (RFC 3339, UTC).
    pub at: Timestamp,
    /// Whether it cleared.
    pub verdict: VerdictWord,
    /// The machine.
    pub host: HostName,
    /// The CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The run that asked; absent for a gate that no run asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The codes of what blocked, as the log has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// The groups that somebody waived, as the log has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// A window in which a keychain was open, as the audit log has it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordedWindow {
    /// The run.
    pub run: String,
    /// When the keychain was opened (RFC 3339, UTC).
    pub opened: Timestamp,
    /// When its closing was recorded (RFC 3339, UTC); null if no record tells of it.
    pub closed: Option<Timestamp>,
    /// What closed it, by the record's action: `keychain-lock`, `recover` or `overdue`; null if no record tells of it.
    pub closed_by: Option<String>,
    /// The keychain, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keychain: Option<String>,
    /// The machine.
    pub host: HostName,
    /// The CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}
