//! Which application carries a target's product.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::row::{Embedder, SigningTarget};
use crate::base::ids::TargetName;
use crate::xcode::product_type::ProductKind;
use crate::xcode::project::{Embed, Project, Target, TargetIndex, TargetLink};

/// What carries each target of one project: found in one walk over all that embed something.
pub(super) struct Carriers {
    /// For each target those whose products its own is copied into, in the project's order.
    embedders: Vec<Vec<Embedding>>,
    /// For each target the two nearest applications: a second one, because in a circle the nearest can be itself.
    applications: Vec<[Option<TargetIndex>; 2]>,
}

/// A target that copies the product of another one, and how.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Embedding {
    pub(super) outer: TargetIndex,
    pub(super) is_copied: bool,
    pub(super) platform_filters: Arc<[Box<str>]>,
}

impl Carriers {
    pub(super) fn of(project: &Project) -> Self {
        let count = project.targets.len();
        let mut carriers = Self {
            embedders: vec![Vec::new(); count],
            applications: vec![[None; 2]; count],
        };
        for (at, target) in project.targets.iter().enumerate() {
            let outer = TargetIndex(at);
            for (inner, embed) in embeds(target) {
                let embedding = Embedding {
                    outer,
                    is_copied: embed.is_copied,
                    platform_filters: Arc::clone(&embed.platform_filters),
                };
                if let Some(embedders) = carriers.embedders.get_mut(inner.0)
                    && embedders.last() != Some(&embedding)
                {
                    embedders.push(embedding);
                }
            }
        }
        // From the applications inwards, all at once, so that the nearest reaches a product first. What an application
        // carries belongs to that application alone.
        let mut reached: VecDeque<(TargetIndex, TargetIndex)> = (0..count)
            .map(TargetIndex)
            .filter(|index| project.target(*index).is_some_and(is_application))
            .map(|index| (index, index))
            .collect();
        while let Some((application, outer)) = reached.pop_front() {
            let Some(target) = project.target(outer) else {
                continue;
            };
            for inner in embedded(target) {
                if carriers.note(inner, application)
                    && !project.target(inner).is_some_and(is_application)
                {
                    reached.push_back((application, inner));
                }
            }
        }
        carriers
    }

    /// Notes that `application` carries `inner`; says whether that is news.
    fn note(&mut self, inner: TargetIndex, application: TargetIndex) -> bool {
        let Some(known) = self.applications.get_mut(inner.0) else {
            return false;
        };
        if known.contains(&Some(application)) {
            return false;
        }
        match known.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(application);
                true
            }
            None => false,
        }
    }

    /// The targets whose products `target`'s product is copied into, in the project's order.
    pub(super) fn embedders(&self, target: TargetIndex) -> &[Embedding] {
        self.embedders
            .get(target.0)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The nearest application that `target`'s product is copied into, directly or inside of other products; of two that
    /// are equally near the first of the project.
    pub(super) fn application(&self, target: TargetIndex) -> Option<TargetIndex> {
        let nearest = self.applications.get(target.0)?;
        nearest.iter().flatten().copied().find(|it| *it != target)
    }
}

/// What a target copies into its product of targets of its own project.
fn embeds(target: &Target) -> impl Iterator<Item = (TargetIndex, &Embed)> {
    let embeds = target.embeds.iter();
    embeds.filter_map(|embed| match embed.product {
        TargetLink::Local(index) => Some((index, embed)),
        TargetLink::Foreign { .. } | TargetLink::Named(_) => None,
    })
}

fn embedded(target: &Target) -> impl Iterator<Item = TargetIndex> {
    embeds(target).map(|(index, _)| index)
}

fn is_application(target: &Target) -> bool {
    target.product_type.as_deref().map(ProductKind::of) == Some(ProductKind::Application)
}

/// Tells rows of one project who carries them in another: an application that embeds the product of a subproject.
/// `projects` are all that `rows` come from; rows whose host is known already keep it.
pub(super) fn across(projects: &[Project], rows: &mut [SigningTarget]) {
    let mut by_bundle: HashMap<&Path, &Project> = HashMap::new();
    for project in projects {
        by_bundle.entry(&project.bundle).or_insert(project);
    }
    // The rows of each product: what another project refers to is the product's id in the project that makes it.
    let mut by_product: HashMap<(&Path, &str), Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let product = by_bundle.get(&*row.project).and_then(|project| {
            let id = project.target(row.index)?.product_id.as_deref()?;
            Some((&*project.bundle, id))
        });
        if let Some(product) = product {
            by_product.entry(product).or_default().push(at);
        }
    }
    let mut carried: BTreeMap<usize, Carried> = BTreeMap::new();
    for project in projects {
        let carriers = Carriers::of(project);
        for (at, outer) in project.targets.iter().enumerate() {
            let Ok(name) = outer.name.parse::<TargetName>() else {
                continue;
            };
            for embed in &outer.embeds {
                let Some(product) = foreign_product(embed) else {
                    continue;
                };
                for at_row in by_product.get(&product).into_iter().flatten() {
                    let Some(row) = rows.get(*at_row) else {
                        continue;
                    };
                    let host = || match is_application(outer) {
                        true => Some(name.clone()),
                        false => {
                            let host = carriers.application(TargetIndex(at))?;
                            project.target(host)?.name.parse().ok()
                        }
                    };
                    let carried = carried
                        .entry(*at_row)
                        .or_insert_with(|| Carried::before(row));
                    carried.host = carried.host.take().or_else(host);
                    let embedder = Embedder {
                        project: Arc::clone(&project.bundle),
                        target: name.clone(),
                        is_copied: embed.is_copied,
                        platform_filters: Arc::clone(&embed.platform_filters),
                    };
                    if carried.known.insert(embedder.clone()) {
                        carried.embedded_in.push(embedder);
                    }
                }
            }
        }
    }
    for (at, carried) in carried {
        if let Some(row) = rows.get_mut(at) {
            row.host = carried.host;
            row.embedded_in = carried.embedded_in.into();
        }
    }
}

/// What is known of who carries one row.
struct Carried {
    host: Option<TargetName>,
    embedded_in: Vec<Embedder>,
    known: HashSet<Embedder>,
}

impl Carried {
    fn before(row: &SigningTarget) -> Self {
        Self {
            host: row.host.clone(),
            embedded_in: row.embedded_in.to_vec(),
            known: row.embedded_in.iter().cloned().collect(),
        }
    }
}

/// The project and the product id of an embedded product of another project.
fn foreign_product(embed: &Embed) -> Option<(&Path, &str)> {
    match &embed.product {
        TargetLink::Foreign {
            project: Some(path),
            id,
            ..
        } => Some((path, id)),
        _ => None,
    }
}

/// Whether two products end up in one application: asked of many that share one bundle id, so the carriers of each
/// target are put into a set once.
#[derive(Default)]
pub(super) struct Applications<'r> {
    embedded_in: HashMap<TargetIndex, HashSet<&'r TargetName>>,
}

impl<'r> Applications<'r> {
    /// Both must be rows of one project.
    pub(super) fn are_shared(&mut self, one: &'r SigningTarget, other: &'r SigningTarget) -> bool {
        let has_host = one.host.is_some() && one.host == other.host;
        has_host || self.carries(one, other) || self.carries(other, one)
    }

    fn carries(&mut self, host: &SigningTarget, part: &'r SigningTarget) -> bool {
        let embedded_in = self
            .embedded_in
            .entry(part.index)
            .or_insert_with(|| part.embedded_in.iter().map(|it| &it.target).collect());
        part.host.as_ref() == Some(&host.target) || embedded_in.contains(&host.target)
    }
}
