//! What an archive holds: which targets of the projects are built for it, and in which product each ends.
//!
//! A project holds more than one product: example applications, test bundles, tools. `xcodebuild archive` builds what its
//! scheme names, what that depends on, what it links with and what it embeds, across the projects of a workspace; the rest
//! has no part in it, and what is wrong there keeps nobody from archiving.
//!
//! Where no scheme is named, the schemes are asked. If all that archive an application archive the same one, that is what is
//! meant. Else everything that can be archived is, each as a product of its own.
//!
//! A product is what nothing else holds, with all that it holds. What is part of two products belongs to both.

mod graph;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::graph::{Graph, Node};
use super::product_type::ProductKind;
use super::project::{Project, TargetIndex};
use super::scheme::{DEFAULT_CONFIGURATION, Entry, Scheme};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;

/// A scheme, and the project or workspace that holds it.
#[derive(Debug, Clone)]
pub struct HeldScheme {
    /// The `.xcodeproj` or `.xcworkspace`.
    pub holder: PathBuf,
    /// What it says.
    pub scheme: Scheme,
}

/// The scheme that says what is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenScheme {
    /// Its name.
    pub name: Box<str>,
    /// Its file; none if Xcode makes the scheme itself.
    pub file: Option<PathBuf>,
    /// The configuration that it archives, if it says so.
    pub configuration: Option<Box<str>>,
    /// Somebody named it; else it is the only one that could be meant, or the one that a manifest was frozen for.
    pub is_named: bool,
}

/// A product that is archived: a target that no other one holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedProduct {
    /// Its `.xcodeproj`.
    pub project: Arc<Path>,
    /// Its target.
    pub target: Box<str>,
    /// The target's place in the project.
    pub index: TargetIndex,
}

/// The products that a target is part of, by their positions in [`Archive::products`]; none: no archive holds it.
pub type PartOf = Arc<[u32]>;

/// What is archived.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// The scheme that says so; none if nothing tells which is meant.
    pub scheme: Option<ChosenScheme>,
    /// The products, in the order of their projects and targets.
    pub products: Vec<ArchivedProduct>,
    /// What is not right with the scheme, and with what it archives.
    pub findings: Vec<Finding>,
    /// Those of the absent projects that the archive holds something of.
    pub lacking: BTreeSet<PathBuf>,
    parts: HashMap<Node, PartOf>,
}

/// No scheme has the name, and no target either, for which Xcode would make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchScheme {
    /// The name.
    pub name: String,
    /// The schemes that there are.
    pub known: Vec<String>,
}

impl Archive {
    /// What the scheme called `name` archives; without a name, what the schemes leave no doubt of, or else everything that
    /// can be archived. The first `named` projects are those that somebody or a workspace names: of the others, to which these
    /// refer, only what these need is archived. `absent` are projects that are named or referred to, and that are not there.
    ///
    /// # Errors
    /// There is no such scheme.
    pub fn of(
        projects: &[&Project],
        named: usize,
        schemes: &[HeldScheme],
        name: Option<&str>,
        absent: &BTreeSet<PathBuf>,
    ) -> Result<Self, NoSuchScheme> {
        let graph = Graph::new(projects);
        let mut archive = match name {
            Some(name) => Self::named(&graph, schemes, name, absent)?,
            None => Self::meant(&graph, named, schemes, absent),
        };
        let parts = &archive.parts;
        let cycle = graph.cycle(|node| parts.contains_key(&node));
        archive.findings.extend(cycle);
        let embedded = absent
            .iter()
            .filter(|path| graph.embeds_of(archive.parts.keys().copied(), path));
        archive.lacking.extend(embedded.cloned());
        Ok(archive)
    }

    /// The products that a target of the project at `position` is part of.
    pub fn part_of(&self, position: usize, target: TargetIndex) -> PartOf {
        let node = Node {
            project: position,
            target,
        };
        self.parts.get(&node).cloned().unwrap_or_default()
    }

