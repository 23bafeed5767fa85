//! What is shown of profile files: whether each is proven, why not, and what could be read of it.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::claims::Claims;
use crate::apple::entitlements::Entitlements;
use crate::apple::profile::{Fields, KindSource, Profile, ProfileKind};
use crate::apple::profile_signer::{LayerProof, SignerRole};
use crate::base::finding::Finding;
use crate::base::ids::{CertSha256, FileSha256};
use crate::context::manifest::{Manifest, PinnedCertificate};
use crate::context::state::{Installed, Pinned, State};
use crate::host::profile_store::Examined;
use crate::ops::prove;
use crate::ops::report::Report;

/// The `countersign.profiles.v1` document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProfilesDocument {
    /// Always `countersign.profiles.v1`.
    #[schemars(extend("const" = "countersign.profiles.v1"))]
    pub schema: &'static str,
    /// The files, in the order in which they were named or found.
    pub profiles: Vec<ShownProfile>,
    /// A file could not even be read: an error rather than a verdict. It is not part of the document.
    #[serde(skip)]
    pub has_unread: bool,
}

impl Report for ProfilesDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        let profiles = self.profiles.iter_mut();
        profiles.flat_map(|profile| &mut profile.findings).collect()
    }
}

impl ProfilesDocument {
    /// The same, with how each profile stands by the manifest at hand and the policy's `warn_before`.
    pub(super) fn standing(
        mut self,
        manifest: Option<&Manifest>,
        warn_before: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let pinned = Pinned::of(manifest);
        for profile in &mut self.profiles {
            let scope = match (&profile.team_id, profile.kind, &profile.bundle_id) {
                (Some(team), Some(kind), Some(bundle)) => {
                    Some((team.as_str(), kind, bundle.as_str()))
                }
                _ => None,
            };
            let installed = Installed {
                is_proven: profile.proven,
                expires: profile.expires,
                sha256: profile.sha256.as_ref(),
                uuid: profile.uuid.as_deref(),
                name: profile.name.as_deref(),
                scope,
            };
            profile.state = pinned.state(&installed, now, warn_before);
        }
        self
    }

    /// The document of files that were shown, each with whether it could not even be read.
    pub(super) fn of(shown: Vec<(ShownProfile, bool)>) -> Self {
        let mut has_unread = false;
        let profiles = shown.into_iter().map(|(profile, is_unread)| {
            has_unread |= is_unread;
            profile
        });
        Self {
            schema: "countersign.profiles.v1",
            profiles: profiles.collect(),
            has_unread,
        }
    }
}

/// One file: whether it is proven, why not, and what could be read of it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ShownProfile {
    /// The file, as it was named or found.
    pub file: String,
    /// Both layers are verified to a pinned anchor, have the right signer role, and agree.
    pub proven: bool,
    /// How it stands, in one word.
    pub state: State,
    /// Its findings.
    pub findings: Vec<Finding>,
    /// `UUID`, as the file spells it; of a file that is not proven, whatever it says there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The name it is installed under: `UUID.mobileprovision`, for macOS `UUID.provisionprofile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// `Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// The team's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_name: Option<String>,
    /// `PREFIX.bundle.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_identifier: Option<String>,
    /// Which bundle ids it covers: one, `prefix.*` or `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProfileKind>,
    /// How the kind was determined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind_source: Option<KindSource>,
    /// Its platforms, as Apple writes them: `iOS`, `xrOS`, `OSX`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it expires (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// SHA-256 of the file, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<FileSha256>,
    /// The certificates that it lets sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<PinnedCertificate>>,
    /// The whole dictionary of entitlements that it grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub entitlements: Option<Entitlements>,
    /// How many devices it names. The device ids are not in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_count: Option<usize>,
    /// Made by Xcode's automatic signing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xcode_managed: Option<bool>,
    /// Who signed which layer, if it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<ShownLayers>,
}

/// Who signed which layer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownLayers {
    /// The CMS around the property list.
    pub outer: ShownLayer,
    /// The CMS in `DER-Encoded-Profile`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner: Option<ShownLayer>,
}

/// Who signed one layer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownLayer {
    /// The signer's role, from Apple's marker extensions.
    pub role: SignerRole,
    /// The signer's common name.
    pub signer: String,
    /// When it was signed, by the signer's account (RFC 3339, UTC).
    pub signed: Timestamp,
    /// SHA-256 of the root that the chain ends in: of its DER encoding, hex.
    pub anchor: CertSha256,
}

impl ShownProfile {
    /// What a file holds, and whether it could not even be read.
    pub(super) fn of(path: &Path, examined: Examined) -> (Self, bool) {
        let shown = Self {
            file: path.display().to_string(),
            findings: prove::findings(path, &examined),
            ..Self::default()
        };
        match examined {
            Examined::Proven(profile) => (shown.proven(&profile), false),
            Examined::Unproven(unproven) => {
                let shown = Self {
                    sha256: Some(unproven.sha256),
                    ..shown
                };
                let shown = match (unproven.fields, unproven.claims) {
                    (Some(fields), _) => shown.with_fields(&fields),
                    (None, Some(claims)) => shown.with_claims(*claims),
                    (None, None) => shown,
                };
                (shown, false)
            }
            Examined::Unreadable(_) => (shown, true),
        }
    }

    fn proven(self, profile: &Profile) -> Self {
        let layer = |proof: &LayerProof| ShownLayer {
            role: proof.role(),
            signer: proof.signer().common_name.clone(),
            signed: proof.signing_time(),
            anchor: *proof.anchor(),
        };
        let certificates = profile.certificates().iter();
        Self {
            proven: true,
            sha256: Some(*profile.sha256()),
            certificates: Some(
                certificates
                    .map(|certificate| PinnedCertificate::from(certificate.as_ref()))
                    .collect(),
            ),
            layers: Some(ShownLayers {
                outer: layer(profile.outer()),
                inner: profile.inner().map(layer),
            }),
            ..self
        }
        .with_fields(profile.fields())
    }

    fn with_fields(self, fields: &Fields) -> Self {
        Self {
            uuid: Some(fields.uuid.to_string()),
            filename: Some(fields.file_name()),
            name: Some(fields.name.clone()),
            team_id: Some(fields.team_id.to_string()),
            team_name: Some(fields.team_name.clone()),
            application_identifier: Some(fields.application_identifier.clone()),
            bundle_id: Some(fields.bundle_id.to_string()),
            kind: Some(fields.kind),
            kind_source: Some(fields.kind_source),
            platforms: Some(fields.platforms.clone()),
            created: Some(fields.created),
            expires: Some(fields.expires),
            entitlements: Some(fields.entitlements.clone()),
            device_count: Some(fields.device_count.unwrap_or(0)),
            xcode_managed: Some(fields.xcode_managed),
            ..self
        }
    }

    fn with_claims(self, claims: Claims) -> Self {
        Self {
            uuid: claims.uuid,
            name: claims.name,
            team_id: claims.team_ids.and_then(|ids| ids.into_iter().next()),
            team_name: claims.team_name,
            platforms: claims.platforms,
            created: claims.created,
            expires: claims.expires,
            entitlements: claims.entitlements.map(Entitlements::from),
            device_count: claims.devices.map(|devices| devices.len()),
            ..self
        }
    }
}
