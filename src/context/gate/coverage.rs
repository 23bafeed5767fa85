//! What pinned profiles sign, and which other profiles cover some of it.
//!
//! Xcode takes a profile for a target if its application identifier covers the target's bundle id: the same one, or a
//! wildcard above it (TN3125). So an explicit profile can stand in for a wildcard, and a wildcard for an explicit one. What
//! counts is the bundle ids that a pinned profile signs, as far as targets are known; of a profile without known targets it
//! is all that its pattern covers.
//!
//! Only profiles of one team, kind and family of systems stand in for each other. Every question is answered in time that
//! grows with the length of a bundle id, not with the number of profiles.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use super::facts::{Family, InstalledScope};
use crate::apple::profile::ProfileKind;
use crate::base::ids::BundleId;
use crate::context::manifest::PinnedProfile;

/// Team, kind and family: profiles that differ in one of them never stand in for each other.
type Circle<'a> = (&'a str, ProfileKind, Family);

/// What pinned profiles sign.
#[derive(Default)]
pub(super) struct Coverage<'a>(HashMap<Circle<'a>, Signed<'a>>);

/// What the profiles of one circle sign; each entry is one of those that sign it.
#[derive(Default)]
struct Signed<'a> {
    /// Bundle ids.
    ids: BTreeMap<&'a str, &'a PinnedProfile>,
    /// Everything that begins so: patterns without their `*`.
    prefixes: BTreeMap<&'a str, &'a PinnedProfile>,
    /// Patterns that are in already.
    patterns: HashSet<&'a str>,
}

/// A profile that another could stand in for.
pub(super) struct Overlap<'a> {
    /// The pinned profile.
    pub(super) pinned: &'a PinnedProfile,
    /// What both cover: a bundle id, or a pattern.
    pub(super) both: String,
}

impl<'a> Coverage<'a> {
    /// What `profiles` sign, where `targets` have these bundle ids.
    pub(super) fn new(
        profiles: impl IntoIterator<Item = &'a PinnedProfile>,
        targets: &BTreeSet<&'a BundleId>,
    ) -> Self {
        let targets: BTreeSet<&str> = targets.iter().map(|id| id.as_str()).collect();
        let mut coverage = Self::default();
        for profile in profiles {
            let circle = (
                profile.team_id.as_str(),
                profile.kind,
                Family::of(&profile.platforms),
            );
            coverage.0.entry(circle).or_default().add(profile, &targets);
        }
        coverage
    }

    /// The first thing that a pinned profile signs and an installed profile of this scope covers.
    pub(super) fn overlap(&self, scope: &InstalledScope) -> Option<Overlap<'a>> {
        let circle = (scope.team_id.as_str(), scope.kind, scope.family);
        let signed = self.0.get(&circle)?;
        let pattern = scope.bundle_id.as_str();
        match pattern.strip_suffix('*') {
            Some(prefix) => signed.below(prefix),
            None => signed.covering(pattern),
        }
    }
}

impl<'a> Signed<'a> {
    fn add(&mut self, profile: &'a PinnedProfile, targets: &BTreeSet<&'a str>) {
        let pattern = profile.bundle_id.as_str();
        if !self.patterns.insert(pattern) {
            return;
        }
        let Some(prefix) = pattern.strip_suffix('*') else {
            self.ids.entry(pattern).or_insert(profile);
            return;
        };
        let mut has_targets = false;
        for id in beginning_with(targets, prefix) {
            self.ids.entry(id).or_insert(profile);
            has_targets = true;
        }
        if !has_targets {
            self.prefixes.entry(prefix).or_insert(profile);
        }
    }

    /// What begins with `prefix`.
    fn below(&self, prefix: &str) -> Option<Overlap<'a>> {
        let ids = self.ids.range::<str, _>(after(prefix)).next();
        let ids = ids.filter(|(id, _)| id.starts_with(prefix));
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let patterns = self.prefixes.range::<str, _>(from).next();
        let patterns = patterns.filter(|(longer, _)| longer.starts_with(prefix));
        ids.map(|(id, pinned)| Overlap {
            pinned,
            both: (*id).to_owned(),
        })
        .or_else(|| {
            patterns.map(|(longer, pinned)| Overlap {
                pinned,
                both: format!("{longer}*"),
            })
        })
        .or_else(|| self.above(prefix, format!("{prefix}*")))
    }

    /// What covers the bundle id `id`.
    fn covering(&self, id: &str) -> Option<Overlap<'a>> {
        let same = self.ids.get(id).map(|pinned| Overlap {
            pinned,
            both: id.to_owned(),
        });
        same.or_else(|| self.above(id, id.to_owned()))
    }

    /// A pattern that begins as `text` does and is shorter: patterns end at a dot, or are `*` alone.
    fn above(&self, text: &str, both: String) -> Option<Overlap<'a>> {
        let dots = text.match_indices('.').map(|(at, _)| at + 1);
        let ends = dots.filter(|end| *end < text.len()).chain([0]);
        let mut prefixes = ends.filter_map(|end| text.get(..end));
        let pinned = prefixes.find_map(|prefix| self.prefixes.get(prefix).copied())?;
        Some(Overlap { pinned, both })
    }
}

/// All that begins with `prefix` and goes on: a wildcard does not cover what stands before it.
fn beginning_with<'s, 'a>(
    ids: &'s BTreeSet<&'a str>,
    prefix: &'s str,
) -> impl Iterator<Item = &'a str> + 's {
    ids.range::<str, _>(after(prefix))
        .copied()
        .take_while(move |id| id.starts_with(prefix))
}

fn after(prefix: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Excluded(prefix), Bound::Unbounded)
}
