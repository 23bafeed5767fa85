//! Targets without a profile.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::available::Available;
use crate::context::plan::row::Row;
use crate::xcode::product_type::Provisioning;
use crate::xcode::targets::{EntitlementLines, Entitlements, SigningTarget};

/// A target that has no profile at all. Where it is signed automatically, Xcode makes one, but only on a machine with an
/// account: a build machine has none.
pub(super) fn unmapped(
    row: &Row<'_>,
    available: &Available<'_>,
    lines: &mut EntitlementLines<'_>,
) -> Finding {
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
    );
    // On the Mac most products need none: it is a claim that makes one necessary, and perhaps the claim is not meant.
    if let Some((claimed, key)) = claim_that_needs_it(target) {
        let mut finding = finding;
        finding.message = format!(
            "no profile covers {}, which needs one because it claims {key}",
            title(target)
        );
        return finding
            .of_target(&target.target)
            .in_file(&claimed.file)
            .at_line(lines.of(claimed, key))
            .at_pointer(format!("/{key}"))
            .hint(format!(
                "remove {key} from the entitlements, or create a profile that grants it at Apple's developer site, \
                 install it and freeze the manifest again"
            ))
            .remedy(Remedy::FreezeManifest);
    }
    let finding = finding
        .hint("create the profile at Apple's developer site, install it and freeze the manifest again")
        .remedy(Remedy::FreezeManifest);
    at_origin(
        finding,
        target,
        target.bundle_id.as_ref().map(|bundle_id| &bundle_id.origin),
    )
}

/// The claim because of which a product must have a profile that could else go without.
fn claim_that_needs_it(target: &SigningTarget) -> Option<(&Entitlements, &str)> {
    if target.provisioning != Provisioning::Optional {
        return None;
    }
    let claimed = target.entitlements.as_ref()?;
    Some((claimed, claimed.restricted().next()?))
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
