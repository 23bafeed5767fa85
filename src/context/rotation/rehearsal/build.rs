//! Whether a build fails: what Xcode needs, told from a manifest and what a machine holds, without a check of the gate.
//!
//! It is short on purpose. Its rules are Apple's: a profile is looked for by its UUID, by its name, or by what covers a bundle id
//! (TN3125); it and the certificate must be valid, and the certificate's private key in the keychain; an embedded binary is signed with
//! the certificate of the app that holds it ("Embedded binary is not signed with the same certificate as the parent app").

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::FailCause;
use super::holding::Holding;
use crate::base::ids::{BundleId, BundlePattern, CertSha1, CertSha256, FileSha256, ProfileUuid};
use crate::context::gate::facts::{Family, ObservedTargets};
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::plan::PinnedTargets;
use crate::context::rotation::embedding::differences;
use crate::xcode::targets::{ProfileRequest, SigningStyle};

/// What the builds of one manifest need.
pub(super) struct Build<'a> {
    manifest: &'a Manifest,
    needs: Vec<Need<'a>>,
    /// What ends first of all that is needed, and what that breaks.
    first_end: Option<(Timestamp, FailCause)>,
    /// What is wrong wherever and whenever it is built.
    always: Option<FailCause>,
}

/// A profile that signs.
struct Need<'a> {
    profile: &'a PinnedProfile,
    /// The keys of which one must be there.
    keys: BTreeSet<CertSha1>,
    /// The bundle ids that are signed with it; none: any that it covers.
    ids: BTreeSet<&'a BundleId>,
    ways: Ways,
}

/// In which ways Xcode comes to a profile besides its UUID.
#[derive(Clone, Copy)]
struct Ways {
    by_name: bool,
    by_coverage: bool,
}

const ANY_WAY: Ways = Ways {
    by_name: true,
    by_coverage: true,
};

impl<'a> Build<'a> {
    /// What the builds of `manifest` need, whose targets ask for their profiles as `targets` do.
    pub(super) fn of(manifest: &'a Manifest, targets: Option<&ObservedTargets>) -> Self {
        let mut signing: HashMap<&ProfileUuid, (BTreeSet<CertSha256>, BTreeSet<&BundleId>)> =
            HashMap::new();
        let of_targets = manifest.targets().iter();
        let of_targets = of_targets.map(|it| (&it.profile, it.certificate, &it.bundle_id));
        let of_products = manifest.products().iter();
        let of_products = of_products.map(|it| (&it.profile, it.certificate, &it.bundle_id));
        for (profile, certificate, id) in of_targets.chain(of_products) {
            let (certificates, ids) = signing.entry(profile).or_default();
            certificates.insert(certificate);
            ids.insert(id);
        }
        let ways = ways(manifest, targets);
        let has_difference = !differences(manifest.content()).is_empty();
        let mut build = Self {
            manifest,
            needs: Vec::new(),
            first_end: None,
            always: has_difference.then_some(FailCause::CertificatesDiffer),
        };
        for profile in manifest.profiles() {
            match signing.get(&profile.uuid) {
                Some((certificates, ids)) => {
                    let ways = ways.get(&profile.uuid).copied().unwrap_or(ANY_WAY);
                    for certificate in certificates {
                        build.add(profile, Some(certificate), ids.clone(), ways);
                    }
                }
                None if profile.state == ProfileState::Active => {
                    build.add(profile, None, BTreeSet::new(), ANY_WAY);
                }
                None => {}
            }
        }
        build
    }

    fn add(
        &mut self,
        profile: &'a PinnedProfile,
        certificate: Option<&CertSha256>,
        ids: BTreeSet<&'a BundleId>,
        ways: Ways,
    ) {
        let is_meant = |sha256: &CertSha256| certificate.is_none_or(|meant| meant == sha256);
        let mut keys = BTreeSet::new();
        let mut end = None;
        for embedded in profile.certificates().filter(|it| is_meant(&it.sha256)) {
            keys.insert(embedded.sha1);
            end = end.max(Some(embedded.expires));
        }
        let mut ends = vec![(profile.expires, FailCause::ProfileExpired)];
        match end {
            Some(end) => ends.push((end, FailCause::CertificateExpired)),
            None => self.always = self.always.or(Some(FailCause::CertificateNotEmbedded)),
        }
        self.first_end = self.first_end.into_iter().chain(ends).min();
        self.needs.push(Need {
            profile,
            keys,
            ids,
            ways,
        });
    }

