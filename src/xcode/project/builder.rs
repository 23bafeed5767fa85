//! From the objects of a project file to its parts.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::model::{
    Attributes, Configuration, Configurations, Embed, Target, TargetClass, TargetIndex, TargetLink,
};
use super::objects::{Object, Objects};
use super::paths::{self, Paths};
use crate::base::finding::{Code, Finding, Severity};
use crate::xcode::assignment::{Assignment, Table};
use crate::xcode::openstep::{Document, Entry, Kind, Map, Node};
use crate::xcode::shortened::shortened;
use crate::xcode::sources::normalized;

/// The parts of a project that are built from its objects.
pub(super) struct Parts {
    pub(super) configurations: Configurations,
    pub(super) targets: Vec<Target>,
    pub(super) subprojects: Vec<Arc<Path>>,
}

/// Walks the objects; owns what is complained about on the way.
pub(super) struct Builder<'d> {
    document: &'d Document<'d>,
    objects: &'d Objects<'d>,
    paths: Paths<'d>,
    file: &'d Arc<Path>,
    /// How often each object was taken as part of another one.
    owners: HashMap<&'d str, u32>,
    findings: Vec<Finding>,
}

/// A target's object, and the index it will have.
struct TargetObject<'d> {
    id: &'d str,
    object: Object<'d>,
}

impl<'d> Builder<'d> {
    pub(super) fn new(
        document: &'d Document<'d>,
        objects: &'d Objects<'d>,
        paths: Paths<'d>,
        file: &'d Arc<Path>,
    ) -> Self {
        Self {
            document,
            objects,
            paths,
            file,
            owners: HashMap::new(),
            findings: Vec::new(),
        }
    }

