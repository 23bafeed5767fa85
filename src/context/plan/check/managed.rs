//! A profile that Xcode manages, in manual signing.
//!
//! Xcode says "Provisioning profile … is Xcode managed, but signing settings require a manually managed profile". Xcode
//! also replaces such a profile whenever it likes, so nothing that is pinned may rest on one.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::context::plan::row::{Choice, Row};
use crate::xcode::targets::SigningStyle;

/// A target that is signed manually, with a profile that Xcode manages.
pub(super) fn managed(row: &Row<'_>, choice: &Choice<'_>) -> Option<Finding> {
    let (target, profile) = (row.target, choice.profile);
    let is_manual =
        target.style.value == SigningStyle::Manual || target.requested_profile().is_some();
    if !is_manual || !profile.is_xcode_managed() {
        return None;
    }
    let finding = Finding::block(
        Code::ProfileXcodeManaged,
        format!(
            "{} is signed manually, but profile {} is managed by Xcode",
            title(target),
            profile.title()
        ),
    )
    .values("a profile that a person made", "IsXcodeManaged = true")
    .of_profile(&profile.uuid)
    .hint("create a profile of your own for this bundle id at Apple's developer site, and ask for it by name");
    let origin = target.requested_profile().map(|asked| &asked.origin);
    Some(at_origin(
        finding,
        target,
        origin.or(Some(&target.style.origin)),
    ))
}
