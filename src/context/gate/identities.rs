//! The *identities* group: does this machine have exactly the pinned private keys?
//!
//! If one is missing, the build fails later with "no signing certificate found". An unexpected one is a key that
//! nobody reviewed. If two have the same name, Xcode chooses one of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::certificates::{BySha1, title};
use super::facts::{Identities, Identity, Observation, Observed};
use super::pins::Pins;
use crate::apple::identity::digest::canonical;
use crate::base::digest::Digest;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::{CertSha1, CertSha256};
use crate::base::remedy::Remedy;
use crate::context::digest_mismatch::{OF_CAPTURE, is_expected, mismatch};
use crate::context::manifest::PinnedProfile;
use crate::context::policy::Policy;

/// The digests of the identities that were observed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdentityDigests {
    /// Over the SHA-256 fingerprints; absent where one of them could not be told.
    pub canonical: Option<Digest>,
    /// Over what `find-identity` printed, where that is the source.
    pub compatible: Option<Digest>,
}

/// Judges the identities, and tells their digests.
pub fn check(
    policy: &Policy,
    pins: &Pins<'_>,
    pinned: &BySha1<'_>,
    facts: &Observed,
    expected: Option<Digest>,
) -> (Vec<Finding>, IdentityDigests) {
    let identities = match &facts.identities {
        Observation::Observed(identities) => identities,
        Observation::Unobserved { why } => {
            let finding = Finding::block(Code::IdentitiesUnobserved, "the signing identities were not looked at")
                .found(why)
                .hint(
                    "name a keychain, a p12 or a file with what `security find-identity -v -p codesigning` prints; or \
                     waive the group if the policy allows that",
                )
                .remedy(Remedy::NameIdentities);
            return (vec![finding], IdentityDigests::default());
        }
    };
    let digests = digests(identities, pinned);
    let mut findings = missing(pins, identities);
    findings.extend(unexpected(policy, pinned, identities));
    findings.extend(ambiguous(pins, pinned, identities));
    if let Some(expected) = expected {
        findings.extend(digest_mismatch(expected, digests, identities, pinned));
    }
    (findings, digests)
}

/// The certificate of an identity: a capture shows its SHA-1 alone, and the pinned profiles tell the rest.
fn fingerprint(identity: &Identity, pinned: &BySha1<'_>) -> Option<CertSha256> {
    let known = || Some(pinned.get(&identity.sha1)?.sha256);
    identity.sha256.or_else(known)
}

fn digests(identities: &Identities, pinned: &BySha1<'_>) -> IdentityDigests {
    let fingerprints: Option<Vec<CertSha256>> = identities
        .identities
        .iter()
        .map(|identity| fingerprint(identity, pinned))
        .collect();
    IdentityDigests {
        canonical: fingerprints.map(canonical),
        compatible: identities.compatible,
    }
}

/// Profiles in use for which no identity here can sign: one finding for each distinct set of certificates.
fn missing(pins: &Pins<'_>, identities: &Identities) -> Vec<Finding> {
    let usable = identities.usable();
    let mut lacking: BTreeMap<BTreeSet<CertSha1>, Vec<&PinnedProfile>> = BTreeMap::new();
    let mut demand = |certificates: BTreeSet<CertSha1>, profile| {
        if !certificates.iter().any(|sha1| usable.contains(sha1)) {
            lacking.entry(certificates).or_default().push(profile);
        }
    };
    let mut pinned_by_target = HashSet::new();
    let mut demanded = HashSet::new();
    for signed in pins.signed() {
        let Some((index, profile)) = pins.profile(signed.profile) else {
            continue;
        };
        let Some(certificate) = profile
            .certificates
            .iter()
            .find(|c| c.sha256 == signed.certificate)
        else {
            continue;
        };
        pinned_by_target.insert(index);
        if demanded.insert((&profile.uuid, certificate.sha1)) {
            demand([certificate.sha1].into(), profile);
        }
    }
    for (index, profile) in pins.profiles().iter().enumerate() {
        if pins.is_in_use(index) && !pinned_by_target.contains(&index) {
            demand(
                profile
                    .certificates
                    .iter()
                    .map(|certificate| certificate.sha1)
                    .collect(),
                profile,
            );
        }
    }
    lacking
        .into_iter()
        .map(|(sha1s, profiles)| {
            // Each of these profiles embeds all of these certificates.
            let certificates: BTreeSet<String> = profiles
                .iter()
                .take(1)
                .flat_map(|profile| profile.certificates())
                .filter(|certificate| sha1s.contains(&certificate.sha1))
                .map(title)
                .collect();
            let certificates: Vec<String> = certificates.into_iter().collect();
            let first = profiles.first().map(|profile| profile.title()).unwrap_or_default();
            let others = match profiles.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            // The pinned certificate is not the only one of its profile: perhaps this is another signer's machine.
            let with_key: Vec<String> = profiles
                .iter()
                .take(1)
                .flat_map(|profile| profile.certificates())
                .filter(|certificate| usable.contains(&certificate.sha1))
                .map(title)
                .collect();
            let finding = Finding::block(
                Code::IdentityMissing,
                format!("no identity here can sign for profile {first}{others}"),
            )
            .values(
                format!("one of {}", certificates.join(", ")),
                match (with_key.as_slice(), identities.identities.len()) {
                    ([], 0) => format!("no identity in {}", identities.source),
                    ([], count) => format!("{count} identities in {}, none of these", identities.source),
                    (others, _) => format!(
                        "the key of another certificate of the profile in {}: {}",
                        identities.source,
                        others.join(", ")
                    ),
                },
            )
            .of_profile(profiles.first().map(|profile| profile.uuid.to_string()).unwrap_or_default())
            .touching(profiles.iter().map(|profile| profile.touched()).collect());
            match with_key.is_empty() {
                true => finding
                    .hint("import the certificate with its private key into the CI keychain, and check that the keychain is in the search list")
                    .remedy(Remedy::ImportIdentities),
                false => finding
                    .hint("freeze the manifest again with the project and these identities, or import the key of the pinned certificate")
                    .remedy(Remedy::FreezeTargets),
            }
        })
        .collect()
}

