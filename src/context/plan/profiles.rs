//! The profiles that there are, by what targets ask for: a UUID, a name, a bundle id.

use std::collections::HashMap;

use super::fit::{answers, covers};
use crate::base::ids::ProfileUuid;
use crate::context::manifest::PinnedProfile;
use crate::xcode::targets::{ProfileRequest, SigningTarget};

/// Profiles with quick access to those that a target can mean. Every list is in the order in which they were given.
#[derive(Debug)]
pub(super) struct Profiles<'a> {
    all: &'a [PinnedProfile],
    by_uuid: HashMap<&'a ProfileUuid, usize>,
    by_name: HashMap<&'a str, Vec<usize>>,
    /// Profiles for one bundle id, by it.
    by_bundle_id: HashMap<&'a str, Vec<usize>>,
    /// Wildcard profiles, by what stands before the `*`.
    by_prefix: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Profiles<'a> {
    pub(super) fn new(all: &'a [PinnedProfile]) -> Self {
        let mut profiles = Self {
            all,
            by_uuid: HashMap::with_capacity(all.len()),
            by_name: HashMap::with_capacity(all.len()),
            by_bundle_id: HashMap::with_capacity(all.len()),
            by_prefix: HashMap::new(),
        };
        for (index, profile) in all.iter().enumerate() {
            profiles.by_uuid.entry(&profile.uuid).or_insert(index);
            profiles
                .by_name
                .entry(&profile.name)
                .or_default()
                .push(index);
            let pattern = profile.bundle_id.as_str();
            match pattern.strip_suffix('*') {
                Some(prefix) => profiles.by_prefix.entry(prefix).or_default().push(index),
                None => profiles
                    .by_bundle_id
                    .entry(pattern)
                    .or_default()
                    .push(index),
            }
        }
        profiles
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// The profile with this UUID.
    pub(super) fn with_uuid(&self, uuid: &ProfileUuid) -> Option<&'a PinnedProfile> {
        self.all.get(*self.by_uuid.get(uuid)?)
    }

    /// Those that `request` can mean.
    pub(super) fn answering(&self, request: &ProfileRequest) -> Vec<&'a PinnedProfile> {
        let named = match request.revealed() {
            ProfileRequest::Uuid(uuid) => return self.with_uuid(uuid).into_iter().collect(),
            ProfileRequest::Name { name, .. } => self.by_name.get(&**name),
            ProfileRequest::FromEnvironment(_) => None,
        };
        self.with_indices(named.into_iter().flatten().copied())
            .filter(|profile| answers(profile, request))
            .collect()
    }

    /// Those that cover a target's bundle id on its platform.
    pub(super) fn covering(&self, target: &SigningTarget) -> Vec<&'a PinnedProfile> {
        let Some(bundle_id) = &target.bundle_id else {
            return Vec::new();
        };
        let text = bundle_id.value.revealed();
        // A wildcard ends behind a dot, or stands alone.
        let prefixes = std::iter::once(0)
            .chain(text.match_indices('.').map(|(at, _)| at + 1))
            .filter_map(|end| text.get(..end));
        let mut indices: Vec<usize> = prefixes
            .filter_map(|prefix| self.by_prefix.get(prefix))
            .chain(self.by_bundle_id.get(text))
            .flatten()
            .copied()
            .collect();
        indices.sort_unstable();
        self.with_indices(indices)
            .filter(|profile| covers(profile, &bundle_id.value, target.platform))
            .collect()
    }

    fn with_indices(
        &self,
        indices: impl IntoIterator<Item = usize>,
    ) -> impl Iterator<Item = &'a PinnedProfile> {
        indices.into_iter().filter_map(|index| self.all.get(index))
    }
}
