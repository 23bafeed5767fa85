//! An app group of iOS's kind, in a Mac product without a profile.
//!
//! On macOS a group that begins with the team id needs no profile, and one that begins with `group.` does: from macOS 15 on
//! the system asks the user before it lets an application without one into the container (Apple's "Accessing app group
//! containers in your existing macOS app"). It is a warning, because the application starts.

use super::place::title;
use super::subject::Subject;
use crate::apple::entitlements::APPLICATION_GROUPS;
use crate::apple::value::Value;
use crate::base::finding::{Code, Finding};
use crate::xcode::platform::Platform;

/// A `group.` app group that no profile grants.
pub(super) fn app_groups(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    // Whatever needs a profile is judged by it.
    if target.platform != Platform::Macos || !target.is_signed() || it.row.is_some() {
        return None;
    }
    let claimed = target.entitlements.as_ref()?;
    let group = match claimed.values.get(APPLICATION_GROUPS)? {
        Value::Array(groups) => groups.iter().find_map(registered)?,
        one => registered(one)?,
    };
    let line = it.scene.lines.borrow_mut().of(claimed, APPLICATION_GROUPS);
    Some(
        Finding::warn(
            Code::AppGroupNotProvisioned,
            format!("{} claims app group {group} without a profile that grants it", title(target)),
        )
        .values("a group that begins with the team id, or a profile", group)
        .of_target(&target.target)
        .in_file(&claimed.file)
        .at_line(line)
        .at_pointer(format!("/{APPLICATION_GROUPS}"))
        .hint(
            "name the group $(TeamIdentifierPrefix)NAME, or specify a profile that grants this group with \
             PROVISIONING_PROFILE_SPECIFIER",
        ),
    )
}

fn registered(group: &Value) -> Option<&str> {
    group.as_str().filter(|group| group.starts_with("group."))
}
