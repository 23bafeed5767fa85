//! The certificate that a target asks for, against those of its profile.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha1;
use crate::context::plan::row::{Choice, Row};
use crate::xcode::targets::SigningStyle;

/// A certificate that the target asks for, by fingerprint or by its whole name, and its profile does not let sign.
/// Selectors such as `Apple Distribution` name no certificate; an automatic style is complained about on its own.
pub(super) fn certificate(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let target = row.target;
    let asked = target.written_identity()?;
    if target.style.value == SigningStyle::Automatic {
        return None;
    }
    let text = target.asked_identity()?;
    let by_sha1 = text.parse::<CertSha1>().ok();
    let is_whole_name = text.contains(": ");
    if by_sha1.is_none() && !is_whole_name {
        return None;
    }
    let certificates = &choice.profile.certificates;
    let is_there = certificates.iter().any(|certificate| match by_sha1 {
        Some(sha1) => certificate.sha1 == sha1,
        None => certificate.common_name == text || certificate.common_name.starts_with(text),
    });
    if is_there {
        return None;
    }
    let finding = Finding::block(
        Code::CertificateNotInProfile,
        format!(
            "{} asks for a certificate that profile {} does not embed",
            title(target),
            choice.profile.title()
        ),
    )
    .values(
        certificates
            .iter()
            .map(|certificate| certificate.common_name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        format!("CODE_SIGN_IDENTITY = {}", asked.value),
    )
    .of_profile(&choice.profile.uuid)
    .hint("ask for one of the profile's certificates, or regenerate the profile with this one");
    Some(at_origin(finding, target, Some(&asked.origin)))
}
