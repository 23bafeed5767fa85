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
        let inside: Vec<&str> = scene
            .parts
            .iter()
            .filter(|part| part.root == position)
            .filter_map(|part| Some(part.bundle_id.as_ref()?.as_str()))
            .collect();
        expected.retain(|id, _| !inside.contains(id));
        let others = other_apps(&expected, &|app| inside.iter().any(|id| is_below(id, app)));
        for (id, planned) in &expected {
            if others.iter().any(|app| is_below(id, app)) {
                continue;
            }
            if others.contains(id) {
                let finding = Finding::warn(
                    Code::PlannedTargetMissing,
                    format!(
                        "target {} is planned, and looks like an app of its own, so it was not looked for",
                        planned.name
                    ),
                )
                .expected(planned.bundle_id)
                .hint("name the project, which tells what belongs together");
                findings.push(root.place(finding).of_target(planned.name));
                continue;
            }
            let finding = Finding::block(
                Code::PlannedTargetMissing,
                format!("target {} is planned, and is not in the product", planned.name),
            )
            .expected(planned.bundle_id)
            .hint(
                "add the target to the app's Embed phase and build again; if it is an app of its own, name the project, which tells \
                 what belongs together",
            );
            findings.push(root.place(finding).of_target(planned.name));
        }
    }
    findings
}

/// What a manifest alone shows to be another app, of what is missing: an extension for iOS holds none of its own, so a bundle id
/// that others are planned below is that of an app, if nothing of it is here. It is `com.acme.rocket.beta` beside `com.acme.rocket`,
/// with an extension each.
fn other_apps<'a>(
    missing: &BTreeMap<&'a str, &Planned<'a>>,
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<&'a str> {
    let guessed = |planned: &Planned<'_>| {
        planned.part_of.is_none() && planned.platform == Some(Platform::Ios)
    };
    let apps = missing.iter().filter(|(app, planned)| {
        let mut others = missing.iter();
        guessed(planned)
            && !is_there(app)
            && others.any(|(other, below)| guessed(below) && is_below(other, app))
    });
    apps.map(|(app, _)| *app).collect()
}

fn is_below(bundle_id: &str, above: &str) -> bool {
    let rest = bundle_id.strip_prefix(above);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Whether something planned belongs into the product of `root`, which is planned as `own`: by the archive that the project
/// describes, or else because an embedded bundle's id begins with that of its app, as Xcode demands.
fn belongs(root: &Part<'_>, own: &Planned<'_>, planned: &Planned<'_>) -> bool {
    if planned.configuration != own.configuration {
        return false;
    }
    let below = || is_below(planned.bundle_id.as_str(), own.bundle_id.as_str());
    let carries = root.runs_on(planned.platform)
        || (own.platform == Some(Platform::Ios) && planned.platform == Some(Platform::Watchos));
    let is_part = match (&own.part_of, &planned.part_of) {
        (Some(own), Some(planned)) => planned.iter().any(|part| own.contains(part)),
        _ => below(),
    };
    carries && is_part
}
