//! A profile that is specified for a product which takes none.
//!
//! Xcode says "Kit does not support provisioning profiles, but provisioning profile … has been manually specified". The
//! usual cause is a specifier in the project, or on the command line, that was meant for the application: frameworks,
//! tools and resource bundles get it too. A static library is not signed at all, so the engine does not look at its
//! specifier (swift-build, `PlanningOperation.getProvisioningTaskInputs` ends early without `CODE_SIGNING_ALLOWED`); older
//! Xcodes complained, so that is a warning.

use super::grouped::{by_line, titles};
use super::place::at_origin;
use super::subject::Scene;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::targets::SigningTarget;

/// Specifiers of targets that take no profile, one finding for each line.
pub(super) fn unsupported(scene: &Scene<'_, '_>) -> Vec<Finding> {
    let judged = scene.subjects.iter().map(|(target, _)| *target);
    let judged: Vec<&SigningTarget> = judged.filter(|target| scene.is_judged(target)).collect();
    let mut findings = Vec::new();
    for severity in [Severity::Block, Severity::Warn] {
        let told = judged.iter().filter_map(|target| {
            let specifier = target.specifier.as_ref()?;
            (severity_of(target) == Some(severity)).then_some((*target, &specifier.origin))
        });
        for (targets, origin) in by_line(told) {
            let Some(first) = targets.first() else {
                continue;
            };
            let kinds: Vec<&str> = targets.iter().map(|target| target.kind.as_str()).collect();
            let asked = first.specifier.as_ref().map(|it| it.value.to_string());
            let finding = Finding::new(
                Code::SpecifierNotSupported,
                severity,
                format!(
                    "a profile is specified for {}, and such a product takes none",
                    titles(&targets)
                ),
            )
            .values(
                format!("no PROVISIONING_PROFILE_SPECIFIER for a {}", distinct(kinds)),
                format!("PROVISIONING_PROFILE_SPECIFIER = {}", asked.unwrap_or_default()),
            )
            .hint(
                "move this PROVISIONING_PROFILE_SPECIFIER into the targets that need a profile, or build with the exported settings",
            )
            .remedy(Remedy::ExportTargets);
            findings.push(at_origin(finding, first, Some(origin)));
        }
    }
    findings
}

fn severity_of(target: &SigningTarget) -> Option<Severity> {
    let takes_none = target.provisioning == Provisioning::Unsupported
        && !target.platform.is_simulator()
        && target.unsigned_by.is_none();
    match target.kind {
        // What is unknown may take one.
        ProductKind::Other => None,
        _ if !takes_none => None,
        _ if target.signing_allowed => Some(Severity::Block),
        ProductKind::Library => Some(Severity::Warn),
        _ => None,
    }
}

fn distinct(mut kinds: Vec<&str>) -> String {
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(" or ")
}
