//! The keys of the planned certificates, against the identities at hand.

use std::collections::BTreeMap;

use super::grouped::titles;
use super::place::at_origin;
use super::subject::Scene;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Choice, Row};
use crate::xcode::targets::SigningTarget;

/// Planned certificates whose private keys are not here, one finding for each. Where identities are known, the plan takes a
/// certificate with a key; so there is none in the profile, or somebody asks for another by name or pin.
pub(super) fn key(scene: &Scene<'_, '_>) -> Vec<Finding> {
    let Some(identities) = scene.available.identities else {
        return Vec::new();
    };
    let mut by_certificate: BTreeMap<_, Vec<(&Row<'_>, &Choice<'_>)>> = BTreeMap::new();
    for (_, row) in scene.judged_rows() {
        let choice = row.choice.as_ref();
        let choice = choice.filter(|choice| !identities.contains(&choice.certificate.sha1));
        if let Some(choice) = choice {
            let configuration = &row.target.configuration;
            let group = by_certificate.entry((configuration, choice.certificate.sha256));
            group.or_default().push((row, choice));
        }
    }
    let groups = by_certificate.into_values();
    groups
        .filter_map(|members| {
            let (first, choice) = *members.first()?;
            let targets: Vec<&SigningTarget> = members.iter().map(|(row, _)| row.target).collect();
            let planned = choice.certificate;
            let certificates = choice.profile.certificates.iter();
            let with_key: Vec<String> = certificates
                .filter(|certificate| identities.contains(&certificate.sha1))
                .map(|certificate| format!("{} ({})", certificate.common_name, certificate.sha1))
                .collect();
            let are = if targets.len() > 1 { "are" } else { "is" };
            let finding = Finding::block(
                Code::IdentityMissing,
                format!(
                    "{} {are} planned with certificate {} ({}), whose private key is not among the identities",
                    titles(&targets),
                    planned.common_name,
                    planned.sha1
                ),
            )
            .values(
                format!(
                    "the private key of {} ({})",
                    planned.common_name, planned.sha1
                ),
                match with_key.as_slice() {
                    [] => "no key of any certificate of the profile".to_owned(),
                    others => format!("the key of {}", others.join(", ")),
                },
            )
            .of_profile(&choice.profile.uuid);
            let finding = match with_key.is_empty() {
                true => finding
                    .hint("import the certificate with its private key into the CI keychain")
                    .remedy(Remedy::ImportIdentities),
                false => finding
                    .hint(
                        "freeze the manifest again with these identities, or ask for the certificate whose key is here",
                    )
                    .remedy(Remedy::FreezeTargets),
            };
            let identity = first.target.identity.as_ref();
            Some(at_origin(finding, first.target, identity.map(|it| &it.origin)))
        })
        .collect()
}
