//! The key of the planned certificate, against the identities at hand.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::available::Available;
use crate::context::plan::row::{Choice, Row};

/// A planned certificate whose private key is not here. Where identities are known, the plan takes one that is; so there is
/// none in the profile, or somebody asks for another by name or pin.
pub(super) fn key(
    row: &Row<'_>,
    choice: &Choice<'_>,
    available: &Available<'_>,
) -> Option<Finding> {
    let target = row.target;
    let planned = choice.certificate;
    let identities = available.identities?;
    if identities.contains(&planned.sha1) {
        return None;
    }
    let certificates = || choice.profile.certificates.iter();
    let with_key: Vec<String> = certificates()
        .filter(|certificate| identities.contains(&certificate.sha1))
        .map(|certificate| format!("{} ({})", certificate.common_name, certificate.sha1))
        .collect();
    let finding = Finding::block(
        Code::IdentityMissing,
        format!(
            "{} is planned with certificate {} ({}), whose private key is not among the identities",
            title(target),
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
            .hint("freeze the manifest again with these identities, or ask for the certificate whose key is here")
            .remedy(Remedy::FreezeTargets),
    };
    Some(at_origin(
        finding,
        target,
        target.identity.as_ref().map(|identity| &identity.origin),
    ))
}
