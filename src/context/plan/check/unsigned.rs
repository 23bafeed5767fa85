//! Targets that the build does not sign.
//!
//! `CODE_SIGNING_ALLOWED = NO`, or an empty `CODE_SIGN_IDENTITY` where no signature is required, and the engine signs
//! nothing (swift-build, `Settings.swift` and `CodeSign.swift`). Continuous integration builds so on purpose, so nothing
//! mismatches; but what the manifest pins must be signed.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::available::Available;
use crate::xcode::product_type::Provisioning;
use crate::xcode::targets::SigningTarget;

/// A product that could carry a profile and is not signed at all.
pub(super) fn unsigned(target: &SigningTarget, available: &Available<'_>) -> Option<Finding> {
    let unsigned = target.unsigned_by.as_ref()?;
    if target.provisioning == Provisioning::Unsupported || target.kind.is_test() {
        return None;
    }
    let finding = match available.pinned.get(target) {
        Some(_) => Finding::block(
            Code::TargetUnsigned,
            format!(
                "{} is not signed any more, but the manifest pins what signs it",
                title(target)
            ),
        )
        .values("a target that is signed", unsigned.why)
        .hint("remove this setting, or freeze the manifest again with the project")
        .remedy(Remedy::FreezeTargets),
        None => Finding::info(
            Code::TargetUnsigned,
            format!("{} is not signed: {}", title(target), unsigned.why),
        )
        .found(unsigned.why)
        .hint("remove this setting if the product is meant to be signed"),
    };
    Some(at_origin(finding, target, Some(&unsigned.origin)))
}
