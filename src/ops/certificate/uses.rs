//! What hangs on a certificate.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::certificate::Certificate;
use crate::apple::code_signature::verify::{Item, Report as Verified};
use crate::base::event::{Action, Outcome};
use crate::base::ids::{CertSha256, ConfigurationName, HostName, ProfileUuid, TargetName};
use crate::context::manifest::{Manifest, ProfileState};
use crate::ledger::audit::Record;
use crate::ops::audit::{self, ShowRequest};
use crate::ops::error::Failure;
use crate::ops::page::document::{Missing, MissingPart};
use crate::ops::product::verified;
use crate::ops::world::World;

/// What stops working when the certificate is revoked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Uses {
    /// The pinned profiles that let it sign.
    pub profiles: Vec<UsingProfile>,
    /// The pinned targets that it signs.
    pub targets: Vec<UsingTarget>,
    /// The products of the policy that it signs, as the manifest pins them.
    pub products: Vec<UsingProduct>,
    /// The code that it signed, in the products that were named.
    pub code: Vec<SignedCode>,
    /// How many products were looked at.
    pub products_seen: usize,
    /// The runs that the gate cleared by the manifest as it is now, if that pins the certificate; oldest first.
    pub runs: Vec<CertificateRun>,
    /// How many runs were cleared by another manifest: whether that pinned the certificate is not in the log.
    pub runs_of_other_manifests: usize,
    /// What could not be looked at.
    pub missing: Vec<Missing>,
}

/// A pinned profile that lets the certificate sign.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsingProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Its place in a rotation.
    pub state: ProfileState,
    /// Whether no other certificate may sign with it: without this one the profile is of no use.
    pub only_certificate: bool,
}

/// A pinned target that the certificate signs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsingTarget {
    /// The project.
    pub project: String,
    /// The target.
    pub target: TargetName,
    /// The build configuration.
    pub configuration: ConfigurationName,
    /// The profile that signs it.
    pub profile: ProfileUuid,
}

/// A product of the policy that the certificate signs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsingProduct {
    /// Its name in the policy.
    pub name: String,
    /// The profile that lets it run.
    pub profile: ProfileUuid,
}

/// A piece of code that the certificate signed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignedCode {
    /// Its path.
    pub path: String,
    /// The signing identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Whether the signature is proven; one that is not may only claim the certificate.
    pub proven: bool,
    /// When Apple's authority saw the signature. Code with a secure timestamp from before a revocation may go on running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// A run that the gate cleared.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CertificateRun {
    /// The run.
    pub run: String,
    /// When the gate cleared it.
    pub at: Timestamp,
    /// The host.
    pub host: HostName,
    /// The job, as the CI names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// What hangs on a certificate.
pub(super) fn of(
    certificate: CertSha256,
    products: &[PathBuf],
    world: &World,
) -> Result<Uses, Failure> {
    let mut uses = Uses {
        profiles: Vec::new(),
        targets: Vec::new(),
        products: Vec::new(),
        code: Vec::new(),
        products_seen: products.len(),
        runs: Vec::new(),
        runs_of_other_manifests: 0,
        missing: Vec::new(),
    };
    let manifest = match world.manifest() {
        Ok((manifest, _)) => Some(manifest),
        Err(error) => {
            uses.missing
                .push(Missing::of(MissingPart::Manifest, &error));
            None
        }
    };
    if let Some(manifest) = &manifest {
        uses.pinned(certificate, manifest);
    }
    for (shown, report) in verified(products, world)? {
        let items = report.items.iter().zip(shown.items);
        let signed = items.filter(|(item, _)| signs(item, certificate));
        uses.code.extend(signed.map(|(item, shown)| SignedCode {
            path: shown.path,
            identifier: shown.identifier,
            proven: is_proven(item, certificate),
            timestamp: shown.timestamp,
        }));
    }
    match audit::show(&ShowRequest::default(), world) {
        Ok(document) => uses.recorded(&document.records, manifest.as_ref()),
        Err(Failure::Error(error)) => {
            uses.missing
                .push(Missing::of(MissingPart::AuditLog, &error));
        }
        Err(blocked @ Failure::Blocked(_)) => return Err(blocked),
    }
    Ok(uses)
}

