//! What signs each target and product, and what each certificate carries.

use std::collections::BTreeMap;

use super::document::{ReportedCertificate, ReportedProduct, ReportedProfile, ReportedTarget};
use crate::base::ids::CertSha256;
use crate::context::manifest::{Manifest, PinnedProfile};
use crate::ops::targets::{ShownProduct, ShownTarget};

/// What signs what.
#[derive(Debug, Default)]
pub(super) struct Signing {
    pub(super) targets: Vec<ReportedTarget>,
    pub(super) products: Vec<ReportedProduct>,
}

/// As the manifest pins it.
pub(super) fn pinned(manifest: &Manifest) -> Signing {
    let targets = manifest.targets().iter().map(|pin| ReportedTarget {
        project: pin.project.clone(),
        target: pin.target.clone(),
        configuration: pin.configuration.clone(),
        platform: pin.platform,
        bundle_id: Some(pin.bundle_id.to_string()),
        profile: Some(pin.profile.clone()),
        certificate: Some(pin.certificate),
    });
    let products = manifest.products().iter().map(|pin| ReportedProduct {
        name: pin.name.clone(),
        bundle_id: pin.bundle_id.clone(),
        profile: pin.profile.clone(),
        certificate: Some(pin.certificate),
    });
    Signing {
        targets: targets.collect(),
        products: products.collect(),
    }
}

/// As the named projects are planned: targets that need a profile, and are judged.
pub(super) fn planned(targets: &[ShownTarget], products: &[ShownProduct]) -> Signing {
    let targets = targets.iter().filter(|it| it.needs_profile && it.judged);
    let targets = targets.map(|it| ReportedTarget {
        project: it.project.clone(),
        target: it.target.clone(),
        configuration: it.configuration.clone(),
        platform: it.platform,
        bundle_id: it.bundle_id.as_ref().map(|setting| setting.value.clone()),
        profile: it.chosen.as_ref().map(|chosen| chosen.profile.clone()),
        certificate: it.chosen.as_ref().map(|chosen| chosen.certificate),
    });
    let products = products.iter().map(|it| ReportedProduct {
        name: it.name.clone(),
        bundle_id: it.bundle_id.clone(),
        profile: it.profile.clone(),
        certificate: it.certificate,
    });
    Signing {
        targets: targets.collect(),
        products: products.collect(),
    }
}

/// The profiles as they are reported.
pub(super) fn profiles(profiles: &[PinnedProfile], are_pinned: bool) -> Vec<ReportedProfile> {
    let reported = profiles.iter().map(|profile| ReportedProfile {
        uuid: profile.uuid.clone(),
        name: profile.name.clone(),
        kind: profile.kind,
        team_id: profile.team_id.clone(),
        bundle_id: profile.bundle_id.clone(),
        state: are_pinned.then_some(profile.state),
        certificates: profile.certificates().map(|it| it.sha256).collect(),
    });
    reported.collect()
}

/// The certificates of the profiles, those first that carry most.
pub(super) fn certificates(
    profiles: &[PinnedProfile],
    signing: &Signing,
) -> Vec<ReportedCertificate> {
    let mut found: BTreeMap<CertSha256, ReportedCertificate> = BTreeMap::new();
    for profile in profiles {
        for certificate in profile.certificates() {
            let known = found
                .entry(certificate.sha256)
                .or_insert_with(|| ReportedCertificate {
                    sha256: certificate.sha256,
                    name: certificate.common_name.clone(),
                    kind: certificate.kind,
                    serial: certificate.serial.clone(),
                    issuer: certificate.issuer.clone(),
                    profiles: 0,
                    signs: 0,
                });
            known.profiles += 1;
        }
    }
    let of_targets = signing.targets.iter().filter_map(|it| it.certificate);
    let of_products = signing.products.iter().filter_map(|it| it.certificate);
    for signer in of_targets.chain(of_products) {
        if let Some(known) = found.get_mut(&signer) {
            known.signs += 1;
        }
    }
    let mut certificates: Vec<ReportedCertificate> = found.into_values().collect();
    // The sort is stable: equal ones stay in the order of their fingerprints.
    certificates.sort_by_key(|it| std::cmp::Reverse((it.signs, it.profiles)));
    certificates
}
