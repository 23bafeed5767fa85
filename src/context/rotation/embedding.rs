//! Embedding: an extension and the app that holds it are signed with one certificate.
//!
//! After an app is signed, Xcode holds each product in it against the app's own certificate, and fails with "Embedded binary is not signed
//! with the same certificate as the parent app". A promotion whose successors embed a new certificate does that to a product of which
//! only a part has a successor.
//!
//! Which holds which is told by the bundle ids, in one configuration: Debug and Release are never in one archive. An extension that
//! several apps could hold fits if it fits one of them. A difference that was there before is no matter of a rotation.
//!
//! In a manifest without targets and products the profiles' own bundle ids tell it, among active profiles of one team, kind and family that
//! embed one certificate each. Of several certificates nobody knows which signs.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::product::above;
use super::revision::{promoted, staged};
use super::succession::Succession;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::{CertSha256, ProfileUuid};
use crate::context::gate::facts::Family;
use crate::context::manifest::{Content, PinnedCertificate, PinnedTarget, ProfileState};

/// An extension and what holds it, which are pinned to different certificates.
#[derive(Debug, Clone, Copy)]
pub struct Difference<'a> {
    /// Their configuration; of profiles that nothing is pinned to their kind.
    pub among: &'a str,
    /// The extension, or another product that something holds.
    pub embedded: Side<'a>,
    /// What holds it.
    pub host: Side<'a>,
}

/// One of the two.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its bundle id.
    pub bundle_id: &'a str,
    /// The profile that signs it.
    pub profile: &'a ProfileUuid,
    /// The certificate that signs it.
    pub certificate: CertSha256,
}

impl<'a> Difference<'a> {
    /// What stays the same when one of them gets another certificate.
    fn key(&self) -> (&'a str, &'a str, &'a str) {
        (self.among, self.embedded.bundle_id, self.host.bundle_id)
    }
}

/// The extensions that are pinned to another certificate than everything that could hold them.
pub fn differences(content: &Content) -> Vec<Difference<'_>> {
    match content.targets.is_empty() && content.products.is_empty() {
        true => of_profiles(content),
        false => of_targets(content),
    }
}

fn of_targets(content: &Content) -> Vec<Difference<'_>> {
    let mut by_id: HashMap<(&str, &str), Vec<&PinnedTarget>> = HashMap::new();
    for target in &content.targets {
        let id = (target.configuration.as_str(), target.bundle_id.as_str());
        by_id.entry(id).or_default().push(target);
    }
    let mut differences = Vec::new();
    for target in &content.targets {
        let configuration = target.configuration.as_str();
        for above in above(target.bundle_id.as_str()) {
            let hosts = by_id.get(&(configuration, above)).into_iter().flatten();
            let hosts = hosts.filter(|host| host.platform.may_hold(target.platform));
            let hosts: Vec<&&PinnedTarget> = hosts.collect();
            if hosts.iter().any(|it| it.certificate == target.certificate) {
                continue;
            }
            differences.extend(hosts.first().map(|host| Difference {
                among: configuration,
                embedded: side(target),
                host: side(host),
            }));
        }
    }
    differences
}

fn of_profiles(content: &Content) -> Vec<Difference<'_>> {
    let signing = content.profiles.iter().filter_map(|profile| {
        let is_meant = profile.state == ProfileState::Active && !profile.bundle_id.is_wildcard();
        let mut certificates = profile.certificates();
        let certificate = certificates.next().filter(|_| is_meant)?;
        let side = Side {
            bundle_id: profile.bundle_id.as_str(),
            profile: &profile.uuid,
            certificate: certificate.sha256,
        };
        let family = Family::of(&profile.platforms);
        let scope = (&profile.team_id, profile.kind, family);
        certificates.next().is_none().then_some((scope, side))
    });
    let signing: Vec<_> = signing.collect();
    let mut by_id: HashMap<_, Vec<Side<'_>>> = HashMap::new();
    for (scope, side) in &signing {
        by_id
            .entry((*scope, side.bundle_id))
            .or_default()
            .push(*side);
    }
    let mut differences = Vec::new();
    for (scope, embedded) in signing {
        for above in above(embedded.bundle_id) {
            let hosts = by_id.get(&(scope, above)).map_or(&[][..], Vec::as_slice);
            if hosts
                .iter()
                .any(|it| it.certificate == embedded.certificate)
            {
                continue;
            }
            differences.extend(hosts.first().map(|host| Difference {
                among: scope.1.as_str(),
                embedded,
                host: *host,
            }));
        }
    }
    differences
}

