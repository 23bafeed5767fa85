//! Products: which profiles must change sides together, and in which order.
//!
//! An archive holds an app and its extensions, and Apple's tools demand that what is embedded has a bundle id below the one that it is
//! embedded in. So the bundle ids of the pinned targets tell which of them are one product. All of a product change sides in one
//! revision of the manifest: an extension that keeps the old profile while its app has the new one is what rotation must prevent.
//! Two products that are signed with the same profile are one here.
//!
//! Where nothing is pinned to a profile, as in a manifest that was frozen without a project, its own bundle id says what it belongs to. A
//! wildcard says nothing, and stays alone.
//!
//! Inside a product extensions come before what holds them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::base::ids::ProfileUuid;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};

/// Profiles that change sides together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductGroup {
    /// The bundle id of the app that holds the others; of several the first. Of a wildcard that nothing is pinned to what it covers.
    pub name: String,
    /// The old profiles, extensions before what holds them.
    pub profiles: Vec<ProfileUuid>,
}

/// Groups the profiles `old`, all of them pinned, by the products that they sign. The groups are in the order of their names.
pub fn groups(manifest: &Manifest, old: &BTreeSet<ProfileUuid>) -> Vec<ProductGroup> {
    let nodes = nodes(manifest, old);
    let mut sets = Sets::new(nodes.roots.len());
    for (one, other) in &nodes.joined {
        sets.join(*one, *other);
    }
    // What one profile signs changes sides together.
    let mut first: HashMap<&ProfileUuid, usize> = HashMap::new();
    for node in nodes.all.iter().filter(|node| old.contains(node.profile)) {
        match first.get(node.profile) {
            Some(root) => sets.join(*root, node.root),
            None => {
                first.insert(node.profile, node.root);
            }
        }
    }
    let mut names: HashMap<usize, &str> = HashMap::new();
    for (root, name) in nodes.roots.iter().enumerate() {
        let set = sets.find(root);
        let known = names.entry(set).or_insert(name);
        *known = (*known).min(name);
    }
    let mut groups: BTreeMap<(String, usize), Vec<ProfileUuid>> = BTreeMap::new();
    for uuid in old {
        let key = match first.get(uuid) {
            Some(root) => {
                let set = sets.find(*root);
                let name = names.get(&set).copied().unwrap_or_default();
                (name.to_owned(), set)
            }
            None => {
                let pattern = manifest
                    .profile(uuid)
                    .map(|(_, profile)| &profile.bundle_id);
                let pattern = pattern.map(ToString::to_string).unwrap_or_default();
                // Nothing is pinned to it, and it is a wildcard, so it is nobody's part.
                (pattern, usize::MAX)
            }
        };
        groups.entry(key).or_default().push(uuid.clone());
    }
    let groups = groups.into_iter();
    groups
        .map(|((name, _), profiles)| ProductGroup {
            name,
            profiles: extensions_first(&profiles, &nodes.all),
        })
        .collect()
}

/// The profiles in an order in which what signs an extension comes before what signs the app that holds it. Where one profile signs an
/// extension of one app and another app that is held the other way round, there is no such order, and the UUIDs decide.
fn extensions_first(profiles: &[ProfileUuid], nodes: &[Node<'_>]) -> Vec<ProfileUuid> {
    let mut left: BTreeSet<&ProfileUuid> = profiles.iter().collect();
    // Of each profile those that come after it, and of each how many come before it.
    let mut after: HashMap<&ProfileUuid, BTreeSet<&ProfileUuid>> = HashMap::new();
    let mut waiting: HashMap<&ProfileUuid, usize> = HashMap::new();
    for node in nodes.iter().filter(|node| left.contains(node.profile)) {
        for holding in node.above.iter().copied() {
            let is_other = *holding != *node.profile && left.contains(holding);
            if is_other && after.entry(node.profile).or_default().insert(holding) {
                *waiting.entry(holding).or_default() += 1;
            }
        }
    }
    let is_free = |uuid: &&&ProfileUuid| !waiting.contains_key(**uuid);
    let mut free: BTreeSet<&ProfileUuid> = left.iter().filter(is_free).copied().collect();
    let mut sorted = Vec::with_capacity(left.len());
    while let Some(next) = free.pop_first().or_else(|| left.first().copied()) {
        left.remove(next);
        sorted.push(next.clone());
        for holding in after.remove(next).unwrap_or_default() {
            let count = waiting.entry(holding).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 && left.contains(holding) {
                free.insert(holding);
            }
        }
    }
    sorted
}

/// The bundle ids of which one could hold this one, the shortest first.
pub(super) fn above(id: &str) -> impl Iterator<Item = &str> {
    id.match_indices('.').filter_map(|(at, _)| id.get(..at))
}

/// A pinned target or product, or a profile that nothing is pinned to.
struct Node<'a> {
    profile: &'a ProfileUuid,
    /// The app that holds it, by its position in [`Nodes::roots`].
    root: usize,
    /// The profiles of what holds it.
    above: Vec<&'a ProfileUuid>,
}

