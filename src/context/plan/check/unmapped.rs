//! Targets without a profile.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::available::Available;
use crate::context::plan::row::Row;

/// A target that has no profile at all. Where it is signed automatically, Xcode makes one, but only on a machine with an
/// account: a build machine has none.
pub(super) fn unmapped(row: &Row<'_>, available: &Available<'_>) -> Finding {
    let target = row.target;
    let wanted = target
        .bundle_id
        .as_ref()
        .map_or("its bundle id".to_owned(), |bundle_id| {
            bundle_id.value.to_string()
        });
    let finding = Finding::block(
        Code::TargetUnmapped,
        format!("no profile covers {}", title(target)),
    )
    .values(
        format!("a profile that covers {wanted} on {}", target.platform),
        closest(row, available),
    )
    .hint("create the profile at Apple's developer site, install it and freeze the manifest again")
    .remedy(Remedy::FreezeManifest);
    at_origin(
        finding,
        target,
        target.bundle_id.as_ref().map(|bundle_id| &bundle_id.origin),
    )
}

/// The profiles that cover the target and do not fit, with the reasons.
pub(super) fn closest(row: &Row<'_>, available: &Available<'_>) -> String {
    match row.discarded.as_slice() {
        [] => format!("none of {} profiles", available.profiles.count()),
        discarded => discarded
            .iter()
            .map(|other| format!("{}: {}", other.profile.title(), other.why))
            .collect::<Vec<_>>()
            .join("; "),
    }
}
