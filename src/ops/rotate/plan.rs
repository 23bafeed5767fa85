//! `rotate plan`: what ends when, what replaces it, and in which order.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::{self, PlannedCertificate, PlannedCredential, PlannedIntermediate};
use super::scene::{self, Scene};
use crate::apple::profile::ProfileKind;
use crate::apple::signed_message::Verifier;
use crate::base::clock::show_duration;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::{CertSha256, FileSha256, ProfileUuid};
use crate::context::manifest::PinnedCertificate;
use crate::context::rotation::certificates;
use crate::context::rotation::credential;
use crate::context::rotation::embedding;
use crate::context::rotation::intermediate;
use crate::context::rotation::product;
use crate::context::rotation::schedule::{self, EndCause, Rotation};
use crate::context::rotation::succession::{self, Succession};
use crate::ops::error::Failure;
use crate::ops::prove;
use crate::ops::report::{Head, ManifestName, Report};
use crate::ops::world::World;

/// What is planned.
#[derive(Debug, Clone, Default)]
pub struct PlanRequest {
    /// The successors at hand: files, directories of profiles, or match repositories; none: what is installed.
    pub successors: Vec<PathBuf>,
    /// The probes of machines, to tell which intermediates they hold.
    pub probes: Vec<PathBuf>,
    /// Block if a rotation must begin within this time.
    pub due: Option<SignedDuration>,
}

/// The `countersign.rotation-plan.v1` document: what ends when, what replaces it, and in which order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanDocument {
    /// Always `countersign.rotation-plan.v1`.
    #[schemars(extend("const" = "countersign.rotation-plan.v1"))]
    pub schema: &'static str,
    /// The manifest.
    pub manifest: ManifestName,
    /// The instant that it is planned for (RFC 3339, UTC).
    pub at: Timestamp,
    /// What ends, by cause; what must begin first comes first.
    pub rotations: Vec<PlannedRotation>,
    /// The order in which products change sides, each with its old profiles: extensions before what holds them.
    pub order: Vec<PlannedProduct>,
    /// The certificates that the pinned profiles embed, and what signs with them; what ends first comes first.
    pub certificates: Vec<PlannedCertificate>,
    /// What else must be replaced in time, by the policy's word; what ends first comes first.
    pub credentials: Vec<PlannedCredential>,
    /// The intermediates that issued the certificates of the pinned profiles and of their successors, when they expire, and which machine
    /// holds them; what expires first comes first.
    pub intermediates: Vec<PlannedIntermediate>,
    /// What is not right.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

impl Report for PlanDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// Profiles that end for one cause.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedRotation {
    /// Why they end.
    pub cause: PlannedCause,
    /// When the first of them ends (RFC 3339, UTC).
    pub ends: Timestamp,
    /// When the gate begins to block (RFC 3339, UTC).
    pub blocks_from: Timestamp,
    /// When the rotation must have begun (RFC 3339, UTC).
    pub begin_by: Timestamp,
    /// How far it is: nothing is at hand, all successors are at hand, or they are staged.
    #[schemars(extend("enum" = ["open", "at hand", "staged"]))]
    pub state: &'static str,
    /// The profiles.
    pub profiles: Vec<PlannedProfile>,
    /// The targets and products that no longer build if it is not done.
    pub breaks: Vec<String>,
}

/// Why profiles end.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedCause {
    /// The certificate that signs with them expires.
    Certificate {
        /// Its common name.
        name: String,
        /// SHA-256 of its DER encoding, hex.
        sha256: CertSha256,
    },
    /// They expire themselves.
    Profile,
}

/// A profile that ends.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Which bundle ids it covers.
    pub bundle_id: String,
    /// What it is for.
    pub kind: ProfileKind,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// What replaces it; absent if nothing at hand does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<ShownSuccessor>,
}

/// What replaces a profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownSuccessor {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// SHA-256 of its file, hex.
    pub sha256: FileSha256,
    /// Whether the manifest has it as `incoming` already.
    pub staged: bool,
    /// The certificates that only it embeds, by common name and last six serial digits.
    pub certificates_come: Vec<String>,
    /// The certificates that only the old one embeds.
    pub certificates_go: Vec<String>,
    /// The entitlements that only it grants.
    pub entitlements_come: Vec<String>,
}

