//! What manual signing wants written and nobody wrote: the profile, and the kind of certificate.
//!
//! Manual signing takes no profile by itself: Xcode says "App requires a provisioning profile. Select a provisioning profile
//! in the Signing & Capabilities editor". An identity that nobody wrote is the default of the SDK, `Apple Development`: the
//! engine hands it to Xcode's signing as if it were written (swift-build, `computeSigningCertificateIdentifier`), which then
//! says "Provisioning profile … doesn't include signing certificate …" of a profile for distribution.
//!
//! Whoever builds with the exported settings gets both from there. So a profile that nobody names is a warning, one for all
//! targets of a configuration, and a frozen project without specifiers is no mistake at all. But where the project itself says
//! that it is signed manually, and with which profile, it means to be built as it is, and that fails without an identity: the
//! usual cause is one that is written for another SDK, as `CODE_SIGN_IDENTITY[sdk=iphoneos*]` beside a watch app
//! (NativeScript/nativescript-cli#5291).

use std::collections::BTreeMap;

use super::grouped::titles;
use super::place::at_origin;
use super::subject::Scene;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Row, Why};
use crate::xcode::assignment::Layer;
use crate::xcode::targets::{SigningStyle, SigningTarget};

/// Targets that are signed manually and ask for no profile, where countersign found one. What the policy or the manifest gives
/// was decided by somebody who hands it to the build.
pub(super) fn no_specifier(scene: &Scene<'_, '_>) -> Vec<Finding> {
    let asks_for_none = |row: &Row<'_>| {
        let target = row.target;
        row.choice.is_some_and(|choice| choice.why == Why::BestFit)
            && target.style.value == SigningStyle::Manual
            && target.requested_profile().is_none()
    };
    told(scene, asks_for_none, |targets| {
        Finding::warn(
            Code::SpecifierMissing,
            format!("no profile is specified for {}, and manual signing takes none by itself", titles(targets)),
        )
        .values("PROVISIONING_PROFILE_SPECIFIER", "none, or an empty one")
        .hint("set PROVISIONING_PROFILE_SPECIFIER of each target, or build with the exported settings")
        .remedy(Remedy::ExportTargets)
    })
}

/// Targets with a profile for distribution that is specified, and the identity that the SDK defaults to. It warns where the policy
/// or the manifest gives the profile, because somebody hands that to the build, and where nobody wrote a style.
pub(super) fn default_identity(scene: &Scene<'_, '_>) -> Vec<Finding> {
    let is_default = |row: &Row<'_>| {
        let target = row.target;
        let identity = target.identity.as_ref();
        let is_development = identity.is_some_and(|identity| {
            identity.origin.layer == Layer::Default && &*identity.value == DEFAULT
        });
        is_development
            && target.style.value != SigningStyle::Automatic
            && target.requested_profile().is_some()
            && row.choice.is_some_and(|choice| {
                choice.profile.kind != ProfileKind::Development && choice.why != Why::BestFit
            })
    };
    let blocks = |row: &Row<'_>| {
        row.target.style.value == SigningStyle::Manual
            && row
                .choice
                .is_some_and(|choice| choice.why == Why::Requested)
    };
    let of_severity = |severity: Severity| {
        let is_meant =
            |row: &Row<'_>| is_default(row) && blocks(row) == matches!(severity, Severity::Block);
        told(scene, is_meant, |targets| {
            Finding::new(
                Code::IdentityProfileConflict,
                severity,
                format!(
                    "no CODE_SIGN_IDENTITY is written for {}: Xcode looks for {DEFAULT}, which a profile for distribution \
                     does not include",
                    titles(targets)
                ),
            )
            .values(
                "CODE_SIGN_IDENTITY = Apple Distribution or Developer ID Application",
                format!("{DEFAULT}, the default of the SDK"),
            )
            .hint("set CODE_SIGN_IDENTITY to the kind of certificate that the profile is for, or build with the exported settings")
            .remedy(Remedy::ExportTargets)
        })
    };
    [Severity::Block, Severity::Warn]
        .into_iter()
        .flat_map(of_severity)
        .collect()
}

/// The default of the SDKs of devices, and on macOS with a team.
const DEFAULT: &str = "Apple Development";

/// One finding for those targets of each configuration that `is_meant`.
fn told(
    scene: &Scene<'_, '_>,
    is_meant: impl Fn(&Row<'_>) -> bool,
    finding: impl Fn(&[&SigningTarget]) -> Finding,
) -> Vec<Finding> {
    let mut groups: BTreeMap<_, Vec<&SigningTarget>> = BTreeMap::new();
    for (_, row) in scene.judged_rows().filter(|(_, row)| is_meant(row)) {
        let group = groups.entry(&row.target.configuration).or_default();
        group.push(row.target);
    }
    let groups = groups.into_values();
    groups
        .filter_map(|targets| {
            let first = *targets.first()?;
            // What is not written has no line; the profile beside it has one.
            let beside = first.requested_profile().map(|asked| &asked.origin);
            Some(at_origin(finding(&targets), first, beside))
        })
        .collect()
}
