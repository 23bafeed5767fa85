//! What a project consists of, as far as signing is concerned: plain owned values.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::finding::Finding;
use crate::xcode::assignment::Table;

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
    pub subprojects: Vec<Arc<Path>>,
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
    /// The file name of its product, as in `Share.appex`: how others refer to it without a dependency.
    pub product_file: Option<Box<str>>,
    /// Its configurations.
    pub configurations: Configurations,
    /// Targets that are built before it.
    pub dependencies: Vec<TargetLink>,
    /// Products of other targets that it copies into its own.
    pub embeds: Vec<Embed>,
    /// Products of other targets that it links with.
    pub links: Vec<TargetLink>,
    /// What the project notes about it besides build settings.
    pub attributes: Attributes,
}

/// A product that is copied into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// Whose product.
    pub product: TargetLink,
    /// The name of the phase that copies it, as in "Embed Foundation Extensions".
    pub phase: Option<Arc<str>>,
    /// Whether a phase copies it that Xcode validates: one of files, not one of resources.
    pub is_copied: bool,
    /// The platforms for which it is copied, as Xcode calls them (`ios`, `maccatalyst`); none: for all.
    pub platform_filters: Arc<[Box<str>]>,
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
        project: Option<Arc<Path>>,
        /// The id of the target or product there.
        id: Box<str>,
        /// The name by which this project remembers it.
        name: Option<Box<str>>,
    },
    /// Whatever makes a product with this file name: a reference to the folder of built products. Xcode finds the target
    /// among all projects of the workspace, as an implicit dependency.
    Named(Box<str>),
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
    list: Vec<Configuration>,
    default_name: Option<Box<str>>,
    /// Indices of `list`, by name, then by order: a project may have many configurations, and each is asked for by name.
    by_name: Vec<u32>,
}

impl Configurations {
    /// A list of configurations, in order; `default_name` counts where a name is asked for that is not in the list.
    pub fn new(list: Vec<Configuration>, default_name: Option<Box<str>>) -> Self {
        let name = |index: &u32| list.get(*index as usize).map(|found| &found.name);
        let mut by_name: Vec<u32> = (0..u32::try_from(list.len()).unwrap_or(0)).collect();
        // Stable, so that of equal names the first stays first.
        by_name.sort_by(|a, b| name(a).cmp(&name(b)));
        Self {
            list,
            default_name,
            by_name,
        }
    }

    /// The configurations, in order.
    pub fn list(&self) -> &[Configuration] {
        &self.list
    }

    /// The configuration called `name`; of two with one name the first.
    pub fn named(&self, name: &str) -> Option<&Configuration> {
        let found = |index: u32| self.list.get(index as usize);
        let at = self
            .by_name
            .partition_point(|index| found(*index).is_some_and(|it| *it.name < *name));
        found(*self.by_name.get(at)?).filter(|it| *it.name == *name)
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
    pub base: Option<(Arc<Path>, Option<u64>)>,
    /// The build settings assigned here.
    pub settings: Arc<Table>,
}
