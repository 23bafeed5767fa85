//! What the manifest pins of each profile, certificate and target. The order of fields here is their order in the file.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instant;
use crate::apple::certificate::{Certificate, CertificateKind};
use crate::apple::entitlements::Entitlements;
use crate::apple::profile::{Profile, ProfileKind};
use crate::base::finding::TouchedProfile;
use crate::base::ids::{
    BundleId, BundlePattern, CertSha1, CertSha256, ConfigurationName, FileSha256, ProfileUuid,
    TargetName, TeamId,
};
use crate::xcode::platform::Platform;

/// Where a pinned profile stands in its rotation.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileState {
    /// Signs builds.
    #[default]
    Active,
    /// Is installed and proven, but does not sign yet.
    Incoming,
    /// Was replaced, but stays installed, so that a rollback needs no download.
    Retiring,
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Incoming => "incoming",
            Self::Retiring => "retiring",
        })
    }
}

/// A profile, as it was when the manifest was frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedProfile {
    /// UUID, as the profile spells it.
    pub uuid: ProfileUuid,
    /// The name it is installed under: `UUID.mobileprovision`, for macOS `UUID.provisionprofile`.
    pub filename: String,
    /// Its name, which Xcode chooses by when a specifier is a name.
    pub name: String,
    /// The team.
    pub team_id: TeamId,
    /// `PREFIX.bundle.id`.
    pub application_identifier: String,
    /// Which bundle ids it covers: one, `prefix.*` or `*`.
    pub bundle_id: BundlePattern,
    /// What it is for.
    pub kind: ProfileKind,
    /// Its platforms, as Apple writes them.
    pub platforms: Vec<String>,
    /// When it was made (RFC 3339, UTC).
    #[serde(with = "instant")]
    #[schemars(with = "Timestamp")]
    pub created: Timestamp,
    /// When it expires (RFC 3339, UTC).
    #[serde(with = "instant")]
    #[schemars(with = "Timestamp")]
    pub expires: Timestamp,
    /// SHA-256 of the file, hex.
    pub sha256: FileSha256,
    /// The certificates that it lets sign, in the order of the file. Thousands of profiles share a few of them.
    pub certificates: Vec<Arc<PinnedCertificate>>,
    /// The whole dictionary of entitlements that it grants.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub entitlements: Entitlements,
    /// How many devices it names. The device ids are not in the manifest.
    pub device_count: usize,
    /// Where it stands in its rotation.
    pub state: ProfileState,
    /// Whether Xcode made it and replaces it as it likes (`IsXcodeManaged`), where its file was read: no manifest holds it.
    #[serde(skip)]
    pub xcode_managed: Option<bool>,
}

impl PinnedProfile {
    /// What is pinned of a proven profile.
    pub fn of(profile: &Profile, state: ProfileState) -> Self {
        let fields = profile.fields();
        Self {
            uuid: fields.uuid.clone(),
            filename: fields.file_name(),
            name: fields.name.clone(),
            team_id: fields.team_id.clone(),
            application_identifier: fields.application_identifier.clone(),
            bundle_id: fields.bundle_id.clone(),
            kind: fields.kind,
            platforms: fields.platforms.clone(),
            created: fields.created,
            expires: fields.expires,
            sha256: *profile.sha256(),
            certificates: profile
                .certificates()
                .iter()
                .map(|certificate| Arc::new(certificate.as_ref().into()))
                .collect(),
            entitlements: fields.entitlements.clone(),
            device_count: fields.device_count.unwrap_or(0),
            state,
            xcode_managed: Some(fields.xcode_managed),
        }
    }

    /// The certificates that it lets sign, in the order of the file.
    pub fn certificates(&self) -> impl Iterator<Item = &PinnedCertificate> {
        self.certificates.iter().map(AsRef::as_ref)
    }

    /// Whether it is for macOS: no iOS build can take it for its own.
    pub fn is_mac(&self) -> bool {
        crate::apple::profile::is_mac(&self.platforms)
    }

    /// Whether Xcode manages it. Where its file was not read, its name tells: Xcode calls such profiles
    /// `iOS Team Store Provisioning Profile: ID`, and people have no reason to.
    pub fn is_xcode_managed(&self) -> bool {
        self.xcode_managed.unwrap_or_else(|| {
            let name = self.name.split_once(": ").map(|(name, _)| name);
            name.is_some_and(|name| {
                name.contains(" Team ") && name.ends_with("Provisioning Profile")
            })
        })
    }

    /// Its name and UUID, for messages.
    pub fn title(&self) -> String {
        format!("{:?} ({})", self.name, self.uuid)
    }

    /// How a finding names it that touches several.
    pub fn touched(&self) -> TouchedProfile {
        TouchedProfile {
            uuid: self.uuid.to_string(),
            name: self.name.clone(),
        }
    }
}

/// A developer certificate that a profile lets sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedCertificate {
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
    /// SHA-1 of its DER encoding, hex: how `security find-identity` and Xcode name it.
    pub sha1: CertSha1,
    /// Subject common name; not unique.
    pub common_name: String,
    /// What Apple issued it for.
    pub kind: CertificateKind,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// Its issuer's common name and generation, so that a missing intermediate can be named.
    pub issuer: String,
    /// Its notAfter (RFC 3339, UTC).
    #[serde(with = "instant")]
    #[schemars(with = "Timestamp")]
    pub expires: Timestamp,
}

impl PinnedCertificate {
    /// How messages name it: by its common name and the end of its serial number, because a renewed one has the name of the old one.
    pub fn title(&self) -> String {
        format!("{} (serial …{})", self.common_name, self.serial)
    }
}

impl From<&Certificate> for PinnedCertificate {
    fn from(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.sha256,
            sha1: certificate.sha1,
            common_name: certificate.common_name.clone(),
            kind: certificate.kind,
            serial: certificate.serial_last_six(),
            issuer: certificate.issuer_name(),
            expires: certificate.validity.not_after,
        }
    }
}

/// A target of an Xcode project and what signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedTarget {
    /// The project's folder, relative to where freezing ran: `App.xcodeproj`.
    pub project: String,
    /// The target.
    pub target: TargetName,
    /// The build configuration.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// Its resolved bundle id.
    pub bundle_id: BundleId,
    /// The profile that signs it.
    pub profile: ProfileUuid,
    /// The certificate that signs it, by SHA-256.
    pub certificate: CertSha256,
}

impl PinnedTarget {
    /// What it is ordered by and unique in.
    pub fn key(&self) -> (&str, &TargetName, &ConfigurationName, Platform) {
        (
            &self.project,
            &self.target,
            &self.configuration,
            self.platform,
        )
    }
}
