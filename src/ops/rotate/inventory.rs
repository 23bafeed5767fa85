//! What a plan lists beside its rotations: the certificates with their own days, what else the policy names, and intermediates.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::scene::Scene;
use crate::apple::certificate::CertificateKind;
use crate::apple::intermediates;
use crate::base::error::ErrorCode;
use crate::base::ids::{CertSha256, HostName};
use crate::context::manifest::{PinnedCertificate, PinnedProfile};
use crate::context::policy::{CredentialEnd, Policy};
use crate::context::rotation::certificates;
use crate::context::rotation::credential::DatedCredential;
use crate::context::rotation::intermediate::{self, Holds};
use crate::context::rotation::probe::{NodeProbe, distinct, newest};
use crate::context::rotation::succession::Succession;
use crate::host::files::Input;
use crate::ops::certificate;
use crate::ops::error::Error;

/// A certificate that pinned profiles embed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedCertificate {
    /// Its common name; not unique.
    pub name: String,
    /// What Apple issued it for.
    pub kind: CertificateKind,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// The intermediate that issued it, by common name and generation.
    pub issuer: String,
    /// How many pinned profiles embed it.
    pub profiles: usize,
    /// The targets and products that are pinned to it.
    pub signs: Vec<String>,
}

/// The certificates that the manifest pins; what ends first comes first.
pub(super) fn pinned(scene: &Scene) -> Vec<PlannedCertificate> {
    let embedded = certificates::embedded(&scene.manifest).into_iter();
    let planned = embedded.map(|it| PlannedCertificate {
        name: it.certificate.common_name.clone(),
        kind: it.certificate.kind,
        serial: it.certificate.serial.clone(),
        sha256: it.certificate.sha256,
        expires: it.certificate.expires,
        issuer: it.certificate.issuer.clone(),
        profiles: it.profiles,
        signs: it.signs.into_iter().collect(),
    });
    planned.collect()
}

/// Something that the policy names under `[[rotation.credentials]]`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedCredential {
    /// What the policy calls it.
    pub name: String,
    /// When it ends, or is to be replaced (RFC 3339, UTC).
    pub ends: Timestamp,
    /// When its replacement must have begun (RFC 3339, UTC).
    pub begin_by: Timestamp,
    /// The certificate that tells this; absent where the policy itself does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<NamedCertificate>,
}

/// A certificate in a file that the policy names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NamedCertificate {
    /// Its common name; not unique.
    pub name: String,
    /// What Apple issued it for.
    pub kind: CertificateKind,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
}

impl From<&DatedCredential<'_>> for PlannedCredential {
    fn from(dated: &DatedCredential<'_>) -> Self {
        let certificate = dated.certificate.as_ref();
        Self {
            name: dated.declared.name.clone(),
            ends: dated.ends,
            begin_by: dated.begin_by,
            certificate: certificate.map(|it| NamedCertificate {
                name: it.common_name.clone(),
                kind: it.kind,
                serial: it.serial.clone(),
                sha256: it.sha256,
            }),
        }
    }
}

/// The credentials of the policy with their days; what ends first comes first.
///
/// # Errors
/// A certificate that it names cannot be read.
pub(super) fn credentials(policy: &Policy) -> Result<Vec<DatedCredential<'_>>, Error> {
    let mut dated = Vec::new();
    for (place, declared) in policy.rotation.credentials.iter().enumerate() {
        let certificate = match &declared.end {
            CredentialEnd::Day(_) => None,
            CredentialEnd::Certificate(file) => {
                let read = certificate::read(&Input::File(file.clone()));
                let read = read.map_err(|error| match error.code() {
                    ErrorCode::FileMalformed => error.hint("name the .cer file of a certificate"),
                    _ => error,
                })?;
                Some(PinnedCertificate::from(&read))
            }
        };
        dated.extend(DatedCredential::new(policy, place, certificate));
    }
    dated.sort_by_key(|it| (it.ends, it.place));
    Ok(dated)
}

/// An intermediate that issued certificates that are pinned, or that a successor brings.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedIntermediate {
    /// Its common name and generation.
    pub name: String,
    /// When it expires (RFC 3339, UTC); absent if this version does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// How many of the certificates it issued.
    pub certificates: usize,
    /// Whether each machine holds it: the machines of the probes, and those that the policy lets hold keys.
    pub machines: Vec<MachineOfIntermediate>,
}

/// Whether a machine holds an intermediate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MachineOfIntermediate {
    /// The machine.
    pub host: HostName,
    /// Whether it holds it.
    pub holds: Holds,
}

/// The intermediates behind the certificates of the pinned profiles and of their successors; what expires first comes first.
pub(super) fn issued_by<'a>(
    scene: &Scene,
    pairs: impl IntoIterator<Item = &'a Succession>,
    probes: &[NodeProbe],
    now: Timestamp,
) -> Vec<PlannedIntermediate> {
    let mut issued: BTreeMap<&str, HashSet<CertSha256>> = BTreeMap::new();
    let profiles = scene.manifest.profiles().iter();
    let profiles = profiles.chain(pairs.into_iter().map(|pair| &pair.new));
    for certificate in profiles.flat_map(PinnedProfile::certificates) {
        let of = issued.entry(&certificate.issuer).or_default();
        of.insert(certificate.sha256);
    }
    let probes = newest(probes);
    let of_probes = probes.iter().map(|probe| &probe.host);
    let hosts = distinct(scene.policy.topology.key_hosts.iter().chain(of_probes));
    let machines = |name: &str| {
        let machines = hosts.iter().map(|host| {
            let probe = probes.iter().find(|probe| probe.host.same_as(host));
            MachineOfIntermediate {
                host: (*host).clone(),
                holds: intermediate::holds(probe.copied(), name, now),
            }
        });
        machines.collect()
    };
    let issued = issued.into_iter();
    let mut planned: Vec<PlannedIntermediate> = issued
        .map(|(name, certificates)| PlannedIntermediate {
            name: name.to_owned(),
            expires: intermediates::expiry(name),
            certificates: certificates.len(),
            machines: machines(name),
        })
        .collect();
    planned.sort_by_key(|it| it.expires.unwrap_or(Timestamp::MAX));
    planned
}
