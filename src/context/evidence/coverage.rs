//! Everything that is planned is there, and nothing that is not.

use std::collections::BTreeMap;

use super::Planned;
use super::part::{Part, Scene};
use super::teams;
use crate::base::finding::{Code, Finding};
use crate::xcode::platform::Platform;

/// That nothing is planned at all: then the product is held against the pinned profiles alone.
pub(super) fn no_plan(scene: &Scene<'_>) -> Option<Finding> {
    scene.context.planned.is_empty().then(|| {
        Finding::warn(
            Code::ProductPlanMissing,
            "the manifest pins no targets and no products, so whether everything is there was not checked",
        )
        .hint("freeze the manifest with the Xcode project, or declare the product in the policy")
    })
}

/// Code with a profile or an application identifier that nobody planned.
pub(super) fn unplanned(part: &Part<'_>, scene: &Scene<'_>) -> Option<Finding> {
    if !part.planned.is_empty() || scene.context.planned.is_empty() || part.is_apples() {
        return None;
    }
    let claims = part.claims().filter(|_| part.is_program());
    let application = claims.and_then(|claims| claims.application_identifier());
    let what = match (&part.profile, application) {
        (Some(_), _) => "an embedded profile".to_owned(),
        (None, Some(application)) => format!("the application identifier {application}"),
        (None, None) => return None,
    };
    if teams::is_named_foreign(part, scene) {
        return None;
    }
    let bundle_id = part.bundle_id.as_ref();
    let finding = Finding::block(
        Code::ItemNotPlanned,
        format!(
            "{} carries {what}, and nothing of its bundle id is planned",
            part.title()
        ),
    )
    .found(bundle_id.map_or("no bundle id", |it| it.as_str()))
    .hint("leave it out of the product, or add its target to the manifest and freeze again");
    Some(part.place(finding))
}

/// What is planned for the product and is not in it.
pub(super) fn missing(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let roots = scene.parts.iter().enumerate();
    for (position, root) in roots.filter(|(position, part)| part.root == *position) {
        // By bundle id: each configuration has a row of its own.
        let mut expected: BTreeMap<&str, &Planned<'_>> = BTreeMap::new();
        for own in &root.planned {
            let belonging = scene
                .context
                .planned
                .iter()
                .filter(|it| belongs(root, own, it));
            expected.extend(belonging.map(|it| (it.bundle_id.as_str(), it)));
        }
        for planned in expected.into_values() {
            let mut inside = scene.parts.iter().filter(|part| part.root == position);
            let is_there = |part: &Part<'_>| part.bundle_id.as_ref() == Some(planned.bundle_id);
            if inside.any(is_there) {
                continue;
            }
            let finding = Finding::block(
                Code::PlannedTargetMissing,
                format!("target {} is planned, and is not in the product", planned.name),
            )
            .expected(planned.bundle_id)
            .hint(
                "add the target to the app's Embed phase and build again, or freeze the manifest without it",
            );
            findings.push(root.place(finding).of_target(planned.name));
        }
    }
    findings
}

/// Whether something planned belongs into the product of `root`, which is planned as `own`: by the archive that the project
/// describes, or else because an embedded bundle's id begins with that of its app, as Xcode demands.
fn belongs(root: &Part<'_>, own: &Planned<'_>, planned: &Planned<'_>) -> bool {
    if planned.configuration != own.configuration {
        return false;
    }
    let below = || {
        let rest = planned
            .bundle_id
            .as_str()
            .strip_prefix(own.bundle_id.as_str());
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let carries = root.runs_on(planned.platform)
        || (own.platform == Some(Platform::Ios) && planned.platform == Some(Platform::Watchos));
    let is_part = match (&own.part_of, &planned.part_of) {
        (Some(own), Some(planned)) => planned.iter().any(|part| own.contains(part)),
        _ => below(),
    };
    carries && is_part
}