    /// The keys that it needs: one for each profile that signs.
    pub(super) fn keys(&self) -> BTreeSet<CertSha1> {
        let needs = self.needs.iter();
        needs.filter_map(|need| need.keys.last().copied()).collect()
    }

    /// Why it fails on a machine that holds this, whenever that is. `known` tells what the files say.
    pub(super) fn fails_on(
        &self,
        holding: &Holding,
        known: &HashMap<FileSha256, &PinnedProfile>,
    ) -> Option<FailCause> {
        if self.always.is_some() {
            return self.always;
        }
        let is_absent = |need: &Need<'_>| !holding.has(&need.profile.sha256);
        if self.needs.iter().any(is_absent) {
            return Some(FailCause::ProfileAbsent);
        }
        if let Some(identities) = &holding.identities {
            let has_key = |need: &Need<'_>| !need.keys.is_disjoint(identities);
            if !self.needs.iter().all(has_key) {
                return Some(FailCause::IdentityAbsent);
            }
        }
        let others = holding
            .files
            .iter()
            .filter(|sha256| !self.manifest.has_bytes(sha256));
        let mut others = others.filter_map(|sha256| known.get(sha256).copied());
        let is_chosen = |other: &PinnedProfile| {
            let mut needs = self.needs.iter();
            needs.any(|need| need.could_be(other))
        };
        others.any(is_chosen).then_some(FailCause::OtherProfile)
    }

    /// Why it fails at this instant, wherever it is built. The last valid instant is still valid.
    pub(super) fn fails_at(&self, now: Timestamp) -> Option<FailCause> {
        let (end, cause) = self.first_end?;
        (end < now).then_some(cause)
    }
}

impl Need<'_> {
    /// Whether Xcode could take `other` for this profile.
    fn could_be(&self, other: &PinnedProfile) -> bool {
        let own = self.profile;
        if own.uuid == other.uuid || (self.ways.by_name && own.name == other.name) {
            return true;
        }
        let is_alike = own.team_id == other.team_id
            && own.kind == other.kind
            && Family::of(&own.platforms) == Family::of(&other.platforms);
        self.ways.by_coverage
            && is_alike
            && match self.ids.is_empty() {
                true => overlap(&own.bundle_id, &other.bundle_id),
                false => self.ids.iter().any(|id| other.bundle_id.covers(id)),
            }
    }
}

/// Whether two patterns cover a common bundle id.
fn overlap(one: &BundlePattern, other: &BundlePattern) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    let begins = |long: &str, short: &str| {
        let prefix = short.strip_suffix('*');
        prefix.is_some_and(|prefix| long.starts_with(prefix))
    };
    one == other || begins(one, other) || begins(other, one)
}

/// How the targets come to the profiles that the manifest pins to them; of one that no target was read for nothing is known.
fn ways<'a>(
    manifest: &'a Manifest,
    targets: Option<&ObservedTargets>,
) -> HashMap<&'a ProfileUuid, Ways> {
    let mut ways: HashMap<&ProfileUuid, Ways> = HashMap::new();
    let Some(observed) = targets else {
        return ways;
    };
    let mut add = |profile, by_name, by_coverage| {
        let ways = ways.entry(profile).or_insert(Ways {
            by_name: false,
            by_coverage: false,
        });
        ways.by_name |= by_name;
        ways.by_coverage |= by_coverage;
    };
    let pinned = PinnedTargets::new(manifest.targets());
    let mut read = BTreeSet::new();
    for target in &observed.targets {
        let Some(pin) = pinned.get(target) else {
            continue;
        };
        read.insert(pin.key());
        let request = target.requested_profile();
        let is_automatic = target.style.value == SigningStyle::Automatic || request.is_none();
        let request = request.map(|setting| setting.value.revealed());
        let is_name = matches!(request, Some(ProfileRequest::Name { .. }));
        add(&pin.profile, is_name, is_automatic);
    }
    for target in manifest.targets() {
        if !read.contains(&target.key()) {
            add(&target.profile, true, true);
        }
    }
    // Who declares a product names its profile by UUID.
    for product in manifest.products() {
        add(&product.profile, false, false);
    }
    ways
}
