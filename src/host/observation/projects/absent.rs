//! Projects that a workspace names and that are not there: generated ones, whose command was not run.

use std::ffi::OsStr;
use std::path::Path;

use crate::base::finding::{Code, Finding};
use crate::host::inputs::NotingSources;
use crate::xcode::sources::Sources;
use crate::xcode::workspace::ProjectReference;

/// The finding that the project at `path` is not there, which the workspace file `file` names.
pub(super) fn finding(
    path: &Path,
    file: &Path,
    reference: &ProjectReference,
    sources: &NotingSources,
) -> Finding {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hint = match generator(path, sources) {
        Some(command) => format!("run `{command}` before this step"),
        None => {
            "generate or check out this project before this step, or remove it from the workspace"
                .to_owned()
        }
    };
    Finding::warn(
        Code::ProjectMissing,
        format!("the workspace names {name}, which is not there, so its targets were not judged"),
    )
    .found(&reference.location)
    .in_file(file)
    .at_line(reference.line)
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
