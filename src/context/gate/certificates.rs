//! The *certificates* group: can the certificates of the pinned profiles still sign, and do the profiles embed the
//! targets' certificates?
//!
//! A development profile lists every developer's certificate, and some of them have expired on any given day. What
//! counts is the certificate that a profile relies on: the one its targets are pinned to, or else the one that lives
//! longest. Each certificate is reported once, however many profiles embed it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::expiry::Margins;
use super::facts::{Observation, Observed};
use super::pins::Pins;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{CertSha1, CertSha256};
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedCertificate, PinnedProfile};
use crate::context::policy::Policy;

/// Judges the certificates.
pub fn check(
    policy: &Policy,
    pins: &Pins<'_>,
    pinned: &BySha1<'_>,
    facts: &Observed,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let relied_on = relied_on(pins, &mut findings);
    let margins = Margins::of(policy);
    for (certificate, profiles) in relied_on.values() {
        let near_end = margins.finding(
            (Code::CertificateExpired, Code::CertificateExpiresSoon),
            certificate.expires,
            facts.now,
            |state| {
                format!(
                    "certificate {} {state}; {} on it",
                    title(certificate),
                    relying(profiles)
                )
            },
        );
        findings.extend(near_end.map(|finding| {
            finding
                .of_profile(profiles.first().map(|profile| profile.uuid.to_string()).unwrap_or_default())
                .touching(profiles.iter().map(|profile| profile.touched()).collect())
                .hint("renew the certificate, regenerate the profiles with it and freeze the manifest again")
                .remedy(Remedy::RenewCertificate)
        }));
    }
    if let Observation::Observed(identities) = &facts.identities {
        for identity in &identities.identities {
            let (Some(problem), Some(certificate)) =
                (&identity.problem, pinned.get(&identity.sha1))
            else {
                continue;
            };
            // The error that a missing intermediate gives; an expired certificate is reported as such above.
            let is_chain = problem.contains("NOT_TRUSTED")
                || problem.contains("not valid")
                || problem.contains("chain");
            if is_chain && certificate.expires > facts.now {
                findings.push(
                    Finding::block(
                        Code::CertificateIssuerMissing,
                        format!(
                            "the certificate chain of {} is incomplete: its issuer is missing on this machine",
                            title(certificate)
                        ),
                    )
                    .values(&certificate.issuer, problem)
                    .hint(format!(
                        "install the intermediate {:?} from https://www.apple.com/certificateauthority/ into the keychain",
                        certificate.issuer
                    )),
                );
            }
        }
    }
    findings
}

type Relied<'a> = BTreeMap<CertSha256, (&'a PinnedCertificate, Vec<&'a PinnedProfile>)>;

/// Each certificate that a profile in use relies on, with those profiles.
fn relied_on<'a>(pins: &'a Pins<'_>, findings: &mut Vec<Finding>) -> Relied<'a> {
    let mut relied: Relied<'a> = BTreeMap::new();
    // Thousands of profiles may rely on one certificate, and many targets on one profile.
    let mut known = HashSet::new();
    let mut rely =
        |certificate: &'a PinnedCertificate, index: usize, profile: &'a PinnedProfile| {
            if known.insert((certificate.sha256, index)) {
                let (_, profiles) = relied
                    .entry(certificate.sha256)
                    .or_insert_with(|| (certificate, Vec::new()));
                profiles.push(profile);
            }
        };
    let mut pinned_by_target = HashSet::new();
    for signed in pins.signed() {
        let Some((index, profile)) = pins.profile(signed.profile) else {
            continue;
        };
        match profile.certificates.iter().find(|certificate| certificate.sha256 == signed.certificate) {
            Some(certificate) => {
                pinned_by_target.insert(index);
                rely(certificate, index, profile);
            }
            None => findings.push(
                Finding::block(
                    Code::CertificateNotInProfile,
                    format!("{} {} is pinned to a certificate that profile {} does not embed", signed.what, signed.name, profile.title()),
                )
                .values(
                    profile.certificates.iter().map(|c| c.sha256.to_string()).collect::<Vec<_>>().join(", "),
                    signed.certificate,
                )
                .of_target(signed.name)
                .of_profile(&profile.uuid)
                .at_pointer(format!("/{}s/{}/certificate", signed.what, signed.index))
                .hint("add the certificate to the profile at Apple's developer site, or freeze the manifest again with the project")
                .remedy(Remedy::FreezeTargets),
            ),
        }
    }
    for (index, profile) in pins.profiles().iter().enumerate() {
        if !pins.is_in_use(index) || pinned_by_target.contains(&index) {
            continue;
        }
        if let Some(certificate) = profile
            .certificates
            .iter()
            .max_by_key(|certificate| (certificate.expires, certificate.sha256))
        {
            rely(certificate, index, profile);
        }
    }
    relied
}

/// Pinned certificates by SHA-1.
pub type BySha1<'a> = HashMap<CertSha1, &'a PinnedCertificate>;

/// Every certificate that a pinned profile lets sign, by SHA-1: what a captured `find-identity` is resolved with.
pub fn by_sha1<'a>(pins: &'a Pins<'_>) -> BySha1<'a> {
    let numbered = pins.profiles().iter().enumerate();
    let counting = numbered.filter(|(index, _)| pins.counts(*index));
    certificates_of(counting.map(|(_, profile)| profile))
}

/// The same by the manifest's word alone, where no file is at hand.
pub fn by_sha1_as_pinned(manifest: &Manifest) -> BySha1<'_> {
    certificates_of(manifest.profiles())
}

fn certificates_of<'a>(profiles: impl IntoIterator<Item = &'a PinnedProfile>) -> BySha1<'a> {
    let certificates = profiles.into_iter().flat_map(PinnedProfile::certificates);
    certificates
        .map(|certificate| (certificate.sha1, certificate))
        .collect()
}

/// Name and short fingerprint: names alone are not unique.
pub(super) fn title(certificate: &PinnedCertificate) -> String {
    let sha1 = certificate.sha1.to_string().to_ascii_uppercase();
    format!(
        "{:?} (SHA-1 {}…, serial …{})",
        certificate.common_name,
        sha1.get(..8).unwrap_or(&sha1),
        certificate.serial
    )
}

fn relying(profiles: &[&PinnedProfile]) -> String {
    match profiles {
        [only] => format!("profile {} relies", only.title()),
        [first, ..] => format!(
            "profile {} and {} more rely",
            first.title(),
            profiles.len() - 1
        ),
        [] => "no profile relies".to_owned(),
    }
}
