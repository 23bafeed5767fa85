//! The certificate that signed: one of the profile's, and the planned one.

use super::part::{Part, Scene};
use super::teams;
use crate::apple::certificate::Certificate;
use crate::base::finding::{Code, Finding};
use crate::context::manifest::{Manifest, PinnedProfile};

/// What is wrong with the certificate that signed a piece of code.
pub(super) fn check(part: &Part<'_>, scene: &Scene<'_>) -> Vec<Finding> {
    let Some(leaf) = part.leaf.as_deref().filter(|_| !part.is_apples()) else {
        return Vec::new();
    };
    let findings = [
        outside_of_profile(part, leaf),
        other_than_planned(part, leaf, scene),
    ];
    findings.into_iter().flatten().collect()
}

/// The system starts nothing whose signer is not in its profile (TN3125).
fn outside_of_profile(part: &Part<'_>, leaf: &Certificate) -> Option<Finding> {
    let profile = part.proven()?;
    let mut certificates = profile.certificates().iter();
    if certificates.any(|certificate| certificate.sha256 == leaf.sha256) {
        return None;
    }
    let held = profile.certificates().iter();
    let held: Vec<String> = held.map(|it| named(it)).collect();
    let finding = Finding::block(
        Code::SignerNotInProfile,
        format!(
            "{} is signed with a certificate that its profile does not hold",
            part.title()
        ),
    )
    .values(held.join(", "), named(leaf))
    .of_profile(&profile.fields().uuid)
    .hint("sign it with a certificate of the profile");
    Some(part.place(finding))
}

/// A certificate that is not the planned one. The policy may allow one by its fingerprint, for what has no profile.
fn other_than_planned(part: &Part<'_>, leaf: &Certificate, scene: &Scene<'_>) -> Option<Finding> {
    let meant = scene.certificates(part);
    let policy = &scene.context.policy;
    let is_allowed =
        part.planned.is_empty() && policy.identities.allows(Some(&leaf.sha256), &leaf.sha1);
    if meant.contains(&leaf.sha256) || is_allowed || teams::is_named_foreign(part, scene) {
        return None;
    }
    let manifest = scene.context.manifest;
    let mut expected: Vec<String> = meant
        .iter()
        .filter_map(|sha256| pinned(manifest, sha256))
        .collect();
    expected.sort();
    expected.dedup();
    let finding = Finding::block(
        Code::SignerNotPlanned,
        format!(
            "{} is signed with another certificate than the planned one",
            part.title()
        ),
    )
    .values(
        match expected.is_empty() {
            true => "a pinned certificate".to_owned(),
            false => expected.join(", "),
        },
        named(leaf),
    )
    .hint("sign it with the planned certificate, or pin this one with a profile that holds it");
    Some(part.place(finding))
}

fn pinned(manifest: &Manifest, sha256: &crate::base::ids::CertSha256) -> Option<String> {
    let mut certificates = manifest
        .profiles()
        .iter()
        .flat_map(PinnedProfile::certificates);
    let found = certificates.find(|certificate| certificate.sha256 == *sha256)?;
    Some(format!("{} ({})", found.common_name, found.sha1))
}

/// A certificate as Keychain Access and `security find-identity` name it.
pub(super) fn named(certificate: &Certificate) -> String {
    format!("{} ({})", certificate.common_name, certificate.sha1)
}
