//! A certificate for distribution beside automatic signing.
//!
//! Xcode says "App is automatically signed for development, but a conflicting code signing identity Apple Distribution has
//! been manually specified": automatic signing signs for development, and only the export signs for distribution. Where
//! nobody wrote a style, projects ship with such an identity.

use super::grouped::{by_line, titles};
use super::place::at_origin;
use super::subject::Scene;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::fit::wanted_kinds;
use crate::context::plan::row::Row;
use crate::xcode::assignment::{Layer, Origin};
use crate::xcode::targets::{SigningStyle, SigningTarget};

/// Identities for distribution of targets that are signed automatically, one finding for each line.
pub(super) fn identity_style(
    scene: &Scene<'_, '_>,
    is_told_of_its_style: impl Fn(Option<&Row<'_>>) -> bool,
) -> Vec<Finding> {
    let judged = scene.subjects.iter();
    let conflicting = judged
        .filter(|(target, row)| scene.is_judged(target) && !is_told_of_its_style(*row))
        .filter_map(|(target, _)| Some((*target, conflict(target)?)));
    by_line(conflicting)
        .into_iter()
        .filter_map(|(targets, origin)| {
            let first = *targets.first()?;
            let identity = first.identity.as_ref()?;
            let finding = Finding::block(
                Code::IdentityStyleConflict,
                format!(
                    "CODE_SIGN_IDENTITY is for distribution, but automatic signing, which is for development, signs {}",
                    titles(&targets)
                ),
            )
            .values(
                "CODE_SIGN_STYLE = Manual, or no CODE_SIGN_IDENTITY",
                format!("Automatic, with CODE_SIGN_IDENTITY = {}", identity.value),
            )
            .hint("remove this CODE_SIGN_IDENTITY, or set CODE_SIGN_STYLE to Manual and name the profile; or build with the exported settings")
            .remedy(Remedy::ExportTargets);
            Some(at_origin(finding, first, Some(origin)))
        })
        .collect()
}

fn conflict(target: &SigningTarget) -> Option<&Origin> {
    let is_automatic = target.style.value == SigningStyle::Automatic
        && target.style.origin.layer != Layer::Default;
    let is_for_distribution =
        wanted_kinds(target).is_some_and(|kinds| !kinds.contains(&ProfileKind::Development));
    let is_conflict = is_automatic
        && is_for_distribution
        && target.is_signed()
        && !target.platform.is_simulator();
    is_conflict.then_some(&target.identity.as_ref()?.origin)
}
