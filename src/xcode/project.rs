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
mod objects;
mod paths;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assignment::Table;
use super::openstep::{self, Entry, Map, ReadError};
use super::sources::{self, SourceError, Sources, normalized};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Code, Finding, Place};

use builder::Builder;
use objects::Objects;

/// A project, as far as signing is concerned.
#[derive(Debug, Clone)]
pub struct Project {
    /// The `.xcodeproj`.
    pub bundle: Arc<Path>,
    /// Its `project.pbxproj`.
    pub file: Arc<Path>,
    /// `SRCROOT`: the directory that relative paths start from.
    pub directory: PathBuf,
    /// `PROJECT_NAME`: the bundle's name without its extension.
    pub name: Box<str>,
    /// The version of the object format, 46 (Xcode 3.2) to 77 (Xcode 16) and beyond, if it is given.
    pub object_version: Option<u32>,
    /// The configurations of the project itself.
    pub configurations: Configurations,
    /// The targets, in the project's order.
    pub targets: Vec<Target>,
    /// Projects that this one refers to.
    pub subprojects: Vec<PathBuf>,
    /// What is not right with the project's structure.
    pub findings: Vec<Finding>,
}

/// The index of a target in [`Project::targets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetIndex(pub usize);

/// How a target is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetClass {
    /// `PBXNativeTarget`: Xcode builds a product.
    Native,
    /// `PBXAggregateTarget`: a name for other targets and scripts; nothing of its own is signed.
    Aggregate,
    /// `PBXLegacyTarget`: an external build tool; Xcode signs nothing of it.
    Legacy,
    /// A kind that this code does not know.
    Other,
}

/// A target.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its object id, which other projects refer to.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The line of its object in the project file.
    pub line: Option<u64>,
    /// How it is built.
    pub class: TargetClass,
    /// The product type's identifier, `com.apple.product-type.…`.
    pub product_type: Option<Box<str>>,
    /// The object id of its product, which embedding projects refer to.
    pub product_id: Option<Box<str>>,
    /// Its configurations.
    pub configurations: Configurations,
    /// Targets that are built before it.
    pub dependencies: Vec<TargetLink>,
    /// Products of other targets that it copies into its own.
    pub embeds: Vec<Embed>,
    /// What the project notes about it besides build settings.
    pub attributes: Attributes,
}

/// A product that is copied into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// Whose product.
    pub product: TargetLink,
    /// The name of the phase that copies it, as in "Embed Foundation Extensions".
    pub phase: Option<Box<str>>,
    /// The line of the copied file in the project file.
    pub line: Option<u64>,
}

/// A reference to a target or its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetLink {
    /// In the same project.
    Local(TargetIndex),
    /// In another project.
    Foreign {
        /// That project's `.xcodeproj`, if its path could be found.
        project: Option<PathBuf>,
        /// The id of the target or product there.
        id: Box<str>,
        /// The name by which this project remembers it.
        name: Option<Box<str>>,
    },
}

/// `TargetAttributes` of a target, as far as they speak of signing; each with its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `ProvisioningStyle`: `Automatic` or `Manual`; Xcode 8 kept the signing style here.
    pub provisioning_style: Option<(Box<str>, Option<u64>)>,
    /// `DevelopmentTeam`.
    pub development_team: Option<(Box<str>, Option<u64>)>,
    /// `TestTargetID`: the application that the tests run in or drive.
    pub test_target: Option<TargetIndex>,
}

/// A configuration list.
#[derive(Debug, Clone, Default)]
pub struct Configurations {
    /// The configurations, in order.
    pub list: Vec<Configuration>,
    /// The one that counts where a name is asked for that is not in the list.
    pub default_name: Option<Box<str>>,
}

impl Configurations {
    /// The configuration called `name`.
    pub fn named(&self, name: &str) -> Option<&Configuration> {
        self.list.iter().find(|one| &*one.name == name)
    }

