//! A signing identity that contradicts the profile, or the certificate, that the policy or the manifest gives.
//!
//! A pin decides what the plan says. It does not decide what Xcode does: `xcodebuild` takes the project's settings, and
//! whatever is said over them on its command line is in the plan already. With a certificate of another kind than the
//! profile's Xcode says "Provisioning profile … doesn't include signing certificate …"; with another certificate of the
//! same profile it signs, and not with the one that was reviewed. The export writes the planned certificate, so it mends both.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha1;
use crate::base::remedy::Remedy;
use crate::context::plan::fit::wanted_kinds;
use crate::context::plan::row::{Choice, Row, Why};
use crate::xcode::targets::SigningStyle;

/// An identity that the given profile does not go with, in a target that is signed manually: automatic signing is
/// complained about on its own.
pub(super) fn identity_profile(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let by = match choice.why {
        Why::Policy => "the policy",
        Why::Pinned => "the manifest",
        // The profile was chosen by the identity.
        Why::Requested | Why::BestFit => return None,
    };
    let target = row.target;
    let is_manual = match target.style.value {
        SigningStyle::Manual => true,
        SigningStyle::NotWritten => target.requested_profile().is_some(),
        SigningStyle::Automatic => false,
    };
    let identity = target.written_identity().filter(|_| is_manual)?;
    let profile = choice.profile;
    let is_of_other_kind = wanted_kinds(target).is_some_and(|kinds| !kinds.contains(&profile.kind));
    let finding = if is_of_other_kind {
        Finding::block(
            Code::IdentityProfileConflict,
            format!(
                "{by} gives {} profile {}, which is for {}, but its signing identity is of another kind",
                title(target),
                profile.title(),
                profile.kind
            ),
        )
        .values(
            format!("a certificate for {}", profile.kind),
            format!("CODE_SIGN_IDENTITY = {}", identity.value),
        )
        .hint("set CODE_SIGN_IDENTITY to the kind of certificate that the profile is for, or build with the exported settings")
        .remedy(Remedy::ExportTargets)
    } else {
        if choice.why != Why::Pinned || !names_another(target.asked_identity()?, choice) {
            return None;
        }
        let planned = choice.certificate;
        Finding::block(
            Code::IdentityProfileConflict,
            format!(
                "{} asks for another certificate than the manifest pins for it",
                title(target)
            ),
        )
        .values(
            format!("{} ({})", planned.common_name, planned.sha1),
            format!("CODE_SIGN_IDENTITY = {}", identity.value),
        )
        .hint(format!(
            "set CODE_SIGN_IDENTITY to {}, or freeze the manifest again with the project",
            planned.sha1
        ))
        .remedy(Remedy::FreezeTargets)
    };
    let finding = finding.of_profile(&profile.uuid);
    Some(at_origin(finding, target, Some(&identity.origin)))
}

/// Whether `asked` names a certificate of the profile, by fingerprint or by its whole name, and not the planned one.
fn names_another(asked: &str, choice: &Choice<'_>) -> bool {
    let planned = choice.certificate;
    match asked.parse::<CertSha1>() {
        Ok(sha1) => {
            let mut certificates = choice.profile.certificates.iter();
            sha1 != planned.sha1 && certificates.any(|certificate| certificate.sha1 == sha1)
        }
        Err(_) => {
            let mut certificates = choice.profile.certificates.iter();
            asked.contains(": ")
                && !planned.common_name.starts_with(asked)
                && certificates.any(|certificate| certificate.common_name.starts_with(asked))
        }
    }
}
