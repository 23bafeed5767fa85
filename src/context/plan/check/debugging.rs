//! A Mac product for distribution that lets debuggers attach.
//!
//! `com.apple.security.get-task-allow` needs no grant, so no profile refuses it; the notary service does ("The executable
//! requests the com.apple.security.get-task-allow entitlement"). Xcode puts it into development builds by itself and takes
//! it out of what it exports; what the file says may stay. iOS's `get-task-allow` is refused by the profile.

use super::place::title;
use super::subject::Subject;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::context::plan::fit::wanted_kinds;

/// The entitlement's name on the Mac.
const GET_TASK_ALLOW: &str = "com.apple.security.get-task-allow";

/// The claim in a product that is signed for distribution.
pub(super) fn debugging(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    let claimed = target.entitlements.as_ref()?;
    if !target.platform.is_mac() || !target.is_signed() || !claimed.is_true(GET_TASK_ALLOW) {
        return None;
    }
    let choice = it.row.and_then(|row| row.choice.as_ref());
    let is_for_distribution = match choice {
        Some(choice) => choice.profile.kind != ProfileKind::Development,
        None => {
            wanted_kinds(target).is_some_and(|kinds| !kinds.contains(&ProfileKind::Development))
        }
    };
    if !is_for_distribution {
        return None;
    }
    let line = it.scene.lines.borrow_mut().of(claimed, GET_TASK_ALLOW);
    Some(
        Finding::warn(
            Code::DebuggingAllowed,
            format!("{} is signed for distribution and lets debuggers attach", title(target)),
        )
        .values("no such claim", format!("{GET_TASK_ALLOW} = true"))
        .of_target(&target.target)
        .in_file(&claimed.file)
        .at_line(line)
        .at_pointer(format!("/{GET_TASK_ALLOW}"))
        .hint(format!(
            "remove {GET_TASK_ALLOW} from the entitlements of this configuration: Xcode adds it to development builds by itself"
        )),
    )
}
