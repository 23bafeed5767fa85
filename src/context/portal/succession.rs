//! The plan: a successor for each selected profile, or why it has none.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::request::{CertificateChoice, DeviceChoice, RenewalRequest};
use super::snapshot::Snapshot;
use super::successor::{Successor, certificate_is, successor_name};
use crate::apple::app_store_connect::resource::{PortalCertificate, PortalProfile, ResourceId};
use crate::apple::app_store_connect::words::CertificateType;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;

/// What is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The certificate that is made first, by what it is issued for.
    pub certificate: Option<CertificateType>,
    /// The profiles, in the order of the selection.
    pub successors: Vec<Successor>,
    /// What keeps a profile from being renewed. If one blocks, nothing is made.
    pub findings: Vec<Finding>,
}

/// Plans a successor for each of `selected`, whose linkages are complete.
pub fn plan(
    request: &RenewalRequest,
    selected: &[PortalProfile],
    snapshot: &Snapshot,
    now: Timestamp,
) -> Plan {
    let mut plan = Plan::default();
    let incoming = match incoming(request, selected, snapshot, now) {
        Ok(incoming) => incoming,
        Err(finding) => {
            plan.findings.push(*finding);
            return plan;
        }
    };
    if let Some(Incoming::New(certificate_type)) = &incoming {
        plan.certificate = Some(certificate_type.clone());
    }
    for profile in selected {
        match successor(profile, incoming.as_ref(), request, snapshot, now) {
            Ok(successor) => plan.successors.push(successor),
            Err(finding) => plan.findings.push(*finding),
        }
    }
    plan.findings.extend(taken(&plan.successors, snapshot, now));
    plan
}

/// The certificate that takes the place of others.
enum Incoming<'s> {
    /// One that is there.
    Known(&'s PortalCertificate),
    /// One that is made.
    New(CertificateType),
}

impl Incoming<'_> {
    fn certificate_type(&self) -> &CertificateType {
        match self {
            Self::Known(certificate) => &certificate.certificate_type,
            Self::New(certificate_type) => certificate_type,
        }
    }
}

/// The certificate that somebody asks for; none if the old ones stay.
fn incoming<'s>(
    request: &RenewalRequest,
    selected: &[PortalProfile],
    snapshot: &'s Snapshot,
    now: Timestamp,
) -> Result<Option<Incoming<'s>>, Box<Finding>> {
    let incoming = match &request.certificate {
        None => return Ok(None),
        Some(CertificateChoice::New {
            certificate_type, ..
        }) => {
            let known = certificate_type.clone();
            Incoming::New(known.map_or_else(|| type_of(selected, snapshot), Ok)?)
        }
        Some(choice) => {
            let mut certificates = snapshot.certificates.iter();
            let found = certificates.find(|it| certificate_is(it, choice));
            let found = found.ok_or_else(|| {
                let message = "App Store Connect lists no certificate with this fingerprint";
                not_renewable(message, "name one that the list has, or make one")
            })?;
            if found.expires < now {
                let message = format!("the certificate {:?} expired {}", found.name, found.expires);
                return Err(not_renewable(
                    message,
                    "name one that is valid, or make one",
                ));
            }
            Incoming::Known(found)
        }
    };
    let fits = |profile: &PortalProfile| {
        let kind = profile.profile_type.kind();
        kind.is_some_and(|kind| incoming.certificate_type().signs(kind))
    };
    match selected.is_empty() || selected.iter().any(fits) {
        true => Ok(Some(incoming)),
        false => {
            let word = incoming.certificate_type();
            let message = format!(
                "a certificate of the type {word} signs with none of the selected profiles"
            );
            Err(not_renewable(
                message,
                "name a certificate of another type, or other profiles",
            ))
        }
    }
}

/// Of which type a new certificate is: that of the certificates whose place it takes.
fn type_of(
    selected: &[PortalProfile],
    snapshot: &Snapshot,
) -> Result<CertificateType, Box<Finding>> {
    let ids = selected
        .iter()
        .flat_map(|profile| &profile.certificates.ids);
    let held: BTreeSet<&CertificateType> = ids
        .filter_map(|id| snapshot.certificate(id))
        .map(|certificate| &certificate.certificate_type)
        .collect();
    let mut held = held.into_iter();
    match (held.next(), held.next()) {
        (Some(only), None) => Ok(only.clone()),
        (first, _) => {
            let message = match first {
                None => {
                    "no certificate of the selected profiles is left, so the type of the new one is not known"
                }
                Some(_) => {
                    "the selected profiles have certificates of several types, so the type of the new one is not known"
                }
            };
            let finding = not_renewable(message, "say of which type the new certificate is");
            Err(Box::new(finding.remedy(Remedy::NameCertificateType)))
        }
    }
}

fn not_renewable(message: impl Into<String>, hint: &str) -> Box<Finding> {
    Box::new(Finding::block(Code::ProfileNotRenewable, message).hint(hint))
}

