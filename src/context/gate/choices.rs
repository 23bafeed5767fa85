//! By what Xcode comes to each pinned profile: by its UUID, by its name, or by what covers a bundle id.
//!
//! What else could be chosen depends on it. A target whose settings name a UUID gets that profile and no other. One whose
//! settings name a profile gets any profile of this name. One that is signed automatically, or says nothing, gets whatever
//! covers its bundle id. So while an old branch still pins the old profile, its successor may be installed beside it: it
//! shadows nothing that is chosen by UUID.
//!
//! What nobody looked at is not known. A profile of a target that was not read counts as chosen in every way.

use std::collections::HashMap;

use super::facts::{Observation, Observed};
use super::pins::Pins;
use crate::base::ids::ProfileUuid;
use crate::context::manifest::ProfileState;
use crate::context::plan::PinnedTargets;
use crate::xcode::targets::{ProfileRequest, SigningStyle, SigningTarget};

/// In which ways Xcode comes to a profile besides its UUID.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// A target asks for it by its name.
    pub(super) by_name: bool,
    /// A target gets what covers its bundle id.
    pub(super) by_coverage: bool,
}

impl Choice {
    /// In every way: nothing is known.
    const ANY: Self = Self {
        by_name: true,
        by_coverage: true,
    };

    /// How a target comes to its profile.
    fn of(target: &SigningTarget) -> Self {
        let requested = target.requested_profile();
        let by_coverage = target.style.value == SigningStyle::Automatic || requested.is_none();
        let request = requested.map(|setting| setting.value.revealed());
        Self {
            by_name: matches!(request, Some(ProfileRequest::Name { .. })),
            by_coverage,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            by_name: self.by_name || other.by_name,
            by_coverage: self.by_coverage || other.by_coverage,
        }
    }
}

/// By what Xcode comes to the pinned profiles.
pub(super) struct Choices<'a> {
    /// Of the profiles that something is pinned to.
    known: HashMap<&'a ProfileUuid, Choice>,
    /// Whether it is known what is pinned to what.
    has_targets: bool,
}

impl<'a> Choices<'a> {
    /// What the targets tell that were looked at.
    pub(super) fn new(pins: &'a Pins<'_>, facts: &Observed) -> Self {
        let mut known: HashMap<&ProfileUuid, Choice> = HashMap::new();
        let Observation::Observed(observed) = &facts.targets else {
            return Self {
                known,
                has_targets: false,
            };
        };
        // Who declares a product names its profile by UUID.
        for product in pins.products() {
            known.entry(&product.profile).or_default();
        }
        let pinned = PinnedTargets::new(pins.targets());
        let mut chosen: HashMap<_, Choice> = HashMap::new();
        for target in &observed.targets {
            if let Some(pin) = pinned.get(target) {
                let choice = chosen.entry(pin.key()).or_default();
                *choice = choice.and(Choice::of(target));
            }
        }
        for pin in pins.targets() {
            let choice = chosen.get(&pin.key()).copied().unwrap_or(Choice::ANY);
            let entry = known.entry(&pin.profile).or_default();
            *entry = entry.and(choice);
        }
        Self {
            known,
            has_targets: !pins.targets().is_empty(),
        }
    }

    /// In which ways Xcode comes to a profile.
    pub(super) fn of(&self, uuid: &ProfileUuid, state: ProfileState) -> Choice {
        match self.known.get(uuid) {
            Some(choice) => *choice,
            // What does not sign yet, or signs no more, is chosen by no planned target.
            None if self.has_targets && state != ProfileState::Active => Choice::default(),
            None => Choice::ANY,
        }
    }
}