    fn named(
        graph: &Graph<'_>,
        schemes: &[HeldScheme],
        name: &str,
        absent: &BTreeSet<PathBuf>,
    ) -> Result<Self, NoSuchScheme> {
        let called: Vec<&HeldScheme> = schemes
            .iter()
            .filter(|held| &*held.scheme.name == name)
            .collect();
        if called.is_empty() {
            return Self::made_by_xcode(graph, name).ok_or_else(|| {
                let known: BTreeSet<&str> = schemes.iter().map(|held| &*held.scheme.name).collect();
                NoSuchScheme {
                    name: name.to_owned(),
                    known: known.into_iter().map(str::to_owned).collect(),
                }
            });
        }
        Ok(Self::of_schemes(graph, &called, true, absent))
    }

    /// Without a file of its name, Xcode makes a scheme for each target that can be run or archived.
    fn made_by_xcode(graph: &Graph<'_>, name: &str) -> Option<Self> {
        let node = graph.nodes().find(|node| {
            graph.is_archivable(*node)
                && graph
                    .target(*node)
                    .is_some_and(|target| &*target.name == name)
        })?;
        let scheme = ChosenScheme {
            name: name.into(),
            file: None,
            configuration: Some(DEFAULT_CONFIGURATION.into()),
            is_named: true,
        };
        let held = graph.closure([node], true);
        Some(Self::assembled(graph, held, Some(scheme), Vec::new()))
    }

    /// What is archived where nobody names a scheme.
    fn meant(
        graph: &Graph<'_>,
        named: usize,
        schemes: &[HeldScheme],
        absent: &BTreeSet<PathBuf>,
    ) -> Self {
        let mut by_application: BTreeMap<Node, Vec<&HeldScheme>> = BTreeMap::new();
        for held in schemes {
            for application in applications(graph, held) {
                by_application.entry(application).or_default().push(held);
            }
        }
        let mut applications = by_application.into_iter();
        if let (Some((node, of_it)), None) = (applications.next(), applications.next()) {
            let title = graph.target(node).map(|target| &*target.name);
            return Self::of_schemes(graph, &representative(&of_it, title), false, absent);
        }
        let all = graph
            .nodes()
            .filter(|node| node.project < named && graph.is_archivable(*node));
        let held = graph.closure(all, true);
        let mut archive = Self::assembled(graph, held, None, Vec::new());
        archive.adopt_orphans(graph);
        archive
    }

    fn of_schemes(
        graph: &Graph<'_>,
        schemes: &[&HeldScheme],
        is_named: bool,
        absent: &BTreeSet<PathBuf>,
    ) -> Self {
        let mut findings = Vec::new();
        let mut lacking = BTreeSet::new();
        let mut held = BTreeSet::new();
        for one in schemes {
            let mut starts = Vec::new();
            for entry in &one.scheme.entries {
                match found(graph, entry, &one.holder) {
                    Found::Target(node) => starts.push(node),
                    Found::InPackage => {}
                    Found::Nothing(project) if absent.contains(&project) => {
                        lacking.insert(project);
                    }
                    Found::Nothing(project) => {
                        findings.push(missing(&one.scheme, entry, &project, graph));
                    }
                }
            }
            held.extend(graph.closure(starts, one.scheme.finds_implicit_dependencies));
        }
        let configurations: BTreeSet<Option<&str>> = schemes
            .iter()
            .map(|one| one.scheme.configuration.as_deref())
            .collect();
        let mut configurations = configurations.into_iter();
        let configuration = match (configurations.next(), configurations.next()) {
            (Some(only), None) => only.map(Into::into),
            _ => None,
        };
        let chosen = schemes.first().map(|first| ChosenScheme {
            name: first.scheme.name.clone(),
            file: first.scheme.file.clone(),
            configuration,
            is_named,
        });
        Self {
            lacking,
            ..Self::assembled(graph, held, chosen, findings)
        }
    }

    fn assembled(
        graph: &Graph<'_>,
        held: BTreeSet<Node>,
        scheme: Option<ChosenScheme>,
        findings: Vec<Finding>,
    ) -> Self {
        let (roots, parts) = graph.products(&held);
        let products = roots.into_iter().filter_map(|node| {
            let target = graph.target(node)?;
            Some(ArchivedProduct {
                project: Arc::clone(&graph.project(node)?.bundle),
                target: target.name.clone(),
                index: node.target,
            })
        });
        Self {
            scheme,
            products: products.collect(),
            findings,
            lacking: BTreeSet::new(),
            parts,
        }
    }

