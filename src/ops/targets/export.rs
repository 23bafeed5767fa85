//! Handing the plan to `xcodebuild`, by UUID, without editing the project.

use std::path::PathBuf;

use super::document;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::plain::Escaped;
use crate::context::plan::export::{
    BuildSettings, ExportError, export_options, is_mended_by_export,
};
use crate::context::plan::{Plan, PlanDocument, withheld};
use crate::ops::error::{Error, Failure};
use crate::ops::output;
use crate::ops::target_selection::{TargetSelection, planned};
use crate::ops::world::World;
use crate::xcode::export_options::XcodeVersion;

/// The form of an exported plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// A configuration file for `xcodebuild -xcconfig`.
    Xcconfig,
    /// Arguments of `xcodebuild`, one a line.
    Xcargs,
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
    // What is exported is built with at once, so it must not have expired.
    for finding in findings.iter_mut().filter(|it| is_expired_plan(it)) {
        finding.severity = Severity::Block;
    }
    findings.extend(withheld(&planned.observed.targets));
    for finding in findings.iter_mut().filter(|it| is_mended_by_export(it)) {
        finding.severity = finding.severity.max(Severity::Warn);
    }
    finding::sort(&mut findings);
    if finding::any_blocks(&findings) {
        return Err(Failure::Blocked(findings));
    }
    let text = match text(&judgement.plan, request) {
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

/// Whether the finding says that a planned profile has expired.
fn is_expired_plan(finding: &Finding) -> bool {
    finding.code == Code::ProfileExpired && finding.severity == Severity::Warn
}

fn text(plan: &Plan<'_>, request: &ExportRequest) -> Result<Result<String, Error>, ExportError> {
    Ok(Ok(match request.form {
        ExportForm::Xcargs => BuildSettings::of(plan)?.as_arguments(),
        ExportForm::Xcconfig => BuildSettings::of(plan)?.as_xcconfig(),
        ExportForm::ExportOptions => export_options(plan)?.to_plist(request.xcode),
        ExportForm::Json => {
            let targets = plan.pinned_targets();
            let mut json = Vec::new();
            match serde_json::to_writer_pretty(Escaped(&mut json), &PlanDocument::of(&targets)) {
                Ok(()) => String::from_utf8_lossy(&json).into_owned() + "\n",
                Err(error) => return Ok(Err(Error::unexpected(error))),
            }
        }
    }))
}