struct Nodes<'a> {
    all: Vec<Node<'a>>,
    /// The bundle ids of what lies in nothing else.
    roots: Vec<&'a str>,
    /// Roots that profiles which nothing is pinned to make one product.
    joined: Vec<(usize, usize)>,
}

fn nodes<'a>(manifest: &'a Manifest, old: &BTreeSet<ProfileUuid>) -> Nodes<'a> {
    // Debug and Release of one app are two products: they are never in one archive.
    let targets = manifest.targets().iter();
    let targets = targets.map(|it| {
        (
            it.configuration.as_str(),
            it.bundle_id.as_str(),
            &it.profile,
        )
    });
    let products = manifest.products().iter();
    let products = products.map(|it| ("", it.bundle_id.as_str(), &it.profile));
    let signed: Vec<(&str, &str, &ProfileUuid)> = targets.chain(products).collect();
    let mut known: HashMap<(&str, &str), BTreeSet<&ProfileUuid>> = HashMap::new();
    for (of, id, profile) in &signed {
        known.entry((of, id)).or_default().insert(profile);
    }
    let mut roots = Vec::new();
    let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
    let all = signed.iter().map(|(of, id, profile)| {
        let above: Vec<&str> = above(id)
            .filter(|above| known.contains_key(&(*of, *above)))
            .collect();
        let root = above.first().copied().unwrap_or(id);
        let root = *positions.entry((of, root)).or_insert_with(|| {
            roots.push(root);
            roots.len() - 1
        });
        Node {
            profile,
            root,
            above: above
                .iter()
                .filter_map(|id| known.get(&(*of, *id)))
                .flatten()
                .copied()
                .collect(),
        }
    });
    let mut nodes = Nodes {
        all: all.collect(),
        roots,
        joined: Vec::new(),
    };
    nodes.add_unpinned(manifest, old);
    nodes
}

impl<'a> Nodes<'a> {
    /// Adds the profiles that nothing is pinned to, by their own bundle ids: what is active, and what is `old`.
    fn add_unpinned(&mut self, manifest: &'a Manifest, old: &BTreeSet<ProfileUuid>) {
        let mut roots: HashMap<&ProfileUuid, usize> = HashMap::new();
        for node in &self.all {
            roots.entry(node.profile).or_insert(node.root);
        }
        let pinned: HashSet<&ProfileUuid> = roots.keys().copied().collect();
        let is_meant = |it: &&PinnedProfile| {
            let is_there = it.state == ProfileState::Active || old.contains(&it.uuid);
            (is_there || pinned.contains(&it.uuid)) && !it.bundle_id.is_wildcard()
        };
        let profiles: Vec<&PinnedProfile> = manifest.profiles().iter().filter(is_meant).collect();
        let mut by_id: HashMap<&str, Vec<&ProfileUuid>> = HashMap::new();
        let mut own: HashMap<&str, usize> = HashMap::new();
        for profile in &profiles {
            let id = profile.bundle_id.as_str();
            by_id.entry(id).or_default().push(&profile.uuid);
            if !pinned.contains(&profile.uuid) {
                // What has one bundle id is one product, whatever its kind.
                let root = *own.entry(id).or_insert_with(|| {
                    self.roots.push(id);
                    self.roots.len() - 1
                });
                roots.insert(&profile.uuid, root);
            }
        }
        for profile in profiles {
            let is_pinned = pinned.contains(&profile.uuid);
            let holding = above(profile.bundle_id.as_str());
            let holding = holding.filter_map(|id| by_id.get(id)).flatten().copied();
            // Of two that something is pinned to, the targets say it.
            let holding = holding.filter(|uuid| !is_pinned || !pinned.contains(uuid));
            let holding: Vec<&ProfileUuid> = holding.collect();
            let Some(root) = roots.get(&profile.uuid).copied() else {
                continue;
            };
            let others = holding.iter().filter_map(|uuid| roots.get(uuid));
            self.joined.extend(others.map(|other| (root, *other)));
            if !is_pinned || !holding.is_empty() {
                self.all.push(Node {
                    profile: &profile.uuid,
                    root,
                    above: holding,
                });
            }
        }
    }
}

/// Sets that are joined (union-find with path halving).
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn parent(&self, of: usize) -> usize {
        self.0.get(of).copied().unwrap_or(of)
    }

    fn find(&mut self, mut of: usize) -> usize {
        while self.parent(of) != of {
            let above = self.parent(self.parent(of));
            if let Some(parent) = self.0.get_mut(of) {
                *parent = above;
            }
            of = above;
        }
        of
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        // The smaller stays, so that the outcome does not depend on the order of the profiles.
        let (stays, goes) = (one.min(other), one.max(other));
        if let Some(parent) = self.0.get_mut(goes) {
            *parent = stays;
        }
    }
}
