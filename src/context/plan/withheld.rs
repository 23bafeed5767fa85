//! What may decide and can be neither stored nor handed on.

use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::xcode::targets::SigningTarget;

/// The targets whose bundle ids come from the environment: a manifest or an export would have to hold them.
pub fn withheld(targets: &[SigningTarget]) -> Vec<Finding> {
    let named = targets.iter().filter_map(|target| {
        let id = target.bundle_id.as_ref()?;
        id.value.is_withheld().then_some((target, id))
    });
    named
        .map(|(target, id)| {
            let mut finding = Finding::block(
                Code::SettingFromEnvironment,
                format!(
                    "the bundle id of target {} depends on the environment, and what comes from there is neither stored \
                     nor handed on",
                    target.target
                ),
            )
            .found(&id.value)
            .hint("pass the value of that variable as a setting")
            .remedy(Remedy::GiveSetting)
            .of_target(&target.target);
            if let Some(file) = &id.origin.file {
                finding = finding.in_file(file);
                finding.place.line = id.origin.line;
            }
            finding
        })
        .collect()
}
