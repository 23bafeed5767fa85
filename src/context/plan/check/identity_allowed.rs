//! No certificate where there must be one: an empty `CODE_SIGN_IDENTITY`, or ad hoc (`-`).
//!
//! The build engine says "An empty code signing identity is not valid when signing a binary for the 'Application' product
//! type" wherever a profile or entitlements are required, and "Ad Hoc code signing is not allowed with SDK 'iOS'" for every
//! device (swift-build, `Settings.swift`, and `AD_HOC_CODE_SIGNING_ALLOWED` of the platforms). macOS lets a product be ad hoc,
//! but not one with claims that a profile must grant: "… has entitlements that require signing with a development
//! certificate". Not written, empty and `-` are three things: what nobody wrote is the default of the SDK. And with
//! `CODE_SIGNING_REQUIRED = NO` an empty one means that the product is not signed, which is told as that.

use super::place::{at_origin, title};
use super::subject::Subject;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Choice, Row};
use crate::xcode::assignment::Layer;
use crate::xcode::targets::{Entitlements, SigningStyle};

/// An identity that names no certificate, of a target that must have one.
pub(super) fn identity_allowed(it: &Subject<'_, '_>) -> Option<Finding> {
    match it.row {
        Some(row) => with_profile(row, row.choice.as_ref()?),
        None => ad_hoc_on_device(it),
    }
}

/// What takes no profile, as a framework, and is signed ad hoc for a device all the same.
fn ad_hoc_on_device(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    let identity = target.written_identity().filter(|identity| {
        let is_shown = target.withheld_identity.is_none();
        is_shown && !target.ad_hoc_allowed && target.is_signed() && identity.value.trim() == "-"
    })?;
    // What Xcode makes of it where it signs automatically is not known.
    let severity = match target.style.value {
        SigningStyle::Manual => Severity::Block,
        _ => Severity::Warn,
    };
    let finding = Finding::new(
        Code::IdentityNotAllowed,
        severity,
        format!(
            "CODE_SIGN_IDENTITY of {} is ad hoc (-), which Xcode does not allow for devices",
            title(target)
        ),
    )
    .values("the name of a certificate, or of a kind", "CODE_SIGN_IDENTITY = -")
    .hint(
        "set CODE_SIGN_IDENTITY to what the application has, or build with the exported settings; if nothing is to be \
         signed, set CODE_SIGNING_ALLOWED to NO",
    )
    .remedy(Remedy::ExportTargets);
    Some(at_origin(finding, target, Some(&identity.origin)))
}

/// An identity of a target with a profile that names no certificate.
fn with_profile(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let target = row.target;
    let identity = target
        .identity
        .as_ref()
        .filter(|identity| identity.origin.layer != Layer::Default)
        .filter(|_| target.withheld_identity.is_none() && !target.platform.is_simulator())?;
    let (severity, message) = match identity.value.trim() {
        "" => (
            Severity::Block,
            format!(
                "CODE_SIGN_IDENTITY of {} is empty, but it must be signed",
                title(target)
            ),
        ),
        "-" => {
            let claims = target.entitlements.as_ref();
            let needs_certificate =
                !target.platform.is_mac() || claims.is_some_and(Entitlements::claims_restricted);
            // What Xcode makes of ad hoc beside a profile that nothing claims is not known.
            let severity = match needs_certificate {
                true => Severity::Block,
                false => Severity::Warn,
            };
            let message = format!(
                "CODE_SIGN_IDENTITY of {} is ad hoc (-), but its profile needs a certificate",
                title(target)
            );
            (severity, message)
        }
        _ => return None,
    };
    let finding = Finding::new(Code::IdentityNotAllowed, severity, message)
        .values(
            format!("CODE_SIGN_IDENTITY = {}", choice.certificate.common_name),
            format!("CODE_SIGN_IDENTITY = {}", identity.value.trim()),
        )
        .of_profile(&choice.profile.uuid)
        .hint(
            "set CODE_SIGN_IDENTITY to the kind of certificate that the profile is for, or build with the exported \
             settings; if nothing is to be signed, set CODE_SIGNING_ALLOWED to NO",
        )
        .remedy(Remedy::ExportTargets);
    Some(at_origin(finding, target, Some(&identity.origin)))
}