    /// The configuration that Xcode takes when `name` is asked for: that one, or else the default, or else the first.
    pub fn effective(&self, name: &str) -> Option<&Configuration> {
        self.named(name)
            .or_else(|| self.named(self.default_name.as_deref()?))
            .or_else(|| self.list.first())
    }
}

/// One build configuration of a project or target.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Its name.
    pub name: Box<str>,
    /// The line of its object in the project file.
    pub line: Option<u64>,
    /// The `.xcconfig` it is based on, and the line that says so.
    pub base: Option<(PathBuf, Option<u64>)>,
    /// The build settings assigned here.
    pub settings: Arc<Table>,
}

/// Why a project could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// The project file could not be had.
    #[error("{}: {problem}", file.display())]
    Source {
        /// The project file.
        file: PathBuf,
        /// Why not.
        problem: SourceError,
    },
    /// The project file is damaged.
    #[error("{}:{}: {}", file.display(), problem.line, problem.problem)]
    Syntax {
        /// The project file.
        file: PathBuf,
        /// What is wrong, and on which line.
        problem: ReadError,
    },
    /// The file is a property list, but no project.
    #[error("{}: this is no Xcode project: {problem}", file.display())]
    NotAProject {
        /// The project file.
        file: PathBuf,
        /// What it lacks.
        problem: &'static str,
    },
}

impl ProjectError {
    /// The line that the error speaks of, from 1.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Syntax { problem, .. } => Some(problem.line),
            _ => None,
        }
    }
}

impl Explain for ProjectError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Source { problem, .. } => problem.error_code(),
            Self::Syntax { .. } | Self::NotAProject { .. } => ErrorCode::FileMalformed,
        }
    }

    fn place(&self) -> Place {
        let (Self::Source { file, .. }
        | Self::Syntax { file, .. }
        | Self::NotAProject { file, .. }) = self;
        Place {
            line: self.line(),
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
            .ok_or_else(|| not_a_project("it is no dictionary"))?;
        let objects = root
            .map("objects")
            .ok_or_else(|| not_a_project("it has no \"objects\""))?;
        let root_id = root
            .text("rootObject")
            .ok_or_else(|| not_a_project("it has no \"rootObject\""))?;

        let mut findings = Vec::new();
        let file: Arc<Path> = file.as_path().into();
        let objects = Objects::index(objects, |again: &Entry<'_>| {
            let mut finding = Finding::warn(
                Code::ProjectInconsistent,
                "An object stands twice in the project; the second one counts",
            )
            .found(&again.key)
            .hint("Remove one of the two; a merge that kept both sides leaves such a pair")
            .in_file(&file);
            finding.place.line = document.line(again.at);
            findings.push(finding);
        });
        let project = objects
            .get(root_id)
            .filter(|object| object.isa == "PBXProject")
            .ok_or_else(|| not_a_project("its \"rootObject\" is no project"))?;

        let directory = directory(bundle, project.map);
        let paths = paths::Paths::new(&objects, &directory);
        let builder = Builder::new(&document, &objects, paths, &file, findings);
        let name = bundle.file_stem().unwrap_or_default().to_string_lossy();
        let (parts, findings) = builder.build(project.map);
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

    /// The targets whose products `index`'s product is copied into, in the project's order.
    pub fn embedders(&self, index: TargetIndex) -> impl Iterator<Item = (TargetIndex, &Target)> {
        let local = TargetLink::Local(index);
        self.targets
            .iter()
            .enumerate()
            .filter(move |(_, target)| target.embeds.iter().any(|embed| embed.product == local))
            .map(|(at, target)| (TargetIndex(at), target))
    }
}

/// `SRCROOT`: where the bundle lies, or what `projectDirPath` says relative to it.
fn directory(bundle: &Path, project: &Map<'_>) -> PathBuf {
    let beside = bundle.parent().unwrap_or(Path::new(""));
    normalized(&beside.join(project.text("projectDirPath").unwrap_or_default()))
}

#[cfg(test)]
mod tests;
