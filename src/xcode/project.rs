//! An Xcode project: its targets, what embeds what, and the settings that each configuration assigns.
//!
//! `project.pbxproj` is a flat dictionary of objects that refer to each other by id. Only what signing depends on is
//! taken from it, into plain owned values; objects of kinds that this code has never heard of stand in nobody's way.
//! Reading is forgiving where Xcode is: a reference that leads nowhere costs what hangs on it, is reported with its
//! line, and leaves the other targets as they are. Only a file that is no project at all is an error.
//!
//! What it does not do: resolve settings ([`super::settings`]) or read the files that a project names. Where the two
//! generations of the format differ, both are read: base configurations by file reference or by path below a
//! synchronized folder (Xcode 16), copy phases by `dstSubfolderSpec` or `dstSubfolder` (Xcode 26).

mod builder;
mod model;
mod objects;
mod paths;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::openstep::{self, Entry, Map, ReadError};
use super::sources::{self, SourceError, Sources, normalized};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

pub use model::{
    Attributes, Configuration, Configurations, Embed, Project, Target, TargetClass, TargetIndex,
    TargetLink,
};

use builder::Builder;
use objects::Objects;

/// Why a project could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// The project file could not be had.
    #[error("the project file cannot be read: {problem}")]
    Source {
        /// The project file.
        file: PathBuf,
        /// Why not.
        problem: SourceError,
    },
    /// The project file is damaged.
    #[error("{}", problem.problem)]
    Syntax {
        /// The project file.
        file: PathBuf,
        /// What is wrong, and on which line.
        problem: ReadError,
    },
    /// The file is a property list, but no project.
    #[error("this is not an Xcode project: {problem}")]
    NotAProject {
        /// The project file.
        file: PathBuf,
        /// What it lacks.
        problem: &'static str,
    },
}

impl Explain for ProjectError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Source { problem, .. } => problem.error_code(),
            Self::Syntax { .. } | Self::NotAProject { .. } => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Source { problem, .. } => problem.hint(),
            Self::Syntax { problem, .. } => problem.problem.hint(),
            Self::NotAProject { .. } => "check the path",
        };
        Some(hint.to_owned())
    }

    fn place(&self) -> Place {
        let (file, line) = match self {
            Self::Source { file, .. } | Self::NotAProject { file, .. } => (file, None),
            Self::Syntax { file, problem } => (file, Some(problem.line)),
        };
        Place {
            line,
            ..Place::file(file)
        }
    }
}

impl Project {
    /// Reads the project at `path`: an `.xcodeproj`, or the `project.pbxproj` in it.
    ///
    /// # Errors
    /// The project file cannot be had, is damaged (merge-conflict markers and truncation included, with the line), or
    /// is no project.
    pub fn open(path: &Path, sources: &dyn Sources) -> Result<Self, ProjectError> {
        let bundle = match path.file_name() {
            Some(name) if name == "project.pbxproj" => path.parent().unwrap_or(Path::new(".")),
            _ => path,
        };
        let file = bundle.join("project.pbxproj");
        let bytes = sources
            .read(&file)
            .map_err(|problem| ProjectError::Source {
                file: file.clone(),
                problem,
            })?;
        Self::parse(bundle, &sources::text(&bytes))
    }

    /// Reads the text of the project file of the `.xcodeproj` at `bundle`.
    ///
    /// # Errors
    /// The text is damaged, or is no project.
    pub fn parse(bundle: &Path, text: &str) -> Result<Self, ProjectError> {
        let file = bundle.join("project.pbxproj");
        let document = openstep::read(text).map_err(|problem| ProjectError::Syntax {
            file: file.clone(),
            problem,
        })?;
        let not_a_project = |problem| ProjectError::NotAProject {
            file: file.clone(),
            problem,
        };
        let root = document
            .root
            .as_map()
            .ok_or_else(|| not_a_project("it is not a dictionary"))?;
        let objects = root
            .map("objects")
            .ok_or_else(|| not_a_project("it has no \"objects\""))?;
        let root_id = root
            .text("rootObject")
            .ok_or_else(|| not_a_project("it has no \"rootObject\""))?;

        let file: Arc<Path> = file.as_path().into();
        let mut repeated: Vec<&Entry<'_>> = Vec::new();
        let objects = Objects::index(objects, |again| repeated.push(again));
        let project = objects
            .get(root_id)
            .filter(|object| object.isa == "PBXProject")
            .ok_or_else(|| not_a_project("its \"rootObject\" is not a project"))?;

        let directory = directory(bundle, project.map);
        let paths = paths::Paths::new(&objects, &directory);
        let builder = Builder::new(&document, &objects, paths, &file);
        let name = bundle.file_stem().unwrap_or_default().to_string_lossy();
        let (parts, findings) = builder.build(project.map, &repeated);
        Ok(Self {
            bundle: bundle.into(),
            file: Arc::clone(&file),
            name: name.into(),
            object_version: root
                .text("objectVersion")
                .and_then(|text| text.parse().ok()),
            configurations: parts.configurations,
            targets: parts.targets,
            subprojects: parts.subprojects,
            directory,
            findings,
        })
    }

    /// The target at `index`.
    pub fn target(&self, index: TargetIndex) -> Option<&Target> {
        self.targets.get(index.0)
    }
}

/// `SRCROOT`: where the bundle lies, or what `projectDirPath` says relative to it.
fn directory(bundle: &Path, project: &Map<'_>) -> PathBuf {
    let beside = bundle.parent().unwrap_or(Path::new(""));
    normalized(&beside.join(project.text("projectDirPath").unwrap_or_default()))
}

#[cfg(test)]
mod tests;