    /// The parts of `project`; `repeated` are the objects whose id occurs before them.
    pub(super) fn build(
        mut self,
        project: &'d Map<'d>,
        repeated: &[&Entry<'_>],
    ) -> (Parts, Vec<Finding>) {
        for again in repeated {
            let finding = Finding::warn(
                Code::ProjectInconsistent,
                "an object occurs twice in the project; Xcode reads the second one",
            )
            .hint("remove one of the two; a merge probably kept both");
            self.complain(finding, again.at, &again.key, None);
        }
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
            if let Some(object) = self.part(node, "target", id, None, Severity::Block) {
                found.push(TargetObject { id, object });
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
        let name = cut(map.text("name").unwrap_or(target.id));
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
            product_type: map.text("productType").map(|text| cut(text).into()),
            product_id: map.text("productReference").map(Into::into),
            product_file: map
                .text("productReference")
                .and_then(|id| self.built_product(id)),
            configurations: self.configurations(map, Some(name)),
            dependencies: self.dependencies(map, name, known),
            embeds: self.embeds(map, name, known),
            links: self.links(map, name, known),
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
        let Some(list) = self.part(node, "configuration list", id, target, Severity::Block) else {
            return Configurations::default();
        };
        let mut configurations = Vec::new();
        for node in list.map.list("buildConfigurations") {
            let Some(id) = node.as_text() else { continue };
            if let Some(object) = self.part(node, "configuration", id, target, Severity::Block) {
                configurations.push(self.configuration(id, object, target));
            }
        }
        let default_name = list.map.text("defaultConfigurationName").map(Into::into);
        Configurations::new(configurations, default_name)
    }

    fn configuration(
        &mut self,
        id: &str,
        object: Object<'d>,
        target: Option<&str>,
    ) -> Configuration {
        Configuration {
            name: cut(object.map.text("name").unwrap_or(id)).into(),
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
    ) -> Option<(Arc<Path>, Option<u64>)> {
        let below_folder = configuration.text("baseConfigurationReferenceRelativePath");
        let key = match below_folder {
            Some(_) => "baseConfigurationReferenceAnchor",
            None => "baseConfigurationReference",
        };
        let entry = configuration.entry(key)?;
        let id = entry.value.as_text().unwrap_or_default();
        let path = self.paths.of(id).and_then(|path| match below_folder {
            Some(relative) => paths::bounded(normalized(&path.join(relative))).map(Into::into),
            None => Some(path),
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
        let keyed = settings.entries().iter().filter_map(|entry| {
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
            let Some(dependency) = self.part(node, "dependency", id, Some(name), Severity::Warn)
            else {
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

    fn embeds(&mut self, target: &'d Map<'d>, name: &str, known: &KnownTargets<'d>) -> Vec<Embed> {
        let mut embeds = Vec::new();
        for node in target.list("buildPhases") {
            let id = node.as_text().unwrap_or_default();
            // Resources too: that is how a WatchKit 1 extension carries its app.
            let copies = self.objects.get(id).is_some_and(|phase| {
                matches!(
                    phase.isa,
                    "PBXCopyFilesBuildPhase" | "PBXResourcesBuildPhase"
                )
            });
            if !copies {
                continue;
            }
            let Some(phase) = self.part(node, "build phase", id, Some(name), Severity::Block)
            else {
                continue;
            };
            let phase_name: Option<Arc<str>> = phase.map.text("name").map(|text| cut(text).into());
            for node in phase.map.list("files") {
                let Some(product) = self.product(node, "copied product", name, known) else {
                    continue;
                };
                embeds.push(Embed {
                    product,
                    phase: phase_name.clone(),
                    is_copied: phase.isa == "PBXCopyFilesBuildPhase",
                    platform_filters: self.platform_filters(node),
                    line: self.document.line(node.at),
                });
            }
        }
        embeds
    }

    /// The platforms for which a file is part of its phase: `platformFilter`, or `platformFilters`.
    fn platform_filters(&self, node: &Node<'_>) -> Arc<[Box<str>]> {
        let build_file = node.as_text().and_then(|id| self.objects.get(id));
        let Some(build_file) = build_file else {
            return Arc::default();
        };
        let one = build_file.map.text("platformFilter");
        let many = build_file.map.list("platformFilters").iter();
        let many = many.filter_map(Node::as_text);
        let filters = one.into_iter().chain(many).take(MAX_FILTERS);
        filters.map(|filter| cut(filter).into()).collect()
    }

    /// The products that a target links with.
    fn links(
        &mut self,
        target: &'d Map<'d>,
        name: &str,
        known: &KnownTargets<'d>,
    ) -> Vec<TargetLink> {
        let mut links = Vec::new();
        for node in target.list("buildPhases") {
            let id = node.as_text().unwrap_or_default();
            let phase = self.objects.get(id);
            let phase = phase.filter(|phase| phase.isa == "PBXFrameworksBuildPhase");
            for file in phase
                .map(|phase| phase.map.list("files"))
                .unwrap_or_default()
            {
                links.extend(self.product(file, "linked product", name, known));
            }
        }
        links
    }

    /// The file name of a product that Xcode builds, if `id` refers to one.
    fn built_product(&self, id: &str) -> Option<Box<str>> {
        let reference = self.objects.get(id)?.map;
        if reference.text("sourceTree") != Some("BUILT_PRODUCTS_DIR") {
            return None;
        }
        let path = reference.text("path")?;
        Some(cut(path.rsplit('/').next().unwrap_or(path)).into())
    }

    /// The target whose product a build file copies or links, if it does.
    fn product(
        &mut self,
        node: &'d Node<'d>,
        what: &str,
        target: &str,
        known: &KnownTargets<'d>,
    ) -> Option<TargetLink> {
        let build_file_id = node.as_text()?;
        let id = self.objects.get(build_file_id)?.map.text("fileRef")?;
        let local = known.by_product(id).map(TargetLink::Local);
        let link = local.or_else(|| {
            let proxy = self
                .objects
                .get(id)
                .filter(|object| object.isa == "PBXReferenceProxy")?
                .map
                .text("remoteRef")?;
            self.through_proxy(proxy, |id| known.by_product(id))
        });
        let link = link.or_else(|| self.built_product(id).map(TargetLink::Named))?;
        self.part(node, what, build_file_id, Some(target), Severity::Block)?;
        Some(link)
    }

    /// What a `PBXContainerItemProxy` stands for: something of this project, or of another one.
    fn through_proxy(
        &self,
        id: &'d str,
        local: impl Fn(&str) -> Option<TargetIndex>,
    ) -> Option<TargetLink> {
        let proxy = self.objects.get(id)?.map;
        let remote = proxy
            .text("remoteGlobalIDString")
            .filter(|id| id.len() <= MAX_NAME)?;
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
                name: proxy.text("remoteInfo").map(|text| cut(text).into()),
            }),
        }
    }

    /// The object `id` as a part of another one. In a project that Xcode writes each part has one owner; an object that
    /// is a part of many is refused, because a file could say more with it than anybody can resolve.
    fn part(
        &mut self,
        node: &Node<'_>,
        what: &str,
        id: &'d str,
        target: Option<&str>,
        severity: Severity,
    ) -> Option<Object<'d>> {
        let Some(object) = self.objects.get(id) else {
            self.dangling(node, what, id, target, severity);
            return None;
        };
        let owners = self.owners.entry(id).or_default();
        *owners += 1;
        if *owners > MAX_OWNERS {
            let message = format!(
                "a {what} of {} is part of more than {MAX_OWNERS} others",
                title(target)
            );
            self.complain(
                Finding::block(Code::ProjectInconsistent, message)
                    .hint("give each of them an object of its own"),
                node.at,
                id,
                target,
            );
            return None;
        }
        Some(object)
    }

    fn dangling(
        &mut self,
        node: &Node<'_>,
        what: &str,
        id: &str,
        target: Option<&str>,
        severity: Severity,
    ) {
        let message = format!(
            "a {what} of {} refers to an object that the project does not hold",
            title(target)
        );
        self.complain(
            Finding::new(Code::ProjectInconsistent, severity, message).hint(
                "open the project in Xcode and set it again, or restore the object from the revision before the merge",
            ),
            node.at,
            id,
            target,
        );
    }

    /// Notes a finding; after [`MAX_FINDINGS`] a last one says that there are more, and blocks whatever they are.
    fn complain(&mut self, finding: Finding, at: u32, id: &str, target: Option<&str>) {
        let finding = match self.findings.len().cmp(&MAX_FINDINGS) {
            Ordering::Less => finding.found(cut(id)),
            Ordering::Equal => Finding::block(
                Code::ProjectInconsistent,
                "the project has more inconsistencies than are listed",
            )
            .expected(format!("fewer than {MAX_FINDINGS}"))
            .hint("restore the project file from a revision that Xcode opens"),
            Ordering::Greater => return,
        };
        let mut finding = finding.in_file(self.file);
        finding.place.line = self.document.line(at);
        finding.place.target = target.map(str::to_owned);
        self.findings.push(finding);
    }
}

fn title(target: Option<&str>) -> String {
    match target {
        Some(target) => format!("target {target}"),
        None => "the project".to_owned(),
    }
}

/// How many objects may have one object as their part: one, but for slips of tools that write projects.
const MAX_OWNERS: u32 = 16;

/// How many inconsistencies are listed.
const MAX_FINDINGS: usize = 1_000;

/// So many platform filters of one file are read; there are seven platforms.
const MAX_FILTERS: usize = 16;

/// The longest name or id that is kept, in bytes. Names of targets and configurations end at 255 characters, ids have 24
/// digits; and one long name that thousands of objects repeat would fill the memory.
const MAX_NAME: usize = 1024;

/// As much of a name as is kept. One that is too long for a name stays too long.
fn cut(name: &str) -> &str {
    shortened(name, MAX_NAME)
}

/// The targets of the project by their ids and by their products'.
struct KnownTargets<'d> {
    by_id: HashMap<&'d str, TargetIndex>,
    by_product: HashMap<&'d str, TargetIndex>,
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
