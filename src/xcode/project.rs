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

mod objects;
mod paths;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assignment::{Assignment, Table};
use super::openstep::{self, Document, Entry, Kind, Map, Node, ReadError};
use super::sources::{self, SourceError, Sources, normalized};
use crate::base::finding::{Code, Finding};

use objects::{Object, Objects};

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
        let builder = Builder {
            document: &document,
            paths: paths::Paths::new(&objects, &directory),
            objects: &objects,
            file: &file,
            findings,
        };
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

/// The parts of a project that are built from its objects.
struct Parts {
    configurations: Configurations,
    targets: Vec<Target>,
    subprojects: Vec<PathBuf>,
}

/// Walks the objects; owns what is complained about on the way.
struct Builder<'d> {
    document: &'d Document<'d>,
    objects: &'d Objects<'d>,
    paths: paths::Paths<'d>,
    file: &'d Arc<Path>,
    findings: Vec<Finding>,
}

/// A target's object, and the index it will have.
struct TargetObject<'d> {
    id: &'d str,
    object: Object<'d>,
}

impl<'d> Builder<'d> {
    fn build(mut self, project: &'d Map<'d>) -> (Parts, Vec<Finding>) {
        let configurations = self.configurations(project, None);
        let target_objects = self.target_objects(project);
        let known = KnownTargets::new(&target_objects);
        let attributes = project
            .map("attributes")
            .and_then(|attributes| attributes.map("TargetAttributes"));
        let targets = target_objects
            .iter()
            .map(|target| self.target(target, &known, attributes))
            .collect();
        let subprojects = project
            .list("projectReferences")
            .iter()
            .filter_map(|reference| reference.as_map()?.text("ProjectRef"))
            .filter_map(|id| self.paths.of(id))
            .collect();
        let parts = Parts {
            configurations,
            targets,
            subprojects,
        };
        (parts, self.findings)
    }

