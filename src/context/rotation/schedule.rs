//! The schedule: what ends when, for which cause, and when its rotation must begin.
//!
//! A profile ends with its own expiry or with that of the certificate that signs with it, whichever is first. Every store profile embeds
//! one distribution certificate, so the end of one certificate is the end of many profiles: that is one rotation, and not twenty.
//!
//! The gate begins to block before the end: when less is left than the policy's `minimum_validity`. The policy's `lead` before that a
//! rotation must have begun.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::certificates;
use crate::base::ids::{CertSha256, ProfileUuid};
use crate::context::manifest::{Manifest, PinnedCertificate, PinnedProfile, ProfileState};
use crate::context::policy::Policy;

/// Why profiles end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndCause {
    /// The certificate that signs with them expires.
    Certificate(Arc<PinnedCertificate>),
    /// They expire themselves.
    Profile,
}

/// Profiles that end for one cause.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Why they end.
    pub cause: EndCause,
    /// When the first of them ends.
    pub ends: Timestamp,
    /// When the gate begins to block.
    pub blocks_from: Timestamp,
    /// When it must have begun.
    pub begin_by: Timestamp,
    /// The profiles, in the order of their UUIDs.
    pub profiles: Vec<ProfileUuid>,
}

/// Every active profile in the rotation of its cause; what must begin first comes first.
pub fn rotations(manifest: &Manifest, policy: &Policy) -> Vec<Rotation> {
    let signing = certificates::pinned_to_profiles(manifest);
    // Certificates by their digest, lone profiles by their end: what ends on one day is renewed on one day.
    let mut by_certificate: BTreeMap<CertSha256, Rotation> = BTreeMap::new();
    let mut by_end: BTreeMap<Timestamp, Rotation> = BTreeMap::new();
    for profile in manifest.in_state(ProfileState::Active) {
        let certificates = signing.get(&profile.uuid).map_or(&[][..], Vec::as_slice);
        let certificate = first_to_end(profile, certificates);
        let certificate = certificate.filter(|it| it.expires <= profile.expires);
        let ends = certificate.map_or(profile.expires, |it| it.expires);
        let new = || Rotation {
            cause: certificate.map_or(EndCause::Profile, |it| {
                EndCause::Certificate(Arc::clone(it))
            }),
            ends,
            blocks_from: before(ends, policy.profiles.minimum_validity),
            begin_by: before(
                before(ends, policy.profiles.minimum_validity),
                policy.rotation.lead,
            ),
            profiles: Vec::new(),
        };
        let rotation = match certificate {
            Some(certificate) => by_certificate.entry(certificate.sha256).or_insert_with(new),
            None => by_end.entry(ends).or_insert_with(new),
        };
        rotation.profiles.push(profile.uuid.clone());
    }
    let mut rotations: Vec<Rotation> = by_certificate
        .into_values()
        .chain(by_end.into_values())
        .collect();
    rotations.sort_by(|a, b| (a.begin_by, &a.profiles).cmp(&(b.begin_by, &b.profiles)));
    rotations
}

/// Of the certificates that sign with a profile the one that ends first; where nothing is pinned, the one that lives longest of all that
/// the profile embeds.
fn first_to_end<'a>(
    profile: &'a PinnedProfile,
    signing: &[CertSha256],
) -> Option<&'a Arc<PinnedCertificate>> {
    let certificates = profile.certificates.iter();
    match signing {
        [] => certificates.max_by_key(|it| (it.expires, it.sha256)),
        signing => certificates
            .filter(|it| signing.contains(&it.sha256))
            .min_by_key(|it| (it.expires, it.sha256)),
    }
}

fn before(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_sub(by).unwrap_or(Timestamp::MIN)
}
