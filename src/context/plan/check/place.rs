//! Where findings about targets point, and what they call a target.

use crate::base::finding::Finding;
use crate::xcode::assignment::Origin;
use crate::xcode::targets::SigningTarget;

/// A finding that points at where a value came from, or else at the target.
pub(super) fn at_origin(
    finding: Finding,
    target: &SigningTarget,
    origin: Option<&Origin>,
) -> Finding {
    let mut finding = finding.of_target(&target.target);
    let place = origin.and_then(|origin| Some((origin.file.as_deref()?, origin.line)));
    let (file, line) = match place {
        Some((file, line)) => (file.to_owned(), line),
        None => (target.project.join("project.pbxproj"), target.line),
    };
    finding = finding.in_file(&file);
    match line {
        Some(line) => finding.at_line(line),
        None => finding,
    }
}

pub(super) fn title(target: &SigningTarget) -> String {
    format!(
        "target {} ({}, {})",
        target.target, target.configuration, target.platform
    )
}
