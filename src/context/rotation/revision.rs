//! The manifest after each step of a rotation.
//!
//! Each function gives the content of the next revision. All that a step changes of the manifest is in one of them, so that no build
//! sees half of it.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::succession::Succession;
use crate::base::ids::ProfileUuid;
use crate::context::manifest::{Content, PinnedProfile, ProfileState};

/// With these profiles beside the others, as `incoming`. What is pinned already stays as it is.
pub fn staged<'a>(content: &Content, new: impl IntoIterator<Item = &'a PinnedProfile>) -> Content {
    let mut next = following(content);
    for profile in new {
        let at = next
            .profiles
            .binary_search_by(|known| known.uuid.cmp(&profile.uuid));
        if let Err(at) = at {
            let incoming = PinnedProfile {
                state: ProfileState::Incoming,
                ..profile.clone()
            };
            next.profiles.insert(at, incoming);
        }
    }
    next
}

/// With the new profiles of these successions `active`, the old ones `retiring`, and all that was signed with the old ones pinned to the
/// new ones and their certificates.
pub fn promoted<'a>(
    content: &Content,
    successions: impl IntoIterator<Item = &'a Succession>,
    now: Timestamp,
) -> Content {
    let mut next = following(content);
    let of_old: HashMap<&ProfileUuid, &Succession> = successions
        .into_iter()
        .map(|pair| (&pair.old.uuid, pair))
        .collect();
    let new: BTreeSet<&ProfileUuid> = of_old.values().map(|pair| &pair.new.uuid).collect();
    for profile in &mut next.profiles {
        if of_old.contains_key(&profile.uuid) {
            profile.state = ProfileState::Retiring;
        } else if new.contains(&profile.uuid) {
            profile.state = ProfileState::Active;
        }
    }
    let targets = next.targets.iter_mut();
    let targets = targets.map(|it| (&mut it.profile, &mut it.certificate));
    let products = next.products.iter_mut();
    let products = products.map(|it| (&mut it.profile, &mut it.certificate));
    for (profile, certificate) in targets.chain(products) {
        let Some(pair) = of_old.get(profile) else {
            continue;
        };
        if let Some(successor) = pair.certificate_for(certificate, now) {
            *certificate = successor.sha256;
        }
        *profile = pair.new.uuid.clone();
    }
    next
}

/// Without these profiles.
pub fn retired(content: &Content, old: &BTreeSet<ProfileUuid>) -> Content {
    let mut next = following(content);
    next.profiles.retain(|profile| !old.contains(&profile.uuid));
    next
}

/// What `then` held, as the revision that follows `content`: revisions only rise.
pub fn restored(content: &Content, then: &Content) -> Content {
    Content {
        revision: following(content).revision,
        ..then.clone()
    }
}

/// The same, one revision later.
fn following(content: &Content) -> Content {
    Content {
        revision: content.revision.saturating_add(1),
        ..content.clone()
    }
}
