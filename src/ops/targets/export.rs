//! Handing the plan to `xcodebuild`, by UUID, without editing the project.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::document;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::ConfigurationName;
use crate::base::plain::Escaped;
use crate::context::manifest::{PinnedProduct, PlanDocument};
use crate::context::plan::export::{
    BuildSettings, ExportError, SettingKey, export_options, exportable, is_mended_by_export,
    reached, without_runner,
};
use crate::context::plan::{Plan, withheld};
use crate::host::observation::projects;
use crate::ops::error::{Error, Failure};
use crate::ops::output;
use crate::ops::target_selection::{TargetSelection, planned};
use crate::ops::world::World;
use crate::xcode::assignment::Layer;
use crate::xcode::export_options::XcodeVersion;
use crate::xcode::targets::SigningTarget;

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
    let products = planned.products();
    let mut findings = document::findings(&planned, &judgement, &products, world);
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
    let exported = match (request.form, planned.names_projects) {
        (ExportForm::Json, false) => Ok(()),
        _ => exportable(&judgement.plan, world.now).map_err(Unexported::Plan),
    };
    let selection = TargetSelection {
        projects: planned.projects.clone(),
        ..request.selection.clone()
    };
    let exported = exported.and_then(|()| {
        text(
            &judgement.plan,
            &products.planned,
            request,
            &selection,
            world,
        )
    });
    let text = match exported {
        Ok(text) => text,
        Err(Unexported::Plan(error)) => {
            findings.insert(0, error.finding());
            return Err(Failure::Blocked(findings));
        }
        Err(Unexported::Error(error)) => return Err(error.into()),
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

/// Why there is no text.
enum Unexported {
    /// The plan cannot be handed to one `xcodebuild` call.
    Plan(ExportError),
    /// Something could not be read or written.
    Error(Error),
}

impl From<ExportError> for Unexported {
    fn from(error: ExportError) -> Self {
        Self::Plan(error)
    }
}

impl From<Error> for Unexported {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn text(
    plan: &Plan<'_>,
    products: &[PinnedProduct],
    request: &ExportRequest,
    selection: &TargetSelection,
    world: &World,
) -> Result<String, Unexported> {
    let settings = || settings(plan, selection, world);
    Ok(match request.form {
        ExportForm::Xcargs => settings()?.as_arguments(),
        ExportForm::Xcconfig => settings()?.as_xcconfig(),
        ExportForm::Fastlane => settings()?.as_shell_words(),
        ExportForm::ExportOptions => export_options(plan)?.to_plist(request.xcode),
        ExportForm::Json => {
            let targets = plan.pinned_targets();
            let mut json = Vec::new();
            let document = PlanDocument::of(&targets, products);
            serde_json::to_writer_pretty(Escaped(&mut json), &document)
                .map_err(Error::unexpected)?;
            String::from_utf8_lossy(&json).into_owned() + "\n"
        }
    })
}

/// The settings, which sign every target as planned when they are fed back through the resolver: by bundle id, or where that
/// does not reach every target, by the target's name.
fn settings(
    plan: &Plan<'_>,
    selection: &TargetSelection,
    world: &World,
) -> Result<BuildSettings, Unexported> {
    let by = |key| {
        let settings = BuildSettings::of(plan, key)?;
        reached(plan, &fed_back(plan, &settings, selection, world)?)?;
        Ok(settings)
    };
    match by(SettingKey::BundleId) {
        Err(Unexported::Plan(error @ ExportError::NotReached { .. })) => {
            by(SettingKey::Target).map_err(|_| error.into())
        }
        result => result,
    }
}

/// Every target of the projects as it comes out with the settings over everything: a setting on the command line counts also
/// for targets that were not selected.
fn fed_back(
    plan: &Plan<'_>,
    settings: &BuildSettings,
    selection: &TargetSelection,
    world: &World,
) -> Result<Vec<SigningTarget>, Error> {
    let mut request = selection.request(world)?;
    let arguments = settings.as_arguments();
    let captured = captured_bundle_ids(plan);
    let arguments = arguments.lines().chain(captured.iter().map(String::as_str));
    request.overrides = request.overrides.with_arguments(arguments)?;
    request.captures.clear();
    request.selection.targets.clear();
    let configurations: BTreeSet<ConfigurationName> = plan
        .rows
        .iter()
        .map(|row| row.target.configuration.clone())
        .collect();
    request.selection.configurations = configurations.into_iter().collect();
    Ok(projects::read(&request, None)?.targets)
}

/// The bundle ids that captured settings say, as settings: what Xcode resolved is not resolved again, and the names of the
/// exported settings are made of it.
fn captured_bundle_ids(plan: &Plan<'_>) -> Vec<String> {
    let captured = plan.rows.iter().filter_map(|row| {
        let target = row.target;
        let id = target.bundle_id.as_ref()?;
        (id.origin.layer == Layer::Captured).then(|| {
            format!(
                "PRODUCT_BUNDLE_IDENTIFIER[target={}][config={}][sdk={}*]={}",
                pattern(target.target.as_str()),
                pattern(target.configuration.as_str()),
                target.platform.sdk_name(),
                without_runner(id.value.as_str()),
            )
        })
    });
    captured.collect()
}

/// A condition's pattern for a name: bytes that might end it, or mean more than themselves, stand for any byte.
fn pattern(name: &str) -> String {
    let bytes = name.bytes().map(char::from);
    bytes
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || " _-.".contains(byte) => byte,
            _ => '?',
        })
        .collect()
}
