//! Projects that a workspace or a target needs and that are not there: generated ones, whose command was not run, or those of
//! a submodule that was not checked out.

use std::ffi::OsStr;
use std::path::Path;

use crate::base::finding::{Code, Finding};
use crate::host::inputs::NotingSources;
use crate::xcode::sources::Sources;

/// What names a project: a workspace, or a project whose targets need something of it.
pub(super) struct Referrer<'a> {
    /// Its name, as a subject.
    pub(super) name: String,
    /// Its file.
    pub(super) file: &'a Path,
    /// How it names the project.
    pub(super) found: String,
    /// Where, if that is known.
    pub(super) line: Option<u64>,
}

impl Referrer<'_> {
    /// The finding, at the place that names the project.
    pub(super) fn place(&self, finding: Finding) -> Finding {
        let finding = finding.found(&self.found).in_file(self.file);
        match self.line {
            Some(line) => finding.at_line(line),
            None => finding,
        }
    }
}

/// The finding that the project at `path` is not there, which `from` names.
pub(super) fn finding(path: &Path, from: &Referrer<'_>, sources: &NotingSources) -> Finding {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hint = match generator(path, sources) {
        Some(command) => format!("run `{command}` before this step"),
        None => format!(
            "generate or check out this project before this step, or remove it from {}",
            from.name
        ),
    };
    from.place(Finding::warn(
        Code::ProjectMissing,
        format!(
            "{} names {name}, which is not there, so its targets were not judged",
            from.name
        ),
    ))
    .hint(hint)
}

/// The command that makes a project, as far as its name and what lies beside it tell.
fn generator(path: &Path, sources: &NotingSources) -> Option<&'static str> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    let folder = path.parent()?;
    if name == "Pods.xcodeproj" {
        return Some("pod install");
    }
    if folder
        .components()
        .any(|part| part.as_os_str() == "Carthage")
    {
        return Some("carthage bootstrap");
    }
    // What makes it lies beside it, or one folder above.
    let beside = [Some(folder), folder.parent()];
    beside.into_iter().flatten().find_map(|folder| {
        let names = sources.list(folder).ok()?;
        let has = |name: &str| names.iter().any(|found| found == name);
        GENERATORS
            .iter()
            .find(|(file, _)| has(file))
            .map(|(_, command)| *command)
    })
}

/// Files that a generator of projects reads, and the command that runs it.
const GENERATORS: &[(&str, &str)] = &[
    ("project.yml", "xcodegen generate"),
    ("project.yaml", "xcodegen generate"),
    ("Project.swift", "tuist generate"),
    ("Workspace.swift", "tuist generate"),
    ("Cartfile", "carthage bootstrap"),
    ("CMakeLists.txt", "cmake -G Xcode"),
];
