//! Successions: which profile replaces which.
//!
//! A successor has the same team, bundle id, kind and family of systems as the old profile, another UUID, was made later and
//! lives longer. Of two that could be meant only a person can say which is. What the old profile granted, the new one must grant too,
//! and it must embed a certificate of the kind that signs today: otherwise the day of promotion is the day on which builds fail.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::apple::entitlements::grant::PlatformFamily;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha256;
use crate::context::gate::facts::Family;
use crate::context::manifest::{Manifest, PinnedCertificate, PinnedProfile, ProfileState};

/// An old profile and the one that replaces it.
#[derive(Debug, Clone)]
pub struct Succession {
    /// The profile that signs today.
    pub old: PinnedProfile,
    /// The profile that will.
    pub new: PinnedProfile,
}

impl Succession {
    /// The certificates of the new profile that the old one does not embed.
    pub fn certificates_that_come(&self) -> Vec<&PinnedCertificate> {
        only_in(&self.new, &self.old)
    }

    /// The certificates of the old profile that the new one does not embed.
    pub fn certificates_that_go(&self) -> Vec<&PinnedCertificate> {
        only_in(&self.old, &self.new)
    }

    /// The entitlements that only the new profile grants.
    pub fn entitlements_that_come(&self) -> Vec<&str> {
        let keys = self.new.entitlements.iter();
        keys.filter(|(key, _)| self.old.entitlements.get(key).is_none())
            .map(|(key, _)| key)
            .collect()
    }

    /// The certificate that signs with the new profile what `old` signs with the old one: the same, if the new profile embeds it and
    /// it is valid at `now`; else of those of its kind that the new profile brings the one that lives longest.
    ///
    /// A development profile embeds every developer's certificate, so what lives longest is not simply the one that is meant.
    pub fn certificate_for(&self, old: &CertSha256, now: Timestamp) -> Option<&PinnedCertificate> {
        let is_valid = |it: &&PinnedCertificate| it.expires > now;
        let mut valid = self.new.certificates().filter(is_valid);
        if let Some(same) = valid.find(|it| it.sha256 == *old) {
            return Some(same);
        }
        let kind = self.old.certificates().find(|it| it.sha256 == *old)?.kind;
        let of_kind = self.new.certificates().filter(is_valid);
        let of_kind = of_kind.filter(|it| it.kind.stands_in_for(kind));
        let comes = |it: &PinnedCertificate| !self.old.certificates().any(|old| old == it);
        of_kind.max_by_key(|it| (comes(it), it.expires, it.sha256))
    }
}

fn only_in<'a>(one: &'a PinnedProfile, other: &PinnedProfile) -> Vec<&'a PinnedCertificate> {
    let is_in_other = |certificate: &PinnedCertificate| {
        let mut others = other.certificates();
        others.any(|it| it.sha256 == certificate.sha256)
    };
    one.certificates()
        .filter(|certificate| !is_in_other(certificate))
        .collect()
}

/// What came of looking for successors.
#[derive(Debug, Clone, Default)]
pub struct Successions {
    /// The pairs, in the order of the old profiles' UUIDs.
    pub pairs: Vec<Succession>,
    /// The profiles in use that nothing at hand replaces, and of which nothing else is said, in that order.
    pub without: Vec<PinnedProfile>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// Bundle ids, kind and family: what a successor shares with the old profile whatever its team is.
type Scope<'a> = (&'a str, ProfileKind, Family);

fn scope_of(profile: &PinnedProfile) -> Scope<'_> {
    (
        profile.bundle_id.as_str(),
        profile.kind,
        Family::of(&profile.platforms),
    )
}

/// Of the `active` profiles the one that signs in the place of `old`: of its team, bundle ids, kind and family, and made later.
pub fn in_place_of<'a>(
    old: &PinnedProfile,
    active: &[&'a PinnedProfile],
) -> Option<&'a PinnedProfile> {
    let is_alike = |it: &&PinnedProfile| {
        it.team_id == old.team_id && scope_of(it) == scope_of(old) && it.created > old.created
    };
    active.iter().copied().find(is_alike)
}

/// The profiles that the manifest has as `incoming`, each beside the one that it replaces.
pub fn incoming(manifest: &Manifest, now: Timestamp) -> Successions {
    let incoming: Vec<PinnedProfile> = manifest.in_state(ProfileState::Incoming).cloned().collect();
    find(manifest, &incoming, now)
}

/// Finds among `candidates` the successor of each active profile of the manifest.
pub fn find(manifest: &Manifest, candidates: &[PinnedProfile], now: Timestamp) -> Successions {
    let mut by_scope: HashMap<Scope<'_>, Vec<&PinnedProfile>> = HashMap::new();
    for candidate in candidates {
        let of_scope = by_scope.entry(scope_of(candidate)).or_default();
        // Copies of one file are one candidate.
        if !of_scope.iter().any(|it| it.sha256 == candidate.sha256) {
            of_scope.push(candidate);
        }
    }
    let is_active = |uuid: &_| {
        let entry = manifest.profile(uuid);
        entry.is_some_and(|(_, entry)| entry.state != ProfileState::Incoming)
    };
    let mut found = Successions::default();
    for old in manifest.in_state(ProfileState::Active) {
        let of_scope = by_scope.get(&scope_of(old));
        let newer: Vec<&PinnedProfile> = of_scope
            .into_iter()
            .flatten()
            .copied()
            // What was made before is a predecessor.
            .filter(|it| !is_active(&it.uuid) && it.created > old.created)
            .collect();
        let (own, foreign): (Vec<_>, Vec<_>) =
            newer.into_iter().partition(|it| it.team_id == old.team_id);
        match (own.as_slice(), foreign.first()) {
            ([], None) => found.without.push(old.clone()),
            ([], Some(foreign)) => found.findings.push(of_another_team(old, foreign)),
            ([new], _) => {
                let pair = Succession {
                    old: old.clone(),
                    new: PinnedProfile {
                        state: ProfileState::Incoming,
                        ..(*new).clone()
                    },
                };
                let findings = faults(&pair, manifest, now);
                let is_usable = !crate::base::finding::any_blocks(&findings);
                found.findings.extend(findings);
                if is_usable {
                    found.pairs.push(pair);
                }
            }
            (several, _) => found.findings.push(ambiguous(old, several)),
        }
    }
    found
}