    /// Extensions that nothing embeds, in a project with one application, are that application's: scripts embed them.
    fn adopt_orphans(&mut self, graph: &Graph<'_>) {
        let numbered = || self.products.iter().zip(0_u32..);
        let kind = |product: &ArchivedProduct| {
            graph
                .find(&product.project, product.index)
                .map(|node| (node, graph.kind(node)))
        };
        let mut application: HashMap<&Path, Option<u32>> = HashMap::new();
        for (product, at) in numbered() {
            if let Some((_, ProductKind::Application)) = kind(product) {
                application
                    .entry(&product.project)
                    .and_modify(|known| *known = None)
                    .or_insert(Some(at));
            }
        }
        let mut adopted: HashMap<u32, u32> = HashMap::new();
        for (product, at) in numbered() {
            if let Some((_, kind)) = kind(product)
                && kind.is_carried_by_applications()
                && let Some(Some(host)) = application.get(&*product.project)
            {
                adopted.insert(at, *host);
            }
        }
        if adopted.is_empty() {
            return;
        }
        for part in self.parts.values_mut() {
            let of: BTreeSet<u32> = part
                .iter()
                .map(|at| adopted.get(at).copied().unwrap_or(*at))
                .collect();
            *part = of.into_iter().collect();
        }
    }
}

/// The applications that a scheme archives and that no other product holds.
fn applications(graph: &Graph<'_>, held: &HeldScheme) -> BTreeSet<Node> {
    let entries = held.scheme.entries.iter();
    let starts: Vec<Node> = entries
        .filter_map(|entry| match found(graph, entry, &held.holder) {
            Found::Target(node) => Some(node),
            Found::InPackage | Found::Nothing(_) => None,
        })
        .collect();
    let closure = graph.closure(starts, held.scheme.finds_implicit_dependencies);
    graph
        .roots(&closure)
        .into_iter()
        .filter(|node| graph.kind(*node) == ProductKind::Application && !graph.is_embedded(*node))
        .collect()
}

/// The scheme among those that archive one application that stands for them: the only one, or the one that has the
/// application's name; else all of them.
fn representative<'s>(
    schemes: &[&'s HeldScheme],
    application: Option<&str>,
) -> Vec<&'s HeldScheme> {
    let same_name = schemes
        .iter()
        .find(|held| Some(&*held.scheme.name) == application);
    match same_name {
        Some(one) => vec![*one],
        None => schemes.to_vec(),
    }
}

/// What an entry of a scheme names.
enum Found {
    Target(Node),
    /// A product of a package, which has no project and is signed with no profile.
    InPackage,
    /// Nothing in the project that should have it.
    Nothing(PathBuf),
}

/// A target is told by its id; a project that was generated anew has other ids, so then by its name.
fn found(graph: &Graph<'_>, entry: &Entry, holder: &Path) -> Found {
    let Some(project) = entry.project(holder) else {
        return Found::InPackage;
    };
    let node = graph
        .with_id(&project, &entry.id)
        .or_else(|| graph.with_name(&project, &entry.target));
    node.map_or(Found::Nothing(project), Found::Target)
}

fn missing(scheme: &Scheme, entry: &Entry, project: &Path, graph: &Graph<'_>) -> Finding {
    let name = project.file_name().unwrap_or_default().to_string_lossy();
    let is_read = graph.has(project);
    let message = match is_read {
        true => format!(
            "scheme {} archives target {}, which {name} does not have",
            scheme.name, entry.target
        ),
        false => format!(
            "scheme {} archives target {} of {name}, which was not looked at",
            scheme.name, entry.target
        ),
    };
    let finding = Finding::block(Code::SchemeTargetMissing, message)
        .values(
            format!("target {} ({})", entry.target, entry.id),
            &entry.container,
        )
        .at_line(entry.line);
    let finding = match &scheme.file {
        Some(file) => finding.in_file(file),
        None => finding,
    };
    match is_read {
        true => finding
            .hint("remove the target from the scheme's Build list in Xcode, or restore the target"),
        false => finding
            .hint("add the project to the workspace, or name the workspace that has it")
            .remedy(Remedy::NameProject),
    }
}

#[cfg(test)]
mod tests;