    fn target_objects(&mut self, project: &'d Map<'d>) -> Vec<TargetObject<'d>> {
        let mut found = Vec::new();
        for node in project.list("targets") {
            let Some(id) = node.as_text() else { continue };
            match self.objects.get(id) {
                Some(object) => found.push(TargetObject { id, object }),
                None => self.dangling(node, "target", id, None, Severity::Block),
            }
        }
        found
    }

    fn target(
        &mut self,
        target: &TargetObject<'d>,
        known: &KnownTargets<'d>,
        attributes: Option<&'d Map<'d>>,
    ) -> Target {
        let map = target.object.map;
        let name = map.text("name").unwrap_or(target.id);
        let class = match target.object.isa {
            "PBXNativeTarget" => TargetClass::Native,
            "PBXAggregateTarget" => TargetClass::Aggregate,
            "PBXLegacyTarget" => TargetClass::Legacy,
            _ => TargetClass::Other,
        };
        Target {
            id: target.id.into(),
            name: name.into(),
            line: self.document.line(target.object.at),
            class,
            product_type: map.text("productType").map(Into::into),
            product_id: map.text("productReference").map(Into::into),
            configurations: self.configurations(map, Some(name)),
            dependencies: self.dependencies(map, name, known),
            embeds: self.embeds(map, known),
            attributes: attributes
                .and_then(|all| all.map(target.id))
                .map(|map| self.attributes(map, known))
                .unwrap_or_default(),
        }
    }

    fn attributes(&self, map: &Map<'d>, known: &KnownTargets<'d>) -> Attributes {
        let with_line = |key: &str| {
            let entry = map.entry(key)?;
            Some((
                Box::from(entry.value.as_text()?),
                self.document.line(entry.at),
            ))
        };
        Attributes {
            provisioning_style: with_line("ProvisioningStyle"),
            development_team: with_line("DevelopmentTeam"),
            test_target: map.text("TestTargetID").and_then(|id| known.by_id(id)),
        }
    }

    fn configurations(&mut self, owner: &'d Map<'d>, target: Option<&str>) -> Configurations {
        let Some(node) = owner.get("buildConfigurationList") else {
            return Configurations::default();
        };
        let id = node.as_text().unwrap_or_default();
        let Some(list) = self.objects.get(id) else {
            self.dangling(node, "configuration list", id, target, Severity::Block);
            return Configurations::default();
        };
        let mut configurations = Vec::new();
        for node in list.map.list("buildConfigurations") {
            let Some(id) = node.as_text() else { continue };
            match self.objects.get(id) {
                Some(object) => configurations.push(self.configuration(id, object, target)),
                None => self.dangling(node, "configuration", id, target, Severity::Block),
            }
        }
        Configurations {
            list: configurations,
            default_name: list.map.text("defaultConfigurationName").map(Into::into),
        }
    }

    fn configuration(
        &mut self,
        id: &str,
        object: Object<'d>,
        target: Option<&str>,
    ) -> Configuration {
        Configuration {
            name: object.map.text("name").unwrap_or(id).into(),
            line: self.document.line(object.at),
            base: self.base(object.map, target),
            settings: Arc::new(self.settings(object.map)),
        }
    }

    /// The `.xcconfig` that a configuration is based on.
    fn base(
        &mut self,
        configuration: &'d Map<'d>,
        target: Option<&str>,
    ) -> Option<(PathBuf, Option<u64>)> {
        let below_folder = configuration.text("baseConfigurationReferenceRelativePath");
        let key = match below_folder {
            Some(_) => "baseConfigurationReferenceAnchor",
            None => "baseConfigurationReference",
        };
        let entry = configuration.entry(key)?;
        let id = entry.value.as_text().unwrap_or_default();
        let path = self.paths.of(id).map(|path| match below_folder {
            Some(relative) => normalized(&path.join(relative)),
            None => path,
        });
        if path.is_none() {
            self.dangling(
                &entry.value,
                "base configuration file",
                id,
                target,
                Severity::Block,
            );
        }
        Some((path?, self.document.line(entry.at)))
    }

    fn settings(&self, configuration: &Map<'d>) -> Table {
        let Some(settings) = configuration.map("buildSettings") else {
            return Table::default();
        };
        let keyed = settings.entries.iter().filter_map(|entry| {
            let value: Box<str> = match &entry.value.kind {
                Kind::Text(text) => text.as_ref().into(),
                Kind::List(nodes) => list_value(nodes).into(),
                Kind::Data(_) | Kind::Map(_) => return None,
            };
            let assignment = Assignment {
                file: Some(Arc::clone(self.file)),
                line: self.document.line(entry.at),
                ..Assignment::with_key(&entry.key, value)
            };
            Some((entry.key.as_ref(), assignment))
        });
        Table::of_dictionary(keyed.collect())
    }

    fn dependencies(
        &mut self,
        target: &'d Map<'d>,
        name: &str,
        known: &KnownTargets<'d>,
    ) -> Vec<TargetLink> {
        let mut links = Vec::new();
        for node in target.list("dependencies") {
            let id = node.as_text().unwrap_or_default();
            let Some(dependency) = self.objects.get(id) else {
                self.dangling(node, "dependency", id, Some(name), Severity::Warn);
                continue;
            };
            let direct = dependency
                .map
                .text("target")
                .and_then(|id| known.by_id(id))
                .map(TargetLink::Local);
            let through_proxy = || {
                let proxy = dependency.map.text("targetProxy")?;
                self.through_proxy(proxy, |id| known.by_id(id))
            };
            // A dependency on a package product has neither and is nobody's target.
            links.extend(direct.or_else(through_proxy));
        }
        links
    }

    fn embeds(&self, target: &'d Map<'d>, known: &KnownTargets<'d>) -> Vec<Embed> {
        let mut embeds = Vec::new();
        let phases = target
            .list("buildPhases")
            .iter()
            .filter_map(|node| self.objects.get(node.as_text()?))
            // Resources too: that is how a WatchKit 1 extension carries its app.
            .filter(|phase| {
                matches!(
                    phase.isa,
                    "PBXCopyFilesBuildPhase" | "PBXResourcesBuildPhase"
                )
            });
        for phase in phases {
            for node in phase.map.list("files") {
                if let Some(product) = self.product(node, known) {
                    embeds.push(Embed {
                        product,
                        phase: phase.map.text("name").map(Into::into),
                        line: self.document.line(node.at),
                    });
                }
            }
        }
        embeds
    }

    /// The target whose product a build file copies, if it copies one.
    fn product(&self, node: &Node<'d>, known: &KnownTargets<'d>) -> Option<TargetLink> {
        let build_file = self.objects.get(node.as_text()?)?;
        let id = build_file.map.text("fileRef")?;
        if let Some(index) = known.by_product(id) {
            return Some(TargetLink::Local(index));
        }
        let proxy = self
            .objects
            .get(id)
            .filter(|object| object.isa == "PBXReferenceProxy")?
            .map
            .text("remoteRef")?;
        self.through_proxy(proxy, |id| known.by_product(id))
    }

    /// What a `PBXContainerItemProxy` stands for: something of this project, or of another one.
    fn through_proxy(
        &self,
        id: &str,
        local: impl Fn(&str) -> Option<TargetIndex>,
    ) -> Option<TargetLink> {
        let proxy = self.objects.get(id)?.map;
        let remote = proxy.text("remoteGlobalIDString")?;
        let portal = proxy.text("containerPortal")?;
        let foreign = self
            .objects
            .get(portal)
            .is_none_or(|object| object.isa != "PBXProject");
        match local(remote) {
            Some(index) if !foreign => Some(TargetLink::Local(index)),
            _ => Some(TargetLink::Foreign {
                project: foreign.then(|| self.paths.of(portal)).flatten(),
                id: remote.into(),
                name: proxy.text("remoteInfo").map(Into::into),
            }),
        }
    }

    fn dangling(
        &mut self,
        node: &Node<'_>,
        what: &str,
        id: &str,
        target: Option<&str>,
        severity: Severity,
    ) {
        let whose = match target {
            Some(target) => format!("target {target}"),
            None => "the project".to_owned(),
        };
        let message = format!("A {what} of {whose} leads nowhere");
        let mut finding = match severity {
            Severity::Block => Finding::block(Code::ProjectInconsistent, message),
            Severity::Warn => Finding::warn(Code::ProjectInconsistent, message),
        }
        .found(id)
        .hint("Open the project in Xcode and set it again, or take the object from the revision before the merge")
        .in_file(self.file);
        finding.place.line = self.document.line(node.at);
        finding.place.target = target.map(str::to_owned);
        self.findings.push(finding);
    }
}

