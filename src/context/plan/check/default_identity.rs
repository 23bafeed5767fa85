//! A development certificate that nobody asked for, beside a profile for distribution.
//!
//! Where nobody writes `CODE_SIGN_IDENTITY`, it is `Apple Development` (swift-build, the defaults of the device SDKs), and
//! manual signing takes that at its word: Xcode says "Provisioning profile … doesn't include signing certificate Apple
//! Development: …", or "No signing certificate iOS Development found". The usual cause is an identity that is written for one
//! SDK alone, as `CODE_SIGN_IDENTITY[sdk=iphoneos*]`, so that the watch app gets the default (NativeScript/nativescript-cli#5291).

use super::place::{at_origin, title};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Choice, Row, Why};
use crate::xcode::assignment::Layer;
use crate::xcode::targets::SigningStyle;

/// A target that is signed manually with the profile that it names, and whose identity is the default. What the policy or the
/// manifest gives to it is exported to the build, with its certificate: that is a warning.
pub(super) fn default_identity(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let target = row.target;
    let requested = target.requested_profile()?;
    let identity = target.identity.as_ref()?;
    let is_by_default = identity.origin.layer == Layer::Default && &*identity.value == DEFAULT;
    let signs_manually = target.style.value == SigningStyle::Manual;
    if !is_by_default || !signs_manually || choice.profile.kind == ProfileKind::Development {
        return None;
    }
    let severity = match choice.why {
        Why::Policy | Why::Pinned => Severity::Warn,
        Why::Requested | Why::BestFit => Severity::Block,
    };
    let name = &choice.certificate.common_name;
    let wanted = name
        .split_once(": ")
        .map_or(name.as_str(), |(kind, _)| kind);
    let finding = Finding::new(
        Code::TargetKindMismatch,
        severity,
        format!(
            "{} has no CODE_SIGN_IDENTITY, so it is {DEFAULT}, which does not go with profile {}",
            title(target),
            choice.profile.title()
        ),
    )
    .values(
        format!("CODE_SIGN_IDENTITY = {wanted}"),
        format!("none, whose default is {DEFAULT}"),
    )
    .of_profile(&choice.profile.uuid)
    .hint(format!(
        "set CODE_SIGN_IDENTITY to {wanted} where this profile is named, or build with the exported settings"
    ))
    .remedy(Remedy::ExportTargets);
    Some(at_origin(finding, target, Some(&requested.origin)))
}

/// The default of the SDKs of devices, and of macOS with a team.
const DEFAULT: &str = "Apple Development";