fn successor(
    profile: &PortalProfile,
    incoming: Option<&Incoming<'_>>,
    request: &RenewalRequest,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Successor, Box<Finding>> {
    let refused = |why: String, hint: &str| {
        let message = format!(
            "profile {:?} ({}) cannot be renewed: {why}",
            profile.name, profile.uuid
        );
        Box::new(not_renewable(message, hint).of_profile(&profile.uuid))
    };
    let Some(kind) = profile.profile_type.kind() else {
        let why = format!(
            "its type {} is not known to this version",
            profile.profile_type
        );
        return Err(refused(
            why,
            "make its successor at Apple's developer site, or install a newer countersign",
        ));
    };
    let Some(bundle) = snapshot.bundle_id_of(profile) else {
        let why = "its bundle id is not at App Store Connect any more".to_owned();
        return Err(refused(
            why,
            "register the bundle id, and make a profile for it",
        ));
    };
    let (certificates, takes_new_certificate) =
        certificates(profile, kind, incoming, snapshot, now);
    if certificates.is_empty() && !takes_new_certificate {
        let why = "none of its certificates is valid".to_owned();
        let finding = refused(why, "name a certificate that is, or make one");
        return Err(Box::new(finding.remedy(Remedy::NameSigningCertificate)));
    }
    let devices = devices(profile, request.devices, snapshot);
    if profile.profile_type.lists_devices() && devices.is_empty() {
        let why = "no device is enabled that it could list".to_owned();
        return Err(refused(
            why,
            "enable or register a device, or take all that fit",
        ));
    }
    let kept: BTreeSet<&ResourceId> = devices.iter().collect();
    let left_out = profile.devices.ids.iter().filter(|id| !kept.contains(id));
    Ok(Successor {
        of: profile.uuid.clone(),
        of_name: profile.name.clone(),
        of_expires: profile.expires,
        name: successor_name(&profile.name, request.suffix.as_deref(), now),
        profile_type: profile.profile_type.clone(),
        bundle_id: bundle.id.clone(),
        bundle_identifier: bundle.identifier.clone(),
        certificates,
        takes_new_certificate,
        devices_left_out: left_out.count(),
        devices,
    })
}

/// The certificates of a successor that are there, and whether it takes the one that is made. A profile for distribution has
/// one certificate, so the incoming one takes the place of all; a development profile names one for each developer, so it
/// comes beside them. Profiles that it does not sign with keep theirs.
fn certificates(
    profile: &PortalProfile,
    kind: ProfileKind,
    incoming: Option<&Incoming<'_>>,
    snapshot: &Snapshot,
    now: Timestamp,
) -> (Vec<ResourceId>, bool) {
    let old = snapshot.valid_certificates(profile, now);
    let mut certificates: Vec<ResourceId> = old.map(|it| it.id.clone()).collect();
    let Some(incoming) = incoming.filter(|it| it.certificate_type().signs(kind)) else {
        return (certificates, false);
    };
    if kind != ProfileKind::Development {
        certificates.clear();
    }
    match incoming {
        Incoming::New(_) => (certificates, true),
        Incoming::Known(certificate) => {
            if !certificates.contains(&certificate.id) {
                certificates.push(certificate.id.clone());
            }
            (certificates, false)
        }
    }
}

/// The devices of a successor.
fn devices(profile: &PortalProfile, choice: DeviceChoice, snapshot: &Snapshot) -> Vec<ResourceId> {
    if !profile.profile_type.lists_devices() {
        return Vec::new();
    }
    match choice {
        DeviceChoice::Same => {
            let enabled: BTreeSet<&ResourceId> = snapshot
                .devices
                .iter()
                .filter(|it| it.is_enabled)
                .map(|it| &it.id)
                .collect();
            let old = profile.devices.ids.iter();
            old.filter(|id| enabled.contains(id)).cloned().collect()
        }
        DeviceChoice::All => {
            let devices = snapshot.devices.iter();
            let fitting =
                devices.filter(|it| it.is_enabled && profile.profile_type.takes_device(&it.class));
            fitting.map(|it| it.id.clone()).collect()
        }
    }
}

/// Names that are another profile's, or several successors'.
fn taken(successors: &[Successor], snapshot: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let mut by_name: HashMap<&str, Vec<&PortalProfile>> = HashMap::new();
    for profile in &snapshot.profiles {
        by_name.entry(&profile.name).or_default().push(profile);
    }
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for successor in successors {
        if !seen.insert(&successor.name) {
            let message = format!("several successors would be called {:?}", successor.name);
            findings.push(
                Finding::block(Code::SuccessorNameTaken, message)
                    .of_profile(&successor.of)
                    .hint("renew profiles of one name one after the other, each with another addition")
                    .remedy(Remedy::NameSuccessors),
            );
            continue;
        }
        let others = by_name.get(&*successor.name).into_iter().flatten();
        findings.extend(others.filter_map(|other| name_taken(successor, other, now)));
    }
    findings
}

/// That a profile has the name of a successor and is not it; none if it is.
pub fn name_taken(successor: &Successor, other: &PortalProfile, now: Timestamp) -> Option<Finding> {
    let why = successor.difference(other, now)?;
    let name = &successor.name;
    let message = format!(
        "the successor of {:?} was to be called {name:?}, and profile {} is called so and {why}",
        successor.of_name, other.uuid
    );
    Some(
        Finding::block(Code::SuccessorNameTaken, message)
            .of_profile(&other.uuid)
            .hint("add something else to the names of successors")
            .remedy(Remedy::NameSuccessors),
    )
}