/// Private keys that nobody pinned.
fn unexpected(policy: &Policy, pinned: &BySha1<'_>, identities: &Identities) -> Vec<Finding> {
    let is_allowed = |identity: &Identity| {
        pinned.contains_key(&identity.sha1)
            || policy
                .identities
                .allows(identity.sha256.as_ref(), &identity.sha1)
    };
    identities
        .identities
        .iter()
        .filter(|identity| !is_allowed(identity))
        .map(|identity| {
            Finding::block(
                Code::IdentityUnexpected,
                format!("no pinned profile embeds the certificate of the signing identity {:?}", identity.label),
            )
            .values(
                "only certificates of pinned profiles and of identities.allow",
                identity.sha1.to_string().to_ascii_uppercase(),
            )
            .hint(
                "remove it from the keychain (security delete-identity -Z SHA1), or name it in the policy's \
                 identities.allow",
            )
        })
        .collect()
}

/// Usable identities that share a name. Around a renewal that is normal, and harmless where the manifest pins which of
/// them signs each target; where nothing does, Xcode chooses.
fn ambiguous(pins: &Pins<'_>, pinned: &BySha1<'_>, identities: &Identities) -> Vec<Finding> {
    let pinned_by_target: HashSet<CertSha256> =
        pins.signed().map(|signed| signed.certificate).collect();
    let mut by_label: BTreeMap<&str, BTreeSet<CertSha1>> = BTreeMap::new();
    for identity in identities
        .identities
        .iter()
        .filter(|identity| identity.problem.is_none())
    {
        by_label
            .entry(&identity.label)
            .or_default()
            .insert(identity.sha1);
    }
    by_label
        .into_iter()
        .filter(|(_, sha1s)| sha1s.len() > 1)
        .map(|(label, sha1s)| {
            let found: Vec<String> = sha1s.iter().map(|sha1| sha1.to_string().to_ascii_uppercase()).collect();
            let is_decided = sha1s
                .iter()
                .any(|sha1| pinned.get(sha1).is_some_and(|certificate| pinned_by_target.contains(&certificate.sha256)));
            let severity = if is_decided { Severity::Warn } else { Severity::Block };
            Finding::new(
                Code::IdentityAmbiguous,
                severity,
                format!("{} identities are named {label:?}: Xcode chooses one of them", found.len()),
            )
            .values("one identity of that name", found.join(", "))
            .hint(
                "remove the unused identity, or freeze the manifest with the project, which pins the certificate of \
                 each target; until then set CODE_SIGN_IDENTITY to the certificate's SHA-1",
            )
            .remedy(Remedy::FreezeTargets)
        })
        .collect()
}

fn digest_mismatch(
    expected: Digest,
    digests: IdentityDigests,
    identities: &Identities,
    pinned: &BySha1<'_>,
) -> Option<Finding> {
    let found = match expected {
        Digest::Sha256(_) => digests.canonical,
        Digest::Sha1(_) => digests.compatible,
    };
    if is_expected(expected, found) {
        return None;
    }
    let found = match (found, expected) {
        (Some(found), _) => found.to_string(),
        (None, Digest::Sha256(_)) => {
            let unknown = identities
                .identities
                .iter()
                .filter(|identity| fingerprint(identity, pinned).is_none())
                .count();
            format!("no canonical digest: {unknown} of the certificates are known by SHA-1 only")
        }
        (None, Digest::Sha1(_)) => format!(
            "no compatible digest: {} is not captured find-identity output",
            identities.source
        ),
    };
    Some(mismatch(
        Code::IdentityDigestMismatch,
        "the signing identities are not the expected set",
        expected,
        found,
        (
            "compare the identities with the reviewed set, and expect the digest of that set",
            Some(Remedy::ListIdentities),
        ),
        OF_CAPTURE,
    ))
}
