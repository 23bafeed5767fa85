//! A product for distribution that works with iCloud's development containers.
//!
//! Xcode takes `com.apple.developer.icloud-container-environment` from the export options, and demands it there for everything
//! but the store, where it is always Production. Where the entitlements say Development, so do the exported options, and
//! users then work with the containers of the developers. Testers may be meant to, so it is a warning.
//!
//! `aps-environment` is not like that: files hold `development`, because Xcode's editor writes so, and "Xcode sets the value of
//! the entitlement based on your app's current provisioning profile" (Apple: APS Environment Entitlement). Projects ship with
//! it, so nothing is said of its value.

use super::place::title;
use super::subject::Subject;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};

/// The entitlement's name.
const CONTAINER_ENVIRONMENT: &str = "com.apple.developer.icloud-container-environment";

/// The claim of the development containers in a product for distribution.
pub(super) fn environment(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    let choice = it.row?.choice.as_ref()?;
    let claimed = target.entitlements.as_ref()?;
    let value = claimed.values.get(CONTAINER_ENVIRONMENT)?.as_str()?;
    let is_for_distribution = choice.profile.kind != ProfileKind::Development;
    if !is_for_distribution || value != "Development" || claimed.is_withheld(CONTAINER_ENVIRONMENT)
    {
        return None;
    }
    let line = it
        .scene
        .lines
        .borrow_mut()
        .of(claimed, CONTAINER_ENVIRONMENT);
    Some(
        Finding::warn(
            Code::EnvironmentForDevelopment,
            format!(
                "{} is signed for distribution and uses iCloud's development containers",
                title(target)
            ),
        )
        .values(
            format!("{CONTAINER_ENVIRONMENT} = Production"),
            format!("{CONTAINER_ENVIRONMENT} = {value}"),
        )
        .of_target(&target.target)
        .in_file(&claimed.file)
        .at_line(line)
        .at_pointer(format!("/{CONTAINER_ENVIRONMENT}"))
        .hint(
            "set the value to Production in the entitlements of this configuration, unless its users are to work with the \
             development containers",
        ),
    )
}
