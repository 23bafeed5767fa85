//! A command-line tool that claims what only a profile can grant.
//!
//! A tool has no bundle, so it cannot carry a profile, and macOS kills it at launch ("Unsatisfied entitlements", TN3125).
//! Apple's way out is to build it as an application ("Signing a daemon with a restricted entitlement").

use super::place::title;
use crate::base::finding::{Code, Finding};
use crate::xcode::platform::Platform;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::targets::{EntitlementLines, SigningTarget};

/// What a tool for macOS claims and cannot be granted.
pub(super) fn restricted_tool(
    target: &SigningTarget,
    lines: &mut EntitlementLines<'_>,
) -> Vec<Finding> {
    let is_tool = target.kind == ProductKind::Tool
        && target.platform == Platform::Macos
        && target.provisioning == Provisioning::Unsupported
        && target.is_signed();
    let Some(claimed) = target.entitlements.as_ref().filter(|_| is_tool) else {
        return Vec::new();
    };
    claimed
        .restricted()
        .map(|key| {
            Finding::block(
                Code::EntitlementNeedsProfile,
                format!(
                    "{} claims {key}, which only a profile can grant, and a tool carries none",
                    title(target)
                ),
            )
            .values("no restricted entitlement in a command-line tool", key)
            .of_target(&target.target)
            .in_file(&claimed.file)
            .at_line(lines.of(claimed, key))
            .at_pointer(format!("/{key}"))
            .hint(format!(
                "remove {key} from the entitlements, or build the tool as an application, which carries a profile"
            ))
        })
        .collect()
}
