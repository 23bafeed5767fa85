//! Automatic signing beside manual signing.

use super::place::{at_origin, title};
use crate::base::finding::{Code, Finding};
use crate::context::plan::row::Row;
use crate::xcode::targets::SigningStyle;

/// Automatic signing with a profile named by hand, or beside targets that are signed manually.
pub(super) fn style(row: &Row<'_>, others_are_manual: bool) -> Option<Finding> {
    let target = row.target;
    // Projects ship with a profile and no style at all: Xcode takes the profile. Without either, it needs an account.
    let is_automatic = match target.style.value {
        SigningStyle::Automatic => true,
        SigningStyle::NotWritten => target.requested_profile().is_none(),
        SigningStyle::Manual => false,
    };
    if !is_automatic {
        return None;
    }
    let (message, found) = match target.requested_profile() {
        Some(requested) => (
            format!(
                "{} is signed automatically, but profile {:?} is specified for it",
                title(target),
                requested.value.to_string()
            ),
            format!(
                "Automatic, with a profile specified at {}",
                requested.origin
            ),
        ),
        None if others_are_manual => (
            format!(
                "{} is signed automatically, other targets of this configuration are signed manually",
                title(target)
            ),
            "Automatic".to_owned(),
        ),
        None => return None,
    };
    let finding = Finding::block(Code::SigningStyleMixed, message)
        .values("CODE_SIGN_STYLE = Manual", found)
        .hint("remove this CODE_SIGN_STYLE so that the target inherits the style of the others, or set it to Manual");
    Some(at_origin(finding, target, Some(&target.style.origin)))
}
