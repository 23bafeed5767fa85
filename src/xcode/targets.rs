//! What each target asks of signing: one row for each target, configuration and platform.
//!
//! A row says what is built (product type, bundle id, the application that carries it) and what its settings ask for
//! (style, team, identity, profile, entitlements), each value with the place it came from. It does not say which
//! profile is right; that is decided from rows and profiles together (`context::plan`).
//!
//! Rows are made for every target that Xcode signs, frameworks included, because a specifier on one of those is a
//! mistake too; [`SigningTarget::needs_profile`] tells them apart. Simulators have no rows unless one is asked for.

mod entitlements;
mod hosts;
mod info_plist;
mod place;
mod platforms;
mod resolver;
mod row;
mod selection;
mod setting;
mod unsigned;
mod values;

use std::collections::HashSet;

use super::assignment::Origin;
use super::project::Project;
use super::settings::ProjectSettings;
use super::sources::Sources;
use crate::base::finding::{self, Code};

pub use entitlements::{
    APP_IDENTIFIER_PREFIX, EntitlementLines, Entitlements, TEAM_IDENTIFIER_PREFIX,
};
pub use info_plist::written_bundle_id;
pub use row::{Embedder, SigningTarget, Unsigned};
pub use selection::{Selection, SigningTargets};
pub use setting::{ProfileRequest, Setting, SigningStyle};

/// Resolves the selected targets of a project. What is wrong with one target is a finding and leaves the others as they
/// are.
pub fn resolve(
    settings: &ProjectSettings<'_>,
    sources: &dyn Sources,
    selection: &Selection<'_>,
) -> SigningTargets {
    let (mut rows, mut complaints) = resolver::Resolver::new(settings, sources).resolve(selection);
    let mut findings = settings.project().findings.clone();
    findings.extend(settings.findings_of(selection.configuration));
    // What a missing file takes from its targets is told with the file.
    let lacking = settings.lacking(selection.configuration);
    let mut consequences: HashSet<String> = HashSet::new();
    let mut undefined: HashSet<(String, Option<u64>)> = HashSet::new();
    complaints.retain(|it| {
        if it.code == Code::SettingUndefined && !lacking.is_empty() {
            undefined.extend(it.place.file.clone().map(|file| (file, it.place.line)));
            return false;
        }
        let is_consequence = it.code == Code::BundleIdUnresolved;
        let target = it
            .place
            .target
            .as_deref()
            .filter(|target| lacking.contains(*target));
        consequences.extend(target.filter(|_| is_consequence).map(str::to_owned));
        !(is_consequence && target.is_some())
    });
    for row in &mut rows {
        let is_undefined = |origin: &Origin| {
            let file = origin.file.as_deref();
            file.is_some_and(|file| undefined.contains(&(file.display().to_string(), origin.line)))
        };
        row.lacks_settings = consequences.contains(row.target.as_str())
            || (lacking.contains(row.target.as_str()) && row.origins().any(is_undefined));
    }
    findings.append(&mut complaints);
    // Whatever was not read because of it, it is one fault, and told once.
    if let Some(finding) = sources.budget().finding() {
        findings.retain(|it| it.code != Code::ProjectTooLarge);
        findings.push(finding);
    }
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    SigningTargets { rows, findings }
}

/// Completes `host` and `embedded_in` where an application of one project carries a product of another. `projects` are
/// all that the rows come from, a workspace's for example; paths must be named alike in all of them.
pub fn link_projects(projects: &[Project], rows: &mut [SigningTarget]) {
    hosts::across(projects, rows);
}

#[cfg(test)]
mod tests;
