//! What keeps a product from being signed.
//!
//! The engine asks for no certificate where `CODE_SIGNING_ALLOWED` is NO (swift-build, `PlanningOperation.swift`). With an
//! empty `CODE_SIGN_IDENTITY` it signs nothing either, and says nothing unless `CODE_SIGNING_REQUIRED` is YES
//! (`CodeSign.swift`), which the device SDKs set and frameworks and dynamic libraries unset (`ProductTypes.xcspec`).

use super::row::Unsigned;
use crate::xcode::assignment::Layer;
use crate::xcode::platform::Platform;
use crate::xcode::settings::{Resolved, Scope, is_yes};

/// Whether the product may be signed ad hoc: everywhere but on devices, whose SDKs set `AD_HOC_CODE_SIGNING_ALLOWED` to NO. An
/// empty value allows it too (`SigningSupport.swift`).
pub(super) fn is_ad_hoc_allowed(scope: &Scope, platform: Platform) -> bool {
    let is_device = !platform.is_mac() && !platform.is_simulator();
    match scope.evaluate("AD_HOC_CODE_SIGNING_ALLOWED") {
        Some(allowed) => allowed.value.is_empty() || is_yes(&allowed.value),
        None => !is_device,
    }
}

/// Why the product of this row is not signed, where somebody wrote so. A setting that was not followed to its end keeps
/// nothing from being signed, so that nothing which may be signed is passed over.
pub(super) fn unsigned_by(scope: &Scope, platform: Platform) -> Option<Unsigned> {
    if platform.is_simulator() {
        return None;
    }
    let written = |name: &str| {
        let resolved = scope.evaluate(name)?;
        let is_known = !resolved.cut && resolved.undefined.is_empty();
        (is_known && is_written(&resolved)).then_some(resolved)
    };
    let by = |why, resolved: Resolved| {
        let origin = resolved.origin?;
        Some(Unsigned { why, origin })
    };
    if let Some(allowed) = written("CODE_SIGNING_ALLOWED")
        && !is_yes(&allowed.value)
    {
        return by("CODE_SIGNING_ALLOWED is NO", allowed);
    }
    let identity = written("CODE_SIGN_IDENTITY").filter(|it| it.value.trim().is_empty())?;
    match written("CODE_SIGNING_REQUIRED") {
        Some(required) if is_yes(&required.value) => None,
        Some(_) => by(
            "CODE_SIGN_IDENTITY is empty and CODE_SIGNING_REQUIRED is NO",
            identity,
        ),
        None => {
            let asks = ["PROVISIONING_PROFILE_SPECIFIER", "PROVISIONING_PROFILE"]
                .into_iter()
                .filter_map(|name| scope.evaluate(name))
                .any(|asked| !asked.value.trim().is_empty());
            // What no product type says, the SDK of a device does.
            let by_product = scope.evaluate("CODE_SIGNING_REQUIRED");
            let is_required =
                !platform.is_mac() && by_product.is_none_or(|required| is_yes(&required.value));
            match asks || is_required {
                true => None,
                false => by(
                    "CODE_SIGN_IDENTITY is empty, and no signature is required",
                    identity,
                ),
            }
        }
    }
}

fn is_written(resolved: &Resolved) -> bool {
    let origin = resolved.origin.as_ref();
    origin.is_some_and(|origin| origin.layer != Layer::Default)
}
