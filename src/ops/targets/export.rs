//! Handing the plan to `xcodebuild`, by UUID, without editing the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::document;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::plain::Escaped;
use crate::context::manifest::PinnedProduct;
use crate::context::plan::export::{
    BuildSettings, ExportError, SettingKey, export_options, exportable, is_mended_by_export,
    reached,
};
use crate::context::plan::{Plan, PlanDocument, withheld};
use crate::ops::error::{Error, Failure};
use crate::ops::output;
use crate::ops::target_selection::{TargetSelection, planned};
use crate::ops::world::World;
use crate::xcode::export_options::XcodeVersion;
use crate::xcode::project::Project;
use crate::xcode::settings::{Overrides, ProjectSettings};
use crate::xcode::sources::Sources;
use crate::xcode::targets::{Selection, SigningTarget, resolve};

/// The form of an exported plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// A configuration file for `xcodebuild -xcconfig`.
    Xcconfig,
    /// Arguments of `xcodebuild`, one a line.
    Xcargs,
    /// Arguments in one line, each quoted for a shell, as fastlane's `xcargs` takes them.
    Fastlane,
    /// ExportOptions.plist for `xcodebuild -exportArchive`.
    ExportOptions,
    /// The pinned targets as JSON: a `countersign.plan.v1` document.
    Json,
}

/// What is exported.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Which targets.
    pub selection: TargetSelection,
    /// In which form.
    pub form: ExportForm,
    /// The Xcode that reads the export options.
    pub xcode: XcodeVersion,
    /// The file that the export is written to, if one is.
    pub output: Option<PathBuf>,
}

/// A plan that was exported.
#[derive(Debug)]
pub struct Export {
    /// The text; nothing if it was written to a file.
    pub text: Option<String>,
    /// What is not right and does not keep the plan from being exported: what the export itself mends is a warning.
    pub findings: Vec<Finding>,
}

/// Exports the plan.
///
/// # Errors
/// A finding blocks that the export does not mend, or one `xcodebuild` call cannot carry the plan: then nothing is
/// exported. Else as [`show`](super::show()), or the file cannot be written.
pub fn export(request: &ExportRequest, world: &World) -> Result<Export, Failure> {
    let planned = planned(&request.selection, world)?;
    let judgement = planned.judgement();
    let mut findings = document::findings(&planned, &judgement, world);
    findings.extend(withheld(&planned.observed.targets));
    for finding in findings.iter_mut().filter(|it| is_mended_by_export(it)) {
        finding.severity = finding.severity.max(Severity::Warn);
    }
    // Xcode refuses to sign with what has expired, so nobody is handed it.
    for finding in findings
        .iter_mut()
        .filter(|it| it.code == Code::ProfileExpired)
    {
        finding.severity = Severity::Block;
    }
    finding::sort(&mut findings);
    if finding::any_blocks(&findings) {
        return Err(Failure::Blocked(findings));
    }
    let outside = request.selection.overrides(world)?;
    let products = planned.products().planned;
    let exported = match (request.form, planned.names_projects) {
        (ExportForm::Json, false) => Ok(()),
        _ => exportable(&judgement.plan, world.now),
    };
    let exported = exported.and_then(|()| {
        text(
            &judgement.plan,
            &products,
            request,
            &outside,
            planned.request().sources,
        )
    });
    let text = match exported {
        Ok(text) => text?,
        Err(error) => {
            findings.insert(0, error.finding());
            return Err(Failure::Blocked(findings));
        }
    };
    let text = match &request.output {
        Some(path) => {
            output::write(path, text.as_bytes())?;
            None
        }
        None => Some(text),
    };
    Ok(Export { text, findings })
}

fn text(
    plan: &Plan<'_>,
    products: &[PinnedProduct],
    request: &ExportRequest,
    outside: &Overrides,
    sources: &dyn Sources,
) -> Result<Result<String, Error>, ExportError> {
    let settings = || settings(plan, &request.selection, outside, sources);
    Ok(Ok(match request.form {
        ExportForm::Xcargs => settings()?.as_arguments(),
        ExportForm::Xcconfig => settings()?.as_xcconfig(),
        ExportForm::Fastlane => settings()?.as_shell_words(),
        ExportForm::ExportOptions => export_options(plan)?.to_plist(request.xcode),
        ExportForm::Json => {
            let targets = plan.pinned_targets();
            let mut json = Vec::new();
            let document = PlanDocument::of(&targets, products);
            match serde_json::to_writer_pretty(Escaped(&mut json), &document) {
                Ok(()) => String::from_utf8_lossy(&json).into_owned() + "\n",
                Err(error) => return Ok(Err(Error::unexpected(error))),
            }
        }
    }))
}

/// The settings, which sign every target as planned when they are fed back through the resolver: by bundle id, or where that
/// does not reach every target, by the target's name.
fn settings(
    plan: &Plan<'_>,
    selection: &TargetSelection,
    outside: &Overrides,
    sources: &dyn Sources,
) -> Result<BuildSettings, ExportError> {
    let by = |key| {
        let settings = BuildSettings::of(plan, key)?;
        if let Some(rows) = fed_back(plan, &settings, selection, outside, sources) {
            reached(plan, &rows)?;
        }
        Ok(settings)
    };
    match by(SettingKey::BundleId) {
        Err(error @ ExportError::NotReached { .. }) => by(SettingKey::Target).map_err(|_| error),
        result => result,
    }
}

/// Every target of the plan's projects as it comes out with the settings over everything; `None` where captured settings
/// stand for the projects, which cannot be resolved again.
fn fed_back(
    plan: &Plan<'_>,
    settings: &BuildSettings,
    selection: &TargetSelection,
    outside: &Overrides,
    sources: &dyn Sources,
) -> Option<Vec<SigningTarget>> {
    if !selection.build_settings.is_empty() {
        return None;
    }
    let arguments = settings.as_arguments();
    let overrides = outside.clone().with_arguments(arguments.lines());
    // Settings that are none reach no target.
    let Ok(overrides) = overrides else {
        return Some(Vec::new());
    };
    let configurations: BTreeSet<&str> = plan
        .rows
        .iter()
        .map(|row| row.target.configuration.as_str())
        .collect();
    let projects: BTreeSet<&Path> = plan.rows.iter().map(|row| &*row.target.project).collect();
    let mut rows = Vec::new();
    for path in projects {
        let Ok(project) = Project::open(path, sources) else {
            continue;
        };
        let loaded = ProjectSettings::load(&project, sources, &overrides);
        for configuration in &configurations {
            let selection = Selection {
                configuration: Some(configuration),
                ..Selection::default()
            };
            rows.extend(resolve(&loaded, sources, &selection).rows);
        }
    }
    Some(rows)
}