/// How much a dangling reference costs.
enum Severity {
    /// Settings are missing.
    Block,
    /// Only an order of building is.
    Warn,
}

/// The targets of the project by their ids and by their products'.
struct KnownTargets<'d> {
    by_id: std::collections::HashMap<&'d str, TargetIndex>,
    by_product: std::collections::HashMap<&'d str, TargetIndex>,
}

impl<'d> KnownTargets<'d> {
    fn new(targets: &[TargetObject<'d>]) -> Self {
        let indexed = || {
            targets
                .iter()
                .enumerate()
                .map(|(at, target)| (TargetIndex(at), target))
        };
        Self {
            by_id: indexed()
                .map(|(index, target)| (target.id, index))
                .collect(),
            by_product: indexed()
                .filter_map(|(index, target)| {
                    Some((target.object.map.text("productReference")?, index))
                })
                .collect(),
        }
    }

    fn by_id(&self, id: &str) -> Option<TargetIndex> {
        self.by_id.get(id).copied()
    }

    fn by_product(&self, id: &str) -> Option<TargetIndex> {
        self.by_product.get(id).copied()
    }
}

/// A list of a project file as the string that Xcode makes of it: elements with blanks between, their own blanks,
/// quotes and backslashes escaped.
fn list_value(nodes: &[Node<'_>]) -> String {
    let mut out = String::new();
    for text in nodes.iter().filter_map(Node::as_text) {
        if !out.is_empty() {
            out.push(' ');
        }
        if text.is_empty() {
            out.push_str("\"\"");
        }
        for character in text.chars() {
            if matches!(character, ' ' | '\t' | '\r' | '\n' | '\\' | '"' | '\'') {
                out.push('\\');
            }
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests;
