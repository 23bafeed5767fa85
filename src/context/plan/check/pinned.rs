//! A target against what the manifest pins it to.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::available::Available;
use crate::context::plan::fit::{answers, covers_target};
use crate::context::plan::row::Row;

/// The target against what the manifest pins it to.
pub(super) fn pinned(row: &Row<'_>, available: &Available<'_>) -> Option<Finding> {
    let target = row.target;
    if available.pinned.is_empty() {
        return None;
    }
    let Some(pin) = available.pinned.get(target) else {
        // Freezing pins what is judged, so that what is not is missing there says nothing.
        if !row.is_judged {
            return None;
        }
        let finding = Finding::block(
            Code::TargetUnmapped,
            format!("{} is not in the manifest", title(target)),
        )
        .hint("freeze the manifest again with the project")
        .remedy(Remedy::FreezeTargets);
        return Some(at_origin(finding, target, None));
    };
    let bundle_id = target.bundle_id.as_ref()?;
    if bundle_id.value != pin.bundle_id {
        let finding = Finding::block(
            Code::TargetBundleMismatch,
            format!(
                "the bundle id of {} is not the one that the manifest pins",
                title(target)
            ),
        )
        .values(&pin.bundle_id, &bundle_id.value)
        .hint("restore the bundle id, or freeze the manifest again with the project")
        .remedy(Remedy::FreezeTargets);
        return Some(at_origin(finding, target, Some(&bundle_id.origin)));
    }
    let requested = target.requested_profile()?;
    let pinned = available.profiles.with_uuid(&pin.profile)?;
    let asks_for_other = !answers(pinned, &requested.value)
        && available
            .profiles
            .answering(&requested.value)
            .into_iter()
            .any(|profile| covers_target(profile, target));
    asks_for_other.then(|| {
        let finding = Finding::block(
            Code::TargetProfileStale,
            format!(
                "{} asks for a profile that the manifest does not pin for it",
                title(target)
            ),
        )
        .values(pinned.title(), &requested.value)
        .of_profile(&pin.profile)
        .hint(format!(
            "set its PROVISIONING_PROFILE_SPECIFIER to {:?}, or freeze the manifest again",
            pinned.name
        ))
        .remedy(Remedy::FreezeTargets);
        at_origin(finding, target, Some(&requested.origin))
    })
}
