//! Which pinned target is which target of a project: the one place where the two are matched.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::context::manifest::PinnedTarget;
use crate::xcode::platform::Platform;
use crate::xcode::targets::SigningTarget;

/// What a project is called in a manifest: the name of its `.xcodeproj`, which is the same in every checkout.
pub fn project_name(target: &SigningTarget) -> Cow<'_, str> {
    target
        .project
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default()
}

/// Project, target, configuration, platform.
type Key<'a> = (Cow<'a, str>, &'a str, &'a str, Platform);

fn key_of_pinned(pinned: &PinnedTarget) -> Key<'_> {
    (
        Cow::Borrowed(&pinned.project),
        pinned.target.as_str(),
        pinned.configuration.as_str(),
        pinned.platform,
    )
}

fn key_of(target: &SigningTarget) -> Key<'_> {
    (
        project_name(target),
        target.target.as_str(),
        target.configuration.as_str(),
        target.platform,
    )
}

/// Pinned targets, by what they pin.
#[derive(Debug)]
pub struct PinnedTargets<'a> {
    by_key: HashMap<Key<'a>, &'a PinnedTarget>,
}

impl<'a> PinnedTargets<'a> {
    /// An index of `pinned`, which a manifest holds once each.
    pub fn new(pinned: &'a [PinnedTarget]) -> Self {
        let mut by_key = HashMap::with_capacity(pinned.len());
        for pin in pinned {
            by_key.entry(key_of_pinned(pin)).or_insert(pin);
        }
        Self { by_key }
    }

    /// What `target` is pinned to.
    pub fn get(&self, target: &SigningTarget) -> Option<&'a PinnedTarget> {
        self.by_key.get(&key_of(target)).copied()
    }

    /// Whether nothing is pinned.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

/// Those of `pinned`, with their positions, that none of `targets` is.
pub(super) fn without_target<'p, 't>(
    pinned: impl IntoIterator<Item = (usize, &'p PinnedTarget)>,
    targets: impl IntoIterator<Item = &'t SigningTarget>,
) -> Vec<(usize, &'p PinnedTarget)> {
    let known: std::collections::HashSet<Key<'_>> = targets.into_iter().map(key_of).collect();
    pinned
        .into_iter()
        .filter(|(_, pin)| !known.contains(&key_of_pinned(pin)))
        .collect()
}
