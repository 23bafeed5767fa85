//! Where the repository still names the old manifest, the old profiles or their names.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::document::OldName;
use super::scene::Scene;
use crate::base::digest::Digest;
use crate::base::ids::ProfileUuid;
use crate::context::manifest::Manifest;
use crate::context::rotation::product::ProductGroup;
use crate::context::rotation::succession::Succession;
use crate::host::{name_search, project_root};
use crate::ops::world::World;

/// The places that name what these groups had before, below the root of the repository.
pub(super) fn left(
    scene: &Scene,
    groups: &[ProductGroup],
    pairs: &HashMap<ProfileUuid, Succession>,
    after: &Manifest,
    world: &World,
) -> Vec<OldName> {
    if groups.is_empty() {
        return Vec::new();
    }
    let digests = |before: Digest, after: Digest| {
        let hex = |digest: Digest| {
            let text = digest.to_string();
            text.rsplit(':').next().unwrap_or_default().to_owned()
        };
        (hex(before), after.to_string())
    };
    let bytes = after.content().to_bytes();
    let sha1 = |bytes: &[u8]| Digest::Sha1([0; 20]).same_algorithm_over(bytes);
    let mut names = vec![
        digests(scene.manifest.digest(), after.digest()),
        digests(sha1(&scene.bytes), sha1(&bytes)),
    ];
    let mut new_names: BTreeSet<&str> = BTreeSet::new();
    let changed = groups.iter().flat_map(|group| &group.profiles);
    let changed: Vec<&Succession> = changed.filter_map(|uuid| pairs.get(uuid)).collect();
    for pair in &changed {
        names.push((pair.old.uuid.to_string(), pair.new.uuid.to_string()));
        new_names.insert(&pair.new.name);
    }
    for pair in &changed {
        // A name that a new profile has too is right where it stands, and so is a part of a new name.
        let is_new = new_names.iter().any(|new| new.contains(&*pair.old.name));
        if !is_new {
            names.push((pair.old.name.clone(), pair.new.name.clone()));
        }
    }
    let root = project_root::find(&scene.file, world.home());
    let texts: Vec<String> = names.iter().map(|(old, _)| old.clone()).collect();
    let found = name_search::find(&root, &texts, std::slice::from_ref(&scene.file));
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
    places.collect()
}