fn of_another_team(old: &PinnedProfile, foreign: &PinnedProfile) -> Finding {
    Finding::block(
        Code::SuccessorTeamMismatch,
        format!(
            "the profile at hand for {} belongs to another team than the one that it would replace",
            old.bundle_id
        ),
    )
    .values(
        format!("team {} of {}", old.team_id, old.title()),
        format!("team {} of {}", foreign.team_id, foreign.title()),
    )
    .of_profile(&foreign.uuid)
    .hint("make the successor under the team that owns the app")
}

fn ambiguous(old: &PinnedProfile, several: &[&PinnedProfile]) -> Finding {
    let titles: Vec<String> = several.iter().map(|it| it.title()).collect();
    Finding::block(
        Code::SuccessorAmbiguous,
        format!("{} profiles could replace {}", several.len(), old.title()),
    )
    .values("one successor", titles.join(", "))
    .of_profile(&old.uuid)
    .hint("name the file of the one that is meant, or remove the others")
}

/// What is not right about a pair.
fn faults(pair: &Succession, manifest: &Manifest, now: Timestamp) -> Vec<Finding> {
    let Succession { old, new } = pair;
    let mut findings = Vec::new();
    if new.expires <= old.expires || new.expires <= now {
        findings.push(
            Finding::block(
                Code::SuccessorExpiresEarlier,
                format!(
                    "the successor of {} does not live longer than it",
                    old.title()
                ),
            )
            .values(
                format!("after {}", old.expires.max(now)),
                format!("{} expires on {}", new.title(), new.expires),
            )
            .of_profile(&new.uuid)
            .hint("make the profile again at Apple's developer site, and use the new file"),
        );
    }
    let family = match new.is_mac() {
        true => PlatformFamily::Mac,
        false => PlatformFamily::Ios,
    };
    for shortfall in new.entitlements.grants(&old.entitlements, family) {
        findings.push(
            Finding::block(
                Code::SuccessorLacksEntitlement,
                format!(
                    "the successor of {} lacks an entitlement: {}",
                    old.title(),
                    shortfall.key
                ),
            )
            .values(
                format!("{} = {}", shortfall.key, shortfall.claimed),
                shortfall.granted.as_ref().map_or_else(
                    || format!("{} does not grant it", new.title()),
                    |granted| format!("{} grants {granted}", new.title()),
                ),
            )
            .of_profile(&new.uuid)
            .hint("switch the capability on in the App ID, make the profile again, and use the new file"),
        );
    }
    findings.extend(certificate_faults(pair, manifest, now));
    if new.device_count < old.device_count {
        findings.push(
            Finding::warn(
                Code::SuccessorLacksDevices,
                format!(
                    "the successor of {} names fewer devices than it",
                    old.title()
                ),
            )
            .values(old.device_count, new.device_count)
            .of_profile(&new.uuid)
            .hint(
                "compare the devices at Apple's developer site: what is not in the profile does not run the app",
            ),
        );
    }
    findings
}

/// Targets for whose certificate the successor has none.
fn certificate_faults(pair: &Succession, manifest: &Manifest, now: Timestamp) -> Option<Finding> {
    let Succession { old, new } = pair;
    let targets = manifest.targets().iter();
    let of_targets = targets
        .filter(|target| target.profile == old.uuid)
        .map(|target| target.certificate);
    let products = manifest.products().iter();
    let of_products = products
        .filter(|product| product.profile == old.uuid)
        .map(|product| product.certificate);
    let mut signing: Vec<CertSha256> = of_targets.chain(of_products).collect();
    if signing.is_empty() {
        signing.extend(old.certificates().map(|it| it.sha256).take(1));
    }
    let lacking = signing
        .iter()
        .find(|certificate| pair.certificate_for(certificate, now).is_none())?;
    let signs_now = old.certificates().find(|it| it.sha256 == *lacking);
    let kind = signs_now.map_or("of the same kind".to_owned(), |it| it.kind.to_string());
    Some(
        Finding::block(
            Code::SuccessorLacksCertificate,
            format!(
                "the successor of {} embeds no valid certificate that could sign in its place",
                old.title()
            ),
        )
        .values(
            format!("a valid certificate {kind}"),
            match new.certificates.len() {
                0 => format!("no certificate in {}", new.title()),
                _ => {
                    let names: Vec<&str> = new.certificates().map(|it| &*it.common_name).collect();
                    format!("{} in {}", names.join(", "), new.title())
                }
            },
        )
        .of_profile(&new.uuid)
        .hint("add the certificate to the profile at Apple's developer site, and use the new file"),
    )
}
