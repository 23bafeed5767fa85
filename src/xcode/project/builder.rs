//! From the objects of a project file to its parts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::objects::{Object, Objects};
use super::paths::Paths;
use super::{
    Attributes, Configuration, Configurations, Embed, Target, TargetClass, TargetIndex, TargetLink,
};
use crate::base::finding::{Code, Finding};
use crate::xcode::assignment::{Assignment, Table};
use crate::xcode::openstep::{Document, Kind, Map, Node};
use crate::xcode::sources::normalized;

/// The parts of a project that are built from its objects.
pub(super) struct Parts {
    pub(super) configurations: Configurations,
    pub(super) targets: Vec<Target>,
    pub(super) subprojects: Vec<PathBuf>,
}

/// Walks the objects; owns what is complained about on the way.
pub(super) struct Builder<'d> {
    document: &'d Document<'d>,
    objects: &'d Objects<'d>,
    paths: Paths<'d>,
    file: &'d Arc<Path>,
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
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            document,
            objects,
            paths,
            file,
            findings,
        }
    }

    pub(super) fn build(mut self, project: &'d Map<'d>) -> (Parts, Vec<Finding>) {
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
