//! What App Store Connect holds, beside manifest and machine.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{self, KeyRequest};
use crate::apple::app_store_connect::resource::{
    PortalBundleId, PortalCertificate, PortalDevice, PortalProfile, ProfileStanding, ResourceId,
};
use crate::apple::app_store_connect::words::{CertificateType, ProfileType};
use crate::apple::profile::ProfileKind;
use crate::base::finding::Finding;
use crate::base::ids::{CertSha1, CertSha256, ProfileUuid};
use crate::context::manifest::{Manifest, PinnedProfile};
use crate::context::portal::snapshot::Snapshot;
use crate::context::portal::standing::{Known, PortalState};
use crate::context::state::State;
use crate::host::profile_store::Examined;
use crate::ops::error::Failure;
use crate::ops::prove;
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.portal-list.v1` document: what App Store Connect holds of a team.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PortalListDocument {
    /// Always `countersign.portal-list.v1`.
    #[schemars(extend("const" = "countersign.portal-list.v1"))]
    pub schema: &'static str,
    /// The profiles; what ends first comes first.
    pub profiles: Vec<ListedProfile>,
    /// The certificates, likewise. A revoked one is not among them.
    pub certificates: Vec<ListedCertificate>,
    /// The devices, by class and name, without their identifiers.
    pub devices: Vec<ListedDevice>,
    /// The bundle ids, in the order of their texts.
    pub bundle_ids: Vec<ListedBundleId>,
    /// The pinned profiles that App Store Connect does not list: deleted there, another team's, or Xcode's own.
    pub not_listed: Vec<UnlistedProfile>,
    /// The findings about the profiles that the manifest pins. None blocks: a list is no verdict.
    pub findings: Vec<Finding>,
}

impl Report for PortalListDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A profile at App Store Connect.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Its type, in Apple's word.
    pub profile_type: ProfileType,
    /// What it is for; absent if the type is not known to this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProfileKind>,
    /// How it stands.
    pub state: PortalState,
    /// How Apple says that it stands: `ACTIVE` or `INVALID`. An expired profile stays `ACTIVE`.
    pub portal_state: String,
    /// The bundle id that it is for; absent if that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// When it was made (RFC 3339, UTC), where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// How many certificates it names.
    pub certificate_count: usize,
    /// How many devices it lists.
    pub device_count: usize,
    /// Whether the manifest pins its UUID.
    pub pinned: bool,
    /// Whether a proven profile of its UUID is installed on this machine.
    pub installed: bool,
}

/// A certificate at App Store Connect.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedCertificate {
    /// Its name; not unique.
    pub name: String,
    /// Its type, in Apple's word.
    pub certificate_type: CertificateType,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// SHA-1 of its DER encoding, hex; absent if the encoding is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<CertSha1>,
    /// SHA-256 of its DER encoding, hex, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<CertSha256>,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// How it stands, by its end.
    pub state: State,
    /// Whether a pinned profile names it.
    pub pinned: bool,
    /// How many profiles at App Store Connect name it, as far as their answers hold its id.
    pub profile_count: usize,
}

/// A device at App Store Connect.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedDevice {
    /// Its name.
    pub name: String,
    /// Its class, in Apple's word: `IPHONE`, `MAC`, …
    pub class: String,
    /// Its model, where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether new profiles can list it.
    pub enabled: bool,
    /// When it was registered (RFC 3339, UTC), where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<Timestamp>,
}

/// A bundle id at App Store Connect.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedBundleId {
    /// The bundle id; it may end in `*`.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// The prefix of application identifiers, where it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How many profiles there are for it.
    pub profile_count: usize,
}

/// A pinned profile that App Store Connect does not list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnlistedProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
}

impl From<&PinnedProfile> for UnlistedProfile {
    fn from(profile: &PinnedProfile) -> Self {
        Self {
            uuid: profile.uuid.clone(),
            name: profile.name.clone(),
            expires: profile.expires,
        }
    }
}

/// Lists what App Store Connect holds. Nothing is recorded or changed.
///
/// # Errors
/// The key or the policy cannot be used, there is no answer, or a directory of profiles cannot be listed.
pub fn list(key: &KeyRequest, world: &World) -> Result<PortalListDocument, Failure> {
    let key = key.read()?;
    let (policy, verifier) = prove::verifier(world)?;
    let manifest = world.manifest_if_any()?;
    // Where nobody knows the directories of this machine, nothing is installed here.
    let files = match world.check_home_of_profiles(&policy) {
        Ok(()) => world.installed_files(&policy)?,
        Err(_) => Vec::new(),
    };
    let installed = prove::prove(&files, &verifier, world, |_, examined| match examined {
        Examined::Proven(profile) => Some(profile.fields().uuid.clone()),
        Examined::Unproven(_) | Examined::Unreadable(_) => None,
    });
    let client = access::client(&key, world)?;
    let snapshot = access::snapshot(&client)?;
    let known = Known::new(manifest.as_ref(), installed.into_iter().flatten());
    let shown = Showing {
        snapshot: &snapshot,
        known: &known,
        manifest: manifest.as_ref(),
        warn_before: policy.profiles.warn_before,
        now: world.now,
    };
    Ok(shown.document())
}

/// What the document is made of.
struct Showing<'a> {
    snapshot: &'a Snapshot,
    known: &'a Known<'a>,
    manifest: Option<&'a Manifest>,
    warn_before: SignedDuration,
    now: Timestamp,
}

impl Showing<'_> {
    fn document(&self) -> PortalListDocument {
        let snapshot = self.snapshot;
        let profiles = || snapshot.profiles.iter();
        let of_certificates = counted(profiles().flat_map(|it| &it.certificates.ids));
        let of_bundle_ids = counted(profiles().filter_map(|it| it.bundle_id.as_ref()));
        let used = |uses: &HashMap<&ResourceId, usize>, id: &ResourceId| {
            uses.get(id).copied().unwrap_or_default()
        };
        let mut profiles: Vec<_> = profiles().map(|it| self.profile(it)).collect();
        profiles.sort_by(|a, b| (a.expires, &a.name, &a.uuid).cmp(&(b.expires, &b.name, &b.uuid)));
        let certificates = snapshot.certificates.iter();
        let mut certificates: Vec<_> = certificates
            .map(|it| self.certificate(it, used(&of_certificates, &it.id)))
            .collect();
        certificates
            .sort_by(|a, b| (a.expires, &a.name, &a.serial).cmp(&(b.expires, &b.name, &b.serial)));
        let mut devices: Vec<_> = snapshot.devices.iter().map(device).collect();
        devices.sort_by(|a, b| (&a.class, &a.name, a.added).cmp(&(&b.class, &b.name, b.added)));
        let bundle_ids = snapshot.bundle_ids.iter();
        let mut bundle_ids: Vec<_> = bundle_ids
            .map(|it| bundle_id(it, used(&of_bundle_ids, &it.id)))
            .collect();
        bundle_ids.sort_by(|a, b| a.identifier.cmp(&b.identifier));
        let not_listed = self.known.not_listed(snapshot);
        PortalListDocument {
            schema: "countersign.portal-list.v1",
            profiles,
            certificates,
            devices,
            bundle_ids,
            not_listed: not_listed.into_iter().map(Into::into).collect(),
            findings: self.known.findings(snapshot, self.now),
        }
    }

    fn profile(&self, profile: &PortalProfile) -> ListedProfile {
        let bundle = self.snapshot.bundle_id_of(profile);
        ListedProfile {
            uuid: profile.uuid.clone(),
            name: profile.name.clone(),
            profile_type: profile.profile_type.clone(),
            kind: profile.profile_type.kind(),
            state: PortalState::of(profile, self.now, self.warn_before),
            portal_state: match &profile.standing {
                ProfileStanding::Active => "ACTIVE".to_owned(),
                ProfileStanding::Invalid => "INVALID".to_owned(),
                ProfileStanding::Unknown(word) => word.to_string(),
            },
            bundle_id: bundle.map(|bundle| bundle.identifier.clone()),
            created: profile.created,
            expires: profile.expires,
            certificate_count: profile.certificates.total,
            device_count: profile.devices.total,
            pinned: self.known.is_pinned(&profile.uuid),
            installed: self.known.is_installed(&profile.uuid),
        }
    }

    fn certificate(
        &self,
        certificate: &PortalCertificate,
        profile_count: usize,
    ) -> ListedCertificate {
        let sha256 = certificate.sha256();
        let pinned = self.manifest.map(Manifest::profiles).unwrap_or_default();
        let mut pinned = pinned.iter().flat_map(PinnedProfile::certificates);
        let serial = &certificate.serial;
        let last = serial.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
        ListedCertificate {
            name: certificate.name.clone(),
            certificate_type: certificate.certificate_type.clone(),
            serial: serial.get(last..).unwrap_or_default().to_owned(),
            sha1: certificate.sha1(),
            sha256,
            expires: certificate.expires,
            state: State::of_end(Some(certificate.expires), self.now, self.warn_before),
            pinned: pinned.any(|it| Some(it.sha256) == sha256),
            profile_count,
        }
    }
}

/// How often each id is there.
fn counted<'a>(ids: impl Iterator<Item = &'a ResourceId>) -> HashMap<&'a ResourceId, usize> {
    let mut counted = HashMap::new();
    ids.for_each(|id| *counted.entry(id).or_default() += 1);
    counted
}

fn device(device: &PortalDevice) -> ListedDevice {
    ListedDevice {
        name: device.name.clone(),
        class: device.class.clone(),
        model: device.model.clone(),
        enabled: device.is_enabled,
        added: device.added,
    }
}

fn bundle_id(bundle: &PortalBundleId, profile_count: usize) -> ListedBundleId {
    ListedBundleId {
        identifier: bundle.identifier.clone(),
        name: bundle.name.clone(),
        prefix: bundle.seed_id.clone(),
        profile_count,
    }
}
