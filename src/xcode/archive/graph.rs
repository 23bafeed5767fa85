//! The targets of all projects, and which of them need which.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::PartOf;
use crate::base::finding::{Code, Finding};
use crate::xcode::product_type::ProductKind;
use crate::xcode::project::{Project, Target, TargetClass, TargetIndex, TargetLink};
use crate::xcode::sources::normalized;

/// How many steps are taken to tell apart what belongs to which product. Beyond, all of it is one product, and what is
/// wrong with one part counts for all.
const MAX_STEPS: usize = 1_000_000;

/// How many targets of a circle a finding names.
const NAMED: usize = 8;

/// A target: the positions of its project and of itself there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    pub(super) project: usize,
    pub(super) target: TargetIndex,
}

/// All targets by what others call them.
pub(super) struct Graph<'p> {
    projects: &'p [&'p Project],
    by_path: HashMap<PathBuf, usize>,
    /// By the id of the target or of its product, and by the target's name.
    by_id: HashMap<(usize, &'p str), Node>,
    by_name: HashMap<(usize, &'p str), Node>,
    /// By the file name of its product; the first of the workspace.
    by_file: HashMap<&'p str, Node>,
    embedded: HashSet<Node>,
}

impl<'p> Graph<'p> {
    pub(super) fn new(projects: &'p [&'p Project]) -> Self {
        let mut graph = Self {
            projects,
            by_path: HashMap::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            by_file: HashMap::new(),
            embedded: HashSet::new(),
        };
        for (at, project) in projects.iter().enumerate() {
            let path = normalized(&project.bundle);
            graph.by_path.entry(path).or_insert(at);
        }
        for node in graph.nodes() {
            let Some(target) = graph.target(node) else {
                continue;
            };
            let at = node.project;
            graph.by_id.entry((at, &target.id)).or_insert(node);
            graph.by_name.entry((at, &target.name)).or_insert(node);
            if let Some(product) = &target.product_id {
                graph.by_id.entry((at, product)).or_insert(node);
            }
            if let Some(file) = &target.product_file {
                graph.by_file.entry(file).or_insert(node);
            }
        }
        let mut embedded = HashSet::new();
        for node in graph.nodes() {
            for embed in graph
                .target(node)
                .map(|it| it.embeds.as_slice())
                .unwrap_or_default()
            {
                let inner = graph.linked(node, &embed.product, true);
                embedded.extend(inner.filter(|inner| *inner != node));
            }
        }
        graph.embedded = embedded;
        graph
    }

    /// Every target of every project, in order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + use<'p> {
        self.projects.iter().enumerate().flat_map(|(project, it)| {
            (0..it.targets.len()).map(move |target| Node {
                project,
                target: TargetIndex(target),
            })
        })
    }

    pub(super) fn project(&self, node: Node) -> Option<&'p Project> {
        self.projects.get(node.project).copied()
    }

    pub(super) fn target(&self, node: Node) -> Option<&'p Target> {
        self.projects.get(node.project)?.target(node.target)
    }

    pub(super) fn has(&self, project: &Path) -> bool {
        self.by_path.contains_key(project)
    }

    pub(super) fn find(&self, project: &Path, target: TargetIndex) -> Option<Node> {
        let project = *self.by_path.get(&normalized(project))?;
        Some(Node { project, target })
    }

    pub(super) fn with_id(&self, project: &Path, id: &str) -> Option<Node> {
        let project = *self.by_path.get(project)?;
        self.by_id.get(&(project, id)).copied()
    }

    pub(super) fn with_name(&self, project: &Path, name: &str) -> Option<Node> {
        let project = *self.by_path.get(project)?;
        self.by_name.get(&(project, name)).copied()
    }

    pub(super) fn kind(&self, node: Node) -> ProductKind {
        let product_type = self.target(node).and_then(|it| it.product_type.as_deref());
        product_type.map_or(ProductKind::Other, ProductKind::of)
    }

    /// Whether something is built of the target that an archive can hold: tests are built for testing alone.
    pub(super) fn is_archivable(&self, node: Node) -> bool {
        let is_native = self
            .target(node)
            .is_some_and(|target| target.class == TargetClass::Native);
        is_native && !self.kind(node).is_test()
    }

    /// Whether another target's product holds its product.
    pub(super) fn is_embedded(&self, node: Node) -> bool {
        self.embedded.contains(&node)
    }

    /// The target that `from` refers to; by the name of a product only if `implicit` dependencies are found.
    fn linked(&self, from: Node, link: &TargetLink, implicit: bool) -> Option<Node> {
        match link {
            TargetLink::Local(target) => Some(Node {
                target: *target,
                ..from
            }),
            TargetLink::Foreign {
                project: Some(path),
                id,
                ..
            } => self.with_id(&normalized(path), id),
            TargetLink::Foreign { project: None, .. } => None,
            TargetLink::Named(file) => match implicit {
                true => self.by_file.get(&**file).copied(),
                false => None,
            },
        }
    }

    /// What a target needs: what it depends on and embeds, and what it links with if that is found `implicit`ly.
    fn needs(&self, node: Node, implicit: bool) -> impl Iterator<Item = Node> + '_ {
        let target = self.target(node);
        let declared = target.into_iter().flat_map(|target| {
            let embedded = target.embeds.iter().map(|embed| &embed.product);
            target.dependencies.iter().chain(embedded)
        });
        let linked = target
            .filter(|_| implicit)
            .map(|target| target.links.as_slice())
            .unwrap_or_default();
        declared
            .chain(linked)
            .filter_map(move |link| self.linked(node, link, implicit))
            .filter(move |needed| *needed != node)
    }

    /// These targets and all that they need.
    pub(super) fn closure(
        &self,
        starts: impl IntoIterator<Item = Node>,
        implicit: bool,
    ) -> BTreeSet<Node> {
        let mut held = BTreeSet::new();
        self.close(&mut held, starts, implicit);
        held
    }

    /// Adds these targets to `held`, and all that they need and that is not in it yet.
    fn close(
        &self,
        held: &mut BTreeSet<Node>,
        starts: impl IntoIterator<Item = Node>,
        implicit: bool,
    ) {
        let starts = starts.into_iter().filter(|start| held.insert(*start));
        let mut reached: VecDeque<Node> = starts.collect();
        while let Some(node) = reached.pop_front() {
            for needed in self.needs(node, implicit) {
                if held.insert(needed) {
                    reached.push_back(needed);
                }
            }
        }
    }

    /// Those of `held` that none of the others needs; of targets that need each other in a circle the first.
    pub(super) fn roots(&self, held: &BTreeSet<Node>) -> Vec<Node> {
        let mut needed = HashSet::new();
        for node in held {
            needed.extend(self.needs(*node, true));
        }
        let mut roots: Vec<Node> = held
            .iter()
            .copied()
            .filter(|node| !needed.contains(node))
            .collect();
        let mut reached = self.closure(roots.iter().copied(), true);
        for node in held {
            if !reached.contains(node) {
                roots.push(*node);
                self.close(&mut reached, [*node], true);
            }
        }
        roots.sort();
        roots
    }

    /// The products that `held` consists of, and which of them each target is part of.
    pub(super) fn products(&self, held: &BTreeSet<Node>) -> (Vec<Node>, HashMap<Node, PartOf>) {
        let roots = self.roots(held);
        let mut parts: HashMap<Node, Vec<u32>> = HashMap::new();
        let mut steps = 0;
        for (root, at) in roots.iter().zip(0_u32..) {
            for node in self.closure([*root], true) {
                if held.contains(&node) {
                    parts.entry(node).or_default().push(at);
                    steps += 1;
                }
            }
            if steps > MAX_STEPS {
                let all = held.iter().map(|node| (*node, PartOf::from([0])));
                return (roots, all.collect());
            }
        }
        let parts = parts.into_iter().map(|(node, of)| (node, of.into()));
        (roots, parts.collect())
    }

    /// Whether one of these targets embeds a product of the project at `path`, which is not among those here.
    pub(super) fn embeds_of(&self, held: impl IntoIterator<Item = Node>, path: &Path) -> bool {
        let targets = held.into_iter().filter_map(|node| self.target(node));
        targets.flat_map(|target| &target.embeds).any(|embed| {
            matches!(
                &embed.product,
                TargetLink::Foreign { project: Some(of), .. } if normalized(of) == path
            )
        })
    }

    /// The finding that targets need each other in a circle, if some do that are `held`: Xcode builds none of them.
    pub(super) fn cycle(&self, held: impl Fn(Node) -> bool) -> Option<Finding> {
        // What needs nothing that is left is taken away, again and again; a circle stays.
        let mut needs: HashMap<Node, usize> = HashMap::new();
        let mut needed_by: HashMap<Node, Vec<Node>> = HashMap::new();
        let mut free = Vec::new();
        for node in self.nodes().filter(|node| held(*node)) {
            let all: BTreeSet<Node> = self.needs(node, false).filter(|it| held(*it)).collect();
            if all.is_empty() {
                free.push(node);
            }
            needs.insert(node, all.len());
            for needed in all {
                needed_by.entry(needed).or_default().push(node);
            }
        }
        while let Some(node) = free.pop() {
            needs.remove(&node);
            for other in needed_by.get(&node).into_iter().flatten() {
                if let Some(count) = needs.get_mut(other) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(*other);
                    }
                }
            }
        }
        let first = needs.keys().copied().min()?;
        // From any of them, the next that is left leads into the circle.
        let mut way = vec![first];
        let mut seen: HashMap<Node, usize> = HashMap::from([(first, 0)]);
        let circle = loop {
            let here = *way.last()?;
            let next = self
                .needs(here, false)
                .filter(|it| needs.contains_key(it))
                .min()?;
            if let Some(at) = seen.get(&next) {
                break way.get(*at..)?;
            }
            seen.insert(next, way.len());
            way.push(next);
        };
        let names: Vec<&str> = circle
            .iter()
            .filter_map(|node| Some(&*self.target(*node)?.name))
            .collect();
        let shown = names.get(..names.len().min(NAMED))?.join(", ");
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let at = *circle.first()?;
        let (target, project) = (self.target(at)?, self.project(at)?);
        let mut finding = Finding::block(
            Code::ProjectInconsistent,
            format!("targets depend on each other in a circle: {shown}{more}"),
        )
        .hint("remove one of these dependencies, because Xcode builds none of these targets")
        .in_file(&project.file)
        .of_target(&target.name);
        finding.place.line = target.line;
        Some(finding)
    }
}