fn side(target: &PinnedTarget) -> Side<'_> {
    Side {
        bundle_id: target.bundle_id.as_str(),
        profile: &target.profile,
        certificate: target.certificate,
    }
}

/// The extensions that the promotion of these pairs would part from what holds them, each pair of bundle ids once.
pub fn parted<'a>(
    content: &Content,
    pairs: impl IntoIterator<Item = &'a Succession>,
    severity: Severity,
    now: Timestamp,
) -> Vec<Finding> {
    let pairs: Vec<&Succession> = pairs.into_iter().collect();
    let next = staged(content, pairs.iter().map(|pair| &pair.new));
    let next = promoted(&next, pairs.iter().copied(), now);
    let before = differences(content);
    let before: HashSet<_> = before.iter().map(Difference::key).collect();
    let mut parted = BTreeMap::new();
    for difference in differences(&next) {
        if !before.contains(&difference.key()) {
            let (_, embedded, host) = difference.key();
            parted.entry((embedded, host)).or_insert(difference);
        }
    }
    let new: HashSet<&ProfileUuid> = pairs.iter().map(|pair| &pair.new.uuid).collect();
    let parted = parted.into_values();
    parted
        .map(|it| finding(&it, &next, &new, severity))
        .collect()
}

fn finding(
    it: &Difference<'_>,
    next: &Content,
    new: &HashSet<&ProfileUuid>,
    severity: Severity,
) -> Finding {
    let (embedded, host) = (&it.embedded, &it.host);
    let (of_embedded, of_host) = (named(embedded, next), named(host, next));
    let hint = match (new.contains(embedded.profile), new.contains(host.profile)) {
        (true, false) => format!(
            "make the successor of {} too, with the certificate {of_embedded}, and stage it",
            titled(host.profile, next)
        ),
        (false, true) => format!(
            "make the successor of {} too, with the certificate {of_host}, and stage it",
            titled(embedded.profile, next)
        ),
        _ => "make the successors of both with one certificate, and stage them".to_owned(),
    };
    let profiles = next.profiles.iter();
    let touched = profiles.filter(|it| it.uuid == *embedded.profile || it.uuid == *host.profile);
    Finding::new(
        Code::EmbeddedCertificateDiffers,
        severity,
        format!(
            "after the promotion {} is signed with another certificate than {}, which holds it",
            embedded.bundle_id, host.bundle_id
        ),
    )
    .values(
        format!("{of_host}, as {}", host.bundle_id),
        of_embedded.clone(),
    )
    .of_profile(embedded.profile)
    .touching(touched.map(|profile| profile.touched()).collect())
    .hint(hint)
}

/// The certificate that signs it, by common name and the end of the serial: a renewed one has the name of the old one.
fn named(side: &Side<'_>, content: &Content) -> String {
    let profiles = content.profiles.iter();
    let mut embedded = profiles
        .filter(|profile| profile.uuid == *side.profile)
        .flat_map(|profile| profile.certificates());
    let certificate = embedded.find(|it| it.sha256 == side.certificate);
    certificate.map_or_else(|| side.certificate.to_string(), PinnedCertificate::title)
}

fn titled(uuid: &ProfileUuid, content: &Content) -> String {
    let mut profiles = content.profiles.iter();
    let profile = profiles.find(|profile| profile.uuid == *uuid);
    profile.map_or_else(|| uuid.to_string(), |profile| profile.title())
}
