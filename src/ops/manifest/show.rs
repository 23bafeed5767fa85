//! What the manifest pins, readable.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::ids::{CertSha256, ConfigurationName, ProductName, ProfileUuid, TargetName};
use crate::context::manifest::{Manifest, PinnedArchive, PinnedCertificate, ProfileState};
use crate::context::state::State;
use crate::ops::error::Failure;
use crate::ops::report::Report;
use crate::ops::world::World;
use crate::xcode::platform::Platform;

/// The `countersign.manifest-show.v1` document: what the manifest pins.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShowDocument {
    /// Always `countersign.manifest-show.v1`.
    #[schemars(extend("const" = "countersign.manifest-show.v1"))]
    pub schema: &'static str,
    /// The manifest's file.
    pub file: String,
    /// SHA-256 of its bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
    /// Its revision: from 1, one more for each change.
    pub revision: u64,
    /// The pinned profiles; what ends first comes first.
    pub profiles: Vec<ShownPin>,
    /// The pinned targets, in the order of the manifest.
    pub targets: Vec<ShownTargetPin>,
    /// The pinned products without an Xcode project, in the order of the manifest.
    pub products: Vec<ShownProductPin>,
    /// What of the projects was judged when the targets were pinned; absent if nobody noted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<PinnedArchive>,
}

impl Report for ShowDocument {}

/// A pinned profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownPin {
    /// How it stands by the manifest's word; its file is not looked at.
    pub state: State,
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Which bundle ids it covers: one, `prefix.*` or `*`.
    pub bundle_id: String,
    /// What it is for.
    pub kind: ProfileKind,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// Where it stands in its rotation.
    pub rotation: ProfileState,
    /// The certificates that it lets sign, by common name.
    pub certificates: Vec<String>,
}

/// A pinned target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownTargetPin {
    /// How what signs it stands: its profile and its certificate, by the manifest's word.
    pub state: State,
    /// The target.
    pub target: TargetName,
    /// The build configuration.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// Its bundle id.
    pub bundle_id: String,
    /// The UUID of the profile that signs it.
    pub profile: ProfileUuid,
    /// The name of that profile.
    pub profile_name: String,
    /// The certificate that signs it, by SHA-256.
    pub certificate: CertSha256,
    /// Its common name; absent if the profile does not embed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// When the first of profile and certificate ends (RFC 3339, UTC).
    pub expires: Timestamp,
}

/// A pinned product without an Xcode project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownProductPin {
    /// Its name in the policy.
    pub name: ProductName,
    /// Its bundle id.
    pub bundle_id: String,
    /// The UUID of the profile that signs it.
    pub profile: ProfileUuid,
}

/// What the manifest pins. How it stands is told by the manifest's word, now and by the policy's `warn_before`: the gate looks at
/// the files.
///
/// # Errors
/// The manifest cannot be read, or the policy cannot be used.
pub fn show(world: &World) -> Result<ShowDocument, Failure> {
    let (manifest, _) = world.manifest()?;
    let warn_before = world.policy_or_defaults()?.profiles.warn_before;
    let state = |expires| State::of_end(Some(expires), world.now, warn_before);
    let mut profiles: Vec<ShownPin> = manifest
        .profiles()
        .iter()
        .map(|profile| ShownPin {
            state: state(profile.expires),
            uuid: profile.uuid.clone(),
            name: profile.name.clone(),
            bundle_id: profile.bundle_id.to_string(),
            kind: profile.kind,
            expires: profile.expires,
            rotation: profile.state,
            certificates: profile
                .certificates()
                .map(|it| it.common_name.clone())
                .collect(),
        })
        .collect();
    profiles.sort_by_key(|profile| profile.expires);
    let targets = manifest.targets().iter().filter_map(|target| {
        let (_, profile) = manifest.profile(&target.profile)?;
        let mut certificates = profile.certificates();
        let certificate = certificates.find(|it| it.sha256 == target.certificate);
        let ends = certificate.map(|it: &PinnedCertificate| it.expires);
        let expires = ends.map_or(profile.expires, |ends| ends.min(profile.expires));
        Some(ShownTargetPin {
            state: state(expires),
            target: target.target.clone(),
            configuration: target.configuration.clone(),
            platform: target.platform,
            bundle_id: target.bundle_id.to_string(),
            profile: target.profile.clone(),
            profile_name: profile.name.clone(),
            certificate: target.certificate,
            certificate_name: certificate.map(|it| it.common_name.clone()),
            expires,
        })
    });
    let products = manifest.products().iter().map(|product| ShownProductPin {
        name: product.name.clone(),
        bundle_id: product.bundle_id.to_string(),
        profile: product.profile.clone(),
    });
    Ok(ShowDocument {
        schema: "countersign.manifest-show.v1",
        file: world.manifest_path().display().to_string(),
        digest: Manifest::digest(&manifest),
        revision: manifest.revision(),
        profiles,
        targets: targets.collect(),
        products: products.collect(),
        archive: manifest.archive().cloned(),
    })
}
