//! Where the repository still names an old manifest, the old profiles or their names.
//!
//! Every step makes a new manifest, so after each of them the digest that a gate is started with is another. It may be any that an earlier
//! step of this machine made: people do not change it after each one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::carry_out;
use super::document::OldName;
use super::scene::Scene;
use crate::base::digest::Digest;
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::context::manifest::{Content, PinnedProfile, ProfileState};
use crate::host::{name_search, project_root, transaction};
use crate::ops::error::Error;
use crate::ops::world::World;

/// A profile, and the one that signs in its place, if one does.
pub(super) type Replaced<'a> = (&'a PinnedProfile, Option<&'a PinnedProfile>);

/// What belongs in the place of a profile that nothing replaces.
const NOTHING: &str = "nothing";

/// The profiles that another one signs in the place of, by what targets and products are pinned to.
pub(super) fn replaced<'a>(before: &'a Content, after: &'a Content) -> Vec<Replaced<'a>> {
    let signing = |content: &'a Content| -> BTreeMap<String, &'a ProfileUuid> {
        let targets = content.targets.iter();
        let targets = targets.map(|it| (format!("{:?}", it.key()), &it.profile));
        let products = content.products.iter();
        let products = products.map(|it| (it.name.to_string(), &it.profile));
        targets.chain(products).collect()
    };
    fn pinned<'a>(content: &'a Content, uuid: &ProfileUuid) -> Option<&'a PinnedProfile> {
        let profiles = &content.profiles;
        let at = profiles.binary_search_by(|profile| profile.uuid.cmp(uuid));
        profiles.get(at.ok()?)
    }
    let then = signing(after);
    let changed: BTreeSet<(&ProfileUuid, &ProfileUuid)> = signing(before)
        .into_iter()
        .filter_map(|(what, old)| Some((old, *then.get(&what)?)))
        .filter(|(old, new)| old != new)
        .collect();
    let changed = changed.into_iter();
    changed
        .filter_map(|(old, new)| Some((pinned(before, old)?, Some(pinned(after, new)?))))
        .collect()
}

/// The places below the root of the repository that name a manifest before `after`, or what was replaced.
///
/// # Errors
/// There is no state directory.
pub(super) fn left(
    scene: &Scene,
    replaced: &[Replaced<'_>],
    after: &Content,
    world: &World,
) -> Result<Vec<OldName>, Error> {
    let state = world.state_directory()?;
    let mut names = digests(scene, after, world)?;
    for (old, new) in replaced {
        let instead = new.map_or(NOTHING.to_owned(), |new| new.uuid.to_string());
        names.push((old.uuid.to_string(), instead));
    }
    // A name that a profile has which stays is right where it stands, also where it begins with an old one.
    let stay = after.profiles.iter();
    let stay = stay.filter(|it| it.state != ProfileState::Retiring);
    let right: BTreeSet<String> = stay.map(|it| it.name.to_ascii_lowercase()).collect();
    for (old, new) in replaced {
        if !right.contains(&old.name.to_ascii_lowercase()) {
            let instead = new.map_or(NOTHING.to_owned(), |new| new.name.clone());
            names.push((old.name.clone(), instead));
        }
    }
    let root = project_root::find(&scene.file, world.home());
    let texts: Vec<String> = names.iter().map(|(old, _)| old.clone()).collect();
    let right: Vec<String> = right.into_iter().collect();
    // What we remember in the state directory is no business of people's.
    let without = [scene.file.clone(), transaction::resolved(state.path())];
    let found = name_search::find(&root, &texts, &right, &without);
    let shown = |file: &Path| {
        let below = file.strip_prefix(&root).unwrap_or(file);
        below.display().to_string()
    };
    let places = found.places.iter().filter_map(|place| {
        let (old, new) = names.get(place.name)?;
        Some(OldName {
            file: shown(&place.file),
            line: place.line,
            name: old.clone(),
            instead: new.clone(),
        })
    });
    Ok(places.collect())
}

/// The digests of the manifests before `after`, in SHA-256 and SHA-1, each with the one that belongs in its place.
fn digests(scene: &Scene, after: &Content, world: &World) -> Result<Vec<(String, String)>, Error> {
    let state = world.state_directory()?;
    let written = after.to_bytes();
    let sha1 = |bytes: &[u8]| Digest::Sha1([0; 20]).same_algorithm_over(bytes);
    let new = FileSha256::of(&written);
    let changes = scene.steps.iter().flat_map(|step| &step.changes);
    let manifests = changes.filter(|change| change.path == scene.file);
    let mut earlier: BTreeSet<FileSha256> = manifests
        .flat_map(|change| [change.before, change.after])
        .flatten()
        .collect();
    earlier.insert(FileSha256::of(&scene.bytes));
    earlier.remove(&new);
    let mut names = Vec::new();
    for sha256 in earlier {
        names.push((sha256.to_string(), carry_out::digest(after).to_string()));
        let kept = match FileSha256::of(&scene.bytes) == sha256 {
            true => Some(scene.bytes.clone()),
            false => transaction::kept(&state, &scene.file, &sha256),
        };
        names.extend(kept.map(|bytes| {
            let hex = sha1(&bytes).to_string();
            let hex = hex.rsplit(':').next().unwrap_or_default().to_owned();
            (hex, sha1(&written).to_string())
        }));
    }
    Ok(names)
}