impl ShownSuccessor {
    fn of(pair: &Succession, staged: bool) -> Self {
        let named = |certificates: Vec<&PinnedCertificate>| {
            let certificates = certificates.into_iter();
            certificates.map(PinnedCertificate::title).collect()
        };
        let entitlements = pair.entitlements_that_come();
        Self {
            uuid: pair.new.uuid.clone(),
            name: pair.new.name.clone(),
            expires: pair.new.expires,
            sha256: pair.new.sha256,
            staged,
            certificates_come: named(pair.certificates_that_come()),
            certificates_go: named(pair.certificates_that_go()),
            entitlements_come: entitlements.into_iter().map(ToOwned::to_owned).collect(),
        }
    }
}

/// Profiles that change sides together.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedProduct {
    /// The bundle id of the app that holds the others.
    pub product: String,
    /// The old profiles, in their order.
    pub profiles: Vec<ProfileUuid>,
}

/// Plans the rotation of everything that the manifest pins. Changes nothing.
///
/// # Errors
/// The policy, the manifest, a probe, a directory, or a certificate that the policy names cannot be read.
pub fn plan(request: &PlanRequest, world: &World) -> Result<PlanDocument, Failure> {
    let scene = Scene::look(world)?;
    let mut findings: Vec<Finding> = scene.changed_since().into_iter().collect();
    let verifier = Verifier::new(world.anchors(&scene.policy)?);
    let files = match request.successors.is_empty() {
        true => world.profile_files(&scene.policy)?,
        false => prove::named_files(&request.successors)?,
    };
    let named = &request.successors;
    let pinnable = scene::at_hand(&files, named, &verifier, &mut findings, world);
    let staged = succession::incoming(&scene.manifest, world.now);
    let found = succession::find(&scene.manifest, &pinnable.profiles, world.now);
    let mut pairs: HashMap<ProfileUuid, (Succession, bool)> = HashMap::new();
    for (of, is_staged) in [(found.pairs, false), (staged.pairs, true)] {
        for pair in of {
            // What is staged is what will be promoted, whatever else is at hand.
            pairs.insert(pair.old.uuid.clone(), (pair, is_staged));
        }
    }
    let is_open = |finding: &Finding| {
        let profile = finding.place.profile.as_deref();
        let profile = profile.and_then(|uuid| uuid.parse::<ProfileUuid>().ok());
        let pair = profile.and_then(|uuid| pairs.get(&uuid));
        !pair.is_some_and(|(_, is_staged)| *is_staged)
    };
    findings.extend(found.findings.into_iter().filter(is_open));
    findings.extend(staged.findings);
    let rotations = schedule::rotations(&scene.manifest, &scene.policy);
    let due = request.due.unwrap_or(SignedDuration::ZERO);
    let severity = match request.due {
        Some(_) => Severity::Block,
        None => Severity::Warn,
    };
    let horizon = world.now.checked_add(due).unwrap_or(Timestamp::MAX);
    for rotation in rotations.iter().filter(|it| it.begin_by <= horizon) {
        findings.extend(told(rotation, &scene, &pairs, severity, world.now));
    }
    let credentials = inventory::credentials(&scene.policy)?;
    for credential in &credentials {
        findings.extend(credential.told(&scene.policy, severity, horizon, world.now));
    }
    findings.extend(credential::without_installer(&scene.manifest, &credentials));
    let probes = scene::probes(&request.probes)?;
    let planned = || pairs.values().map(|(pair, _)| pair);
    let mut signing = certificates::signing(&scene.manifest);
    signing.extend(certificates::signing_next(
        &scene.manifest,
        planned(),
        world.now,
    ));
    findings.extend(intermediate::lacking(&probes, signing, severity, world.now));
    findings.extend(embedding::parted(
        scene.content(),
        planned(),
        severity,
        world.now,
    ));
    let intermediates = inventory::issued_by(&scene, planned(), &probes, world.now);
    let old = pairs.keys().cloned().collect();
    let order = product::groups(&scene.manifest, &old).into_iter();
    let rotations = rotations.iter();
    Ok(PlanDocument {
        schema: "countersign.rotation-plan.v1",
        manifest: (&scene.manifest).into(),
        at: world.now,
        rotations: rotations.map(|it| shown(it, &scene, &pairs)).collect(),
        order: order
            .map(|group| PlannedProduct {
                product: group.name,
                profiles: group.profiles,
            })
            .collect(),
        certificates: inventory::pinned(&scene),
        credentials: credentials.iter().map(PlannedCredential::from).collect(),
        intermediates,
        findings,
        head: Head::default(),
    })
}