impl Uses {
    fn pinned(&mut self, certificate: CertSha256, manifest: &Manifest) {
        for profile in manifest.profiles() {
            if profile.certificates().any(|it| it.sha256 == certificate) {
                self.profiles.push(UsingProfile {
                    uuid: profile.uuid.clone(),
                    name: profile.name.clone(),
                    state: profile.state,
                    only_certificate: profile.certificates().count() == 1,
                });
            }
        }
        let targets = manifest.targets().iter();
        let targets = targets.filter(|target| target.certificate == certificate);
        self.targets.extend(targets.map(|target| UsingTarget {
            project: target.project.clone(),
            target: target.target.clone(),
            configuration: target.configuration.clone(),
            profile: target.profile.clone(),
        }));
        let products = manifest.products().iter();
        let products = products.filter(|product| product.certificate == certificate);
        self.products.extend(products.map(|product| UsingProduct {
            name: product.name.to_string(),
            profile: product.profile.clone(),
        }));
    }

    /// The runs that were cleared, told apart by the manifest that the gate's record names.
    fn recorded(&mut self, records: &[Record], manifest: Option<&Manifest>) {
        let pins = !self.profiles.is_empty();
        let current = manifest.map(|manifest| manifest.digest().to_string());
        let mut runs = BTreeMap::new();
        for record in records {
            let is_cleared =
                record.what == Action::Gate.as_str() && record.outcome == Outcome::Done;
            let Some(run) = record.run.as_deref().filter(|_| is_cleared) else {
                continue;
            };
            if record.details.get("manifest") != current.as_ref() {
                self.runs_of_other_manifests += 1;
            } else if pins {
                runs.insert((record.seq, run), record);
            }
        }
        self.runs = runs
            .into_iter()
            .map(|((_, run), record)| CertificateRun {
                run: run.to_owned(),
                at: record.time,
                host: record.actor.host.clone(),
                job: record.actor.job.clone(),
            })
            .collect();
    }

    /// Whether nothing that was looked at hangs on it.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
            && self.targets.is_empty()
            && self.products.is_empty()
            && self.code.is_empty()
            && self.runs.is_empty()
    }
}

/// Every certificate that signed code in these products.
pub(super) fn signers(
    products: &[PathBuf],
    world: &World,
) -> Result<Vec<Arc<Certificate>>, Failure> {
    let reports = verified(products, world)?;
    let of_report = |report: &Verified| -> Vec<Arc<Certificate>> {
        report.items.iter().flat_map(claimed).collect()
    };
    Ok(reports
        .iter()
        .flat_map(|(_, report)| of_report(report))
        .collect())
}

/// The signer's certificate of each slice, proven or only claimed.
fn claimed(item: &Item) -> Vec<Arc<Certificate>> {
    let signers = item.slices.iter().filter_map(|slice| slice.signer.as_ref());
    let certificates = signers.filter_map(|signer| match &signer.proof {
        Ok(proof) => proof.chain().into_iter().next(),
        Err(_) => signer.bundled.first().cloned(),
    });
    certificates.collect()
}

fn signs(item: &Item, certificate: CertSha256) -> bool {
    let mut signers = claimed(item).into_iter();
    signers.any(|signer| signer.sha256 == certificate)
}

fn is_proven(item: &Item, certificate: CertSha256) -> bool {
    let mut signers = item.slices.iter().filter_map(|slice| slice.signer.as_ref());
    signers.any(|signer| {
        let proof = signer.proof.as_ref().ok();
        proof.is_some_and(|proof| proof.signer().sha256 == certificate)
    })
}
