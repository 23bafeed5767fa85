//! Certificates and profiles of a kind that goes where the product goes.
//!
//! Every kind of certificate signs everything without complaint. An Apple Distribution certificate in a product for outside
//! of the store works until it is revoked, and then every installed copy stops at once.

use super::certificates::named;
use super::part::{Part, Scene};
use crate::apple::certificate::CertificateKind;
use crate::apple::entitlements::grant::PlatformFamily;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};

/// What is of the wrong kind in a piece of code.
pub(super) fn check(part: &Part<'_>, scene: &Scene<'_>) -> Vec<Finding> {
    let findings = [profile(part), certificate(part, scene)];
    findings.into_iter().flatten().collect()
}

fn profile(part: &Part<'_>) -> Option<Finding> {
    let (destination, embedded) = (part.destination?, part.profile.as_ref()?);
    let fields = part.proven()?.fields();
    (fields.kind != destination).then(|| {
        let finding = Finding::block(
            Code::EmbeddedProfileKind,
            format!(
                "the profile in {} is for {}, but the product is for {destination}",
                part.title(),
                fields.kind
            ),
        )
        .values(destination, fields.kind)
        .of_profile(&fields.uuid)
        .hint(format!(
            "export the product for {destination}, with its {destination} profile"
        ));
        let mut finding = part.place(finding);
        finding.place.file = Some(embedded.path.clone());
        finding
    })
}

fn certificate(part: &Part<'_>, scene: &Scene<'_>) -> Option<Finding> {
    let leaf = part.leaf.as_ref().filter(|_| !part.is_apples())?;
    let (expected, place) = match part.destination {
        Some(destination) => (
            kinds(destination, part.family),
            format!("for {destination}"),
        ),
        // The store takes apps alone. Whoever signs a lone program for it will hand it out otherwise.
        None if is_lone_program(part, scene) => (
            &[
                CertificateKind::DeveloperIdApplication,
                CertificateKind::AppleDevelopment,
            ][..],
            "a program on its own, which no store takes".to_owned(),
        ),
        None => return None,
    };
    if expected.contains(&leaf.kind) {
        return None;
    }
    let words: Vec<String> = expected.iter().map(ToString::to_string).collect();
    let finding = Finding::block(
        Code::SignerKindMismatch,
        format!(
            "{} is signed with {}, but the product is {place}",
            part.title(),
            leaf.kind
        ),
    )
    .values(
        words.join(" or "),
        format!("{}: {}", leaf.kind, named(leaf)),
    )
    .hint(match expected.first() {
        Some(kind) => format!("sign it with a certificate of kind {kind}"),
        None => "sign it with a certificate for its destination".to_owned(),
    });
    Some(part.place(finding))
}

fn is_lone_program(part: &Part<'_>, scene: &Scene<'_>) -> bool {
    let is_lone = part.item.layout.is_none() && scene.parts.len() == 1;
    is_lone && part.is_program() && part.family == PlatformFamily::Mac
}

/// The kinds of certificates that sign for a destination (Apple's "Certificates overview").
fn kinds(destination: ProfileKind, family: PlatformFamily) -> &'static [CertificateKind] {
    use CertificateKind as Kind;
    match (destination, family) {
        (ProfileKind::DeveloperId, _) => &[Kind::DeveloperIdApplication],
        (ProfileKind::Development, PlatformFamily::Mac) => {
            &[Kind::AppleDevelopment, Kind::MacDevelopment]
        }
        (ProfileKind::Development, PlatformFamily::Ios) => {
            &[Kind::AppleDevelopment, Kind::IphoneDevelopment]
        }
        (_, PlatformFamily::Mac) => &[Kind::AppleDistribution, Kind::MacAppDistribution],
        (_, PlatformFamily::Ios) => &[Kind::AppleDistribution, Kind::IphoneDistribution],
    }
}
