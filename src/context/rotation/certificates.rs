//! Certificates of a rotation: which are pinned, when each ends, and what signs with it.
//!
//! A profile ends when the certificate ends that signs with it, whatever its own date. So a plan lists the certificates beside the
//! profiles.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::probe::Needed;
use super::succession::{Succession, in_place_of};
use crate::base::ids::{CertSha256, ProfileUuid};
use crate::context::manifest::{Manifest, PinnedCertificate, PinnedProfile, ProfileState};

/// A certificate that pinned profiles embed.
#[derive(Debug, Clone)]
pub struct EmbeddedCertificate<'a> {
    /// The certificate.
    pub certificate: &'a PinnedCertificate,
    /// How many of the pinned profiles embed it.
    pub profiles: usize,
    /// The targets and products that are pinned to it, by name.
    pub signs: BTreeSet<String>,
}

/// The certificates that the profiles of a manifest embed; what ends first comes first.
pub fn embedded(manifest: &Manifest) -> Vec<EmbeddedCertificate<'_>> {
    let mut embedded: BTreeMap<(Timestamp, CertSha256), EmbeddedCertificate<'_>> = BTreeMap::new();
    for certificate in manifest
        .profiles()
        .iter()
        .flat_map(PinnedProfile::certificates)
    {
        let key = (certificate.expires, certificate.sha256);
        let known = embedded.entry(key).or_insert_with(|| EmbeddedCertificate {
            certificate,
            profiles: 0,
            signs: BTreeSet::new(),
        });
        known.profiles += 1;
    }
    let mut signs: HashMap<CertSha256, BTreeSet<String>> = HashMap::new();
    for target in manifest.targets() {
        signs
            .entry(target.certificate)
            .or_default()
            .insert(target.target.to_string());
    }
    for product in manifest.products() {
        signs
            .entry(product.certificate)
            .or_default()
            .insert(product.name.to_string());
    }
    let mut embedded: Vec<EmbeddedCertificate<'_>> = embedded.into_values().collect();
    for it in &mut embedded {
        it.signs = signs.remove(&it.certificate.sha256).unwrap_or_default();
    }
    embedded
}

/// The certificates that targets and products are pinned to, by the profile that they sign with.
pub fn pinned_to_profiles(manifest: &Manifest) -> HashMap<&ProfileUuid, Vec<CertSha256>> {
    let mut pinned: HashMap<&ProfileUuid, Vec<CertSha256>> = HashMap::new();
    let targets = manifest.targets().iter();
    let targets = targets.map(|it| (&it.profile, it.certificate));
    let products = manifest.products().iter();
    let products = products.map(|it| (&it.profile, it.certificate));
    for (profile, certificate) in targets.chain(products) {
        pinned.entry(profile).or_default().push(certificate);
    }
    pinned
}

/// The certificates that sign with the active profiles, in the order of their digests. Of a profile that nothing is pinned to it is the one
/// that lives longest.
pub fn signing(manifest: &Manifest) -> Vec<&PinnedCertificate> {
    let pinned = pinned_to_profiles(manifest);
    let active = manifest.in_state(ProfileState::Active);
    distinct(active.flat_map(|profile| match pinned.get(&profile.uuid) {
        None => Vec::from_iter(lasting(profile)),
        Some(own) => {
            let all = profile.certificates();
            all.filter(|it| own.contains(&it.sha256)).collect()
        }
    }))
}

/// The certificates that sign with the successors in `pairs` once they are active, likewise.
pub fn signing_next<'a>(
    manifest: &Manifest,
    pairs: impl IntoIterator<Item = &'a Succession>,
    now: Timestamp,
) -> Vec<&'a PinnedCertificate> {
    let pinned = pinned_to_profiles(manifest);
    let pairs = pairs.into_iter();
    distinct(pairs.flat_map(|pair| match pinned.get(&pair.old.uuid) {
        None => Vec::from_iter(lasting(&pair.new)),
        Some(own) => {
            let own = own.iter();
            own.filter_map(|it| pair.certificate_for(it, now)).collect()
        }
    }))
}

/// What a machine needs to build once the successors in `pairs` are active: their files, and a key for each certificate that the manifest
/// will pin to them.
pub fn needed_next<'a>(
    manifest: &Manifest,
    pairs: impl IntoIterator<Item = &'a Succession>,
    now: Timestamp,
) -> Vec<Needed<'a>> {
    let pinned = pinned_to_profiles(manifest);
    let pairs = pairs.into_iter();
    let needed = pairs.map(|pair| {
        let own = pinned.get(&pair.old.uuid);
        let own = own.map(|own| own.iter().filter_map(|it| pair.certificate_for(it, now)));
        Needed::of(&pair.new, own.map(Iterator::collect))
    });
    needed.collect()
}

/// What a machine needs to build when the retiring profiles are gone: the files of the active profiles, and for those that have replaced
/// a retiring one a key for each certificate that the manifest pins to them.
pub fn needed(manifest: &Manifest) -> Vec<Needed<'_>> {
    let pinned = pinned_to_profiles(manifest);
    let active: Vec<&PinnedProfile> = manifest.in_state(ProfileState::Active).collect();
    let new: BTreeSet<&ProfileUuid> = manifest
        .in_state(ProfileState::Retiring)
        .filter_map(|old| in_place_of(old, &active))
        .map(|new| &new.uuid)
        .collect();
    let needed = active.iter().map(|profile| {
        if !new.contains(&profile.uuid) {
            return Needed::file_of(profile);
        }
        let own = pinned.get(&profile.uuid);
        let own = own.map(|own| {
            let all = profile.certificates();
            all.filter(|it| own.contains(&it.sha256)).collect()
        });
        Needed::of(profile, own)
    });
    needed.collect()
}

fn distinct<'a>(
    certificates: impl IntoIterator<Item = &'a PinnedCertificate>,
) -> Vec<&'a PinnedCertificate> {
    let certificates = certificates.into_iter();
    let distinct: BTreeMap<CertSha256, _> = certificates.map(|it| (it.sha256, it)).collect();
    distinct.into_values().collect()
}

/// Of the certificates that a profile embeds the one that lives longest.
fn lasting(profile: &PinnedProfile) -> Option<&PinnedCertificate> {
    profile
        .certificates()
        .max_by_key(|it| (it.expires, it.sha256))
}