/// That a rotation must begin, unless all of it is staged.
fn told(
    rotation: &Rotation,
    scene: &Scene,
    pairs: &HashMap<ProfileUuid, (Succession, bool)>,
    severity: Severity,
    now: Timestamp,
) -> Option<Finding> {
    let mut left = rotation.profiles.iter().filter(|uuid| {
        let pair = pairs.get(uuid);
        !pair.is_some_and(|(_, is_staged)| *is_staged)
    });
    let first = left.next()?;
    let (_, profile) = scene.manifest.profile(first)?;
    let others = match left.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let what = match &rotation.cause {
        EndCause::Certificate(certificate) => format!(
            "the certificate {:?} ends, and with it profile {}{others}",
            certificate.common_name,
            profile.title()
        ),
        EndCause::Profile => format!("profile {}{others} ends", profile.title()),
    };
    let has_all = rotation
        .profiles
        .iter()
        .all(|uuid| pairs.contains_key(uuid));
    let code = match has_all {
        true => Code::RotationDue,
        false => Code::SuccessorMissing,
    };
    let touched = rotation.profiles.iter();
    let touched = touched.filter_map(|uuid| Some(scene.manifest.profile(uuid)?.1.touched()));
    let finding = Finding::new(code, severity, what)
        .values(
            format!("begun by {}", rotation.begin_by),
            format!(
                "the gate blocks from {}, and it ends on {}",
                rotation.blocks_from, rotation.ends
            ),
        )
        .of_profile(first)
        .touching(touched.collect());
    let late = now.duration_since(rotation.begin_by);
    let since = match late.is_positive() {
        true => format!(" (it should have begun {} ago)", show_duration(late)),
        false => String::new(),
    };
    Some(finding.hint(match (has_all, &rotation.cause) {
        (true, _) => format!("stage the successors{since}"),
        (false, EndCause::Certificate(_)) => {
            format!("renew the certificate, make its profiles again, and stage them{since}")
        }
        (false, EndCause::Profile) => format!("make the profiles again, and stage them{since}"),
    }))
}

fn shown(
    rotation: &Rotation,
    scene: &Scene,
    pairs: &HashMap<ProfileUuid, (Succession, bool)>,
) -> PlannedRotation {
    let profiles: Vec<PlannedProfile> = rotation
        .profiles
        .iter()
        .filter_map(|uuid| {
            let (_, profile) = scene.manifest.profile(uuid)?;
            let successor = pairs.get(uuid);
            Some(PlannedProfile {
                uuid: uuid.clone(),
                name: profile.name.clone(),
                bundle_id: profile.bundle_id.to_string(),
                kind: profile.kind,
                expires: profile.expires,
                successor: successor.map(|(pair, staged)| ShownSuccessor::of(pair, *staged)),
            })
        })
        .collect();
    let successors = || profiles.iter().map(|profile| profile.successor.as_ref());
    let state = if successors().all(|it| it.is_some_and(|it| it.staged)) {
        "staged"
    } else if successors().all(|it| it.is_some()) {
        "at hand"
    } else {
        "open"
    };
    let targets = scene.manifest.targets().iter();
    let targets = targets.filter(|it| rotation.profiles.contains(&it.profile));
    let products = scene.manifest.products().iter();
    let products = products.filter(|it| rotation.profiles.contains(&it.profile));
    let mut breaks: Vec<String> = targets
        .map(|it| it.target.to_string())
        .chain(products.map(|it| it.name.to_string()))
        .collect();
    breaks.sort();
    breaks.dedup();
    PlannedRotation {
        cause: match &rotation.cause {
            EndCause::Certificate(certificate) => PlannedCause::Certificate {
                name: certificate.common_name.clone(),
                sha256: certificate.sha256,
            },
            EndCause::Profile => PlannedCause::Profile,
        },
        ends: rotation.ends,
        blocks_from: rotation.blocks_from,
        begin_by: rotation.begin_by,
        state,
        profiles,
        breaks,
    }
}
