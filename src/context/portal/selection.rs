//! Which profiles are renewed: those that somebody names, or those that the manifest pins and that are due.

use jiff::{SignedDuration, Timestamp};

use super::request::RenewalRequest;
use super::snapshot::Snapshot;
use super::standing::PortalState;
use super::successor::{certificate_is, stem_of};
use crate::apple::app_store_connect::resource::PortalProfile;
use crate::base::finding::{Code, Finding};
use crate::base::ids::ProfileUuid;
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, ProfileState};

/// What the selection is made by.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// What App Store Connect holds.
    pub snapshot: &'a Snapshot,
    /// What is pinned.
    pub manifest: Option<&'a Manifest>,
    /// How long before its end a profile is due.
    pub due: SignedDuration,
    /// Now.
    pub now: Timestamp,
}

/// Which are renewed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// The profiles.
    pub profiles: Vec<&'a PortalProfile>,
    /// Those that are due and have a successor already, each with it.
    pub succeeded: Vec<(&'a PortalProfile, &'a PortalProfile)>,
    /// Names that are nobody's.
    pub findings: Vec<Finding>,
}

/// The profiles that somebody names, each once.
pub fn named<'a>(names: &[String], snapshot: &'a Snapshot) -> Selection<'a> {
    let mut selection = Selection::default();
    for name in names {
        let uuid: Option<ProfileUuid> = name.parse().ok();
        let is_it = |profile: &&PortalProfile| match &uuid {
            Some(uuid) => profile.uuid == *uuid,
            None => profile.name == *name,
        };
        let found: Vec<&PortalProfile> = snapshot.profiles.iter().filter(is_it).collect();
        match *found {
            [profile] if selection.profiles.iter().any(|it| it.uuid == profile.uuid) => {}
            [profile] => selection.profiles.push(profile),
            [] => selection.findings.push(unknown(name)),
            _ => selection.findings.push(ambiguous(name, found.len())),
        }
    }
    selection
}

fn unknown(name: &str) -> Finding {
    let message = format!("App Store Connect lists no profile {name:?} for this team");
    Finding::block(Code::PortalProfileUnknown, message)
        .hint("name a profile by its name or its UUID, as the list has it")
        .remedy(Remedy::ListPortal)
}

fn ambiguous(name: &str, count: usize) -> Finding {
    let message = format!("App Store Connect lists {count} profiles that are called {name:?}");
    Finding::block(Code::PortalProfileUnknown, message)
        .hint("name the profile by its UUID")
        .remedy(Remedy::ListPortal)
}

/// The profiles that a request is about.
pub fn select<'a>(request: &RenewalRequest, basis: Basis<'a>) -> Selection<'a> {
    if !request.profiles.is_empty() {
        return named(&request.profiles, basis.snapshot);
    }
    let mut selection = Selection::default();
    for profile in &basis.snapshot.profiles {
        let pinned = basis.manifest.and_then(|it| it.profile(&profile.uuid));
        let is_signing = pinned.is_some_and(|(_, it)| it.state != ProfileState::Retiring);
        if !is_signing || !is_due(profile, basis) {
            continue;
        }
        match successor(profile, request, basis) {
            Some(successor) => selection.succeeded.push((profile, successor)),
            None => selection.profiles.push(profile),
        }
    }
    selection
}

/// Whether a profile, or a certificate that it names, ends soon or signs nothing any more.
fn is_due(profile: &PortalProfile, basis: Basis<'_>) -> bool {
    let state = PortalState::of(profile, basis.now, basis.due);
    let ends = |certificate: Timestamp| certificate.duration_since(basis.now) < basis.due;
    let ids = profile.certificates.ids.iter();
    let mut certificates = ids.filter_map(|id| basis.snapshot.certificate(id));
    matches!(
        state,
        PortalState::Invalid | PortalState::Expired | PortalState::ExpiresSoon
    ) || certificates.any(|certificate| ends(certificate.expires))
}

/// The profile that was made in the place of this one, and that is not due itself: of the same type and bundle id, with its
/// name and another addition. Somebody who asks for a certificate gets one with that.
fn successor<'a>(
    profile: &PortalProfile,
    request: &RenewalRequest,
    basis: Basis<'a>,
) -> Option<&'a PortalProfile> {
    let stem = stem_of(&profile.name, request.suffix.as_deref());
    let has_certificate = |other: &PortalProfile| match &request.certificate {
        None => true,
        Some(choice) => {
            let mut held = basis.snapshot.valid_certificates(other, basis.now);
            held.any(|certificate| certificate_is(certificate, choice))
        }
    };
    let mut others = basis.snapshot.profiles.iter();
    others.find(|other| {
        other.uuid != profile.uuid
            && other.profile_type == profile.profile_type
            && other.bundle_id == profile.bundle_id
            && other.created > profile.created
            && stem_of(&other.name, request.suffix.as_deref()) == stem
            && PortalState::of(other, basis.now, basis.due) == PortalState::Active
            && !is_due(other, basis)
            && has_certificate(other)
    })
}
