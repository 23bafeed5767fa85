//! The order: no prefix of a planned rotation has two sides of one product, and extensions come before what holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use countersign::base::ids::{FileSha256, ProfileUuid};
use countersign::context::manifest::freeze::{PinnedProjects, freeze, ordered};
use countersign::context::manifest::{
    Content, Manifest, PinnedProfile, PinnedTarget, ProfileState,
};
use countersign::context::rotation::succession::{self, Succession};
use countersign::context::rotation::{product, revision};
use countersign::xcode::platform::Platform;
use forge::profile::{Kind, ProfileSpec};
use support::proven;

use crate::site::NOW;

/// A small set of apps and extensions, each with a profile of its own or a shared one.
const IDS: [&str; 9] = [
    "com.acme.a",
    "com.acme.a.share",
    "com.acme.a.watch",
    "com.acme.a.watch.extension",
    "com.acme.ab",
    "com.acme.ab.share",
    "com.acme.c",
    "org.acme.d",
    "org.acme.d.share",
];

/// The app that holds `id`.
fn app(id: &str) -> &str {
    let mut apps = IDS.iter().filter(|other| {
        let below = id.strip_prefix(**other);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    apps.next().unwrap()
}

fn pattern(id: &str, is_shared: bool) -> String {
    match (is_shared, id.starts_with("com.")) {
        (false, _) => id.to_owned(),
        (true, true) => "com.acme.*".to_owned(),
        (true, false) => "org.acme.*".to_owned(),
    }
}

/// Minted once each: signing takes longer than everything else here.
static MINTED: Mutex<BTreeMap<(String, bool), PinnedProfile>> = Mutex::new(BTreeMap::new());

fn pinned(pattern: &str, is_new: bool, state: ProfileState) -> PinnedProfile {
    let mint = || {
        let spec = ProfileSpec::ios(Kind::AppStore, pattern);
        let spec = match is_new {
            true => spec
                .named("new")
                .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z"),
            false => spec,
        };
        PinnedProfile::of(&proven(&spec), ProfileState::Active)
    };
    let mut minted = MINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let profile = minted
        .entry((pattern.to_owned(), is_new))
        .or_insert_with(mint);
    PinnedProfile {
        state,
        ..profile.clone()
    }
}

/// The manifest in which each id has a profile of its own or shares one, and the successors of those that are renewed.
fn graph(shared: &[bool], renewed: &[bool]) -> (Manifest, Vec<PinnedProfile>) {
    let patterns: BTreeMap<&str, String> = IDS
        .iter()
        .zip(shared)
        .map(|(id, is_shared)| (*id, pattern(id, *is_shared)))
        .collect();
    let profiles: BTreeMap<&String, PinnedProfile> = patterns
        .values()
        .map(|pattern| (pattern, pinned(pattern, false, ProfileState::Active)))
        .collect();
    let targets = patterns.iter().map(|(id, pattern)| PinnedTarget {
        project: "App.xcodeproj".to_owned(),
        target: id.parse().unwrap(),
        configuration: "Release".parse().unwrap(),
        platform: Platform::Ios,
        bundle_id: id.parse().unwrap(),
        profile: profiles[pattern].uuid.clone(),
        certificate: profiles[pattern].certificates[0].sha256,
    });
    let projects = PinnedProjects {
        targets: targets.collect(),
        ..PinnedProjects::default()
    };
    let ordered = ordered(profiles.values().cloned()).unwrap();
    let content = freeze(ordered, Some(projects), Vec::new(), None);
    let renewed: BTreeSet<&String> = IDS
        .iter()
        .zip(renewed)
        .filter(|(_, is_renewed)| **is_renewed)
        .map(|(id, _)| &patterns[id])
        .collect();
    let successors = renewed
        .into_iter()
        .map(|it| pinned(it, true, ProfileState::Incoming));
    let manifest = Manifest::parse(&content.to_bytes()).unwrap();
    (manifest, successors.collect())
}

fn parsed(content: &Content) -> Manifest {
    Manifest::parse(&content.to_bytes()).unwrap()
}

/// Each revision of a whole rotation, from the one that is staged on, and the groups.
fn revisions(
    manifest: &Manifest,
    successors: &[PinnedProfile],
) -> (Vec<Manifest>, Vec<product::ProductGroup>, Vec<Succession>) {
    let now = NOW.parse().unwrap();
    let staged = parsed(&revision::staged(manifest.content(), successors));
    let pairs = succession::find(&staged, successors, now).pairs;
    let old: BTreeSet<ProfileUuid> = pairs.iter().map(|pair| pair.old.uuid.clone()).collect();
    let groups = product::groups(&staged, &old);
    let mut revisions = vec![staged];
    for group in &groups {
        let of_group = pairs
            .iter()
            .filter(|pair| group.profiles.contains(&pair.old.uuid));
        let content = revision::promoted(revisions.last().unwrap().content(), of_group, now);
        revisions.push(parsed(&content));
    }
    (revisions, groups, pairs)
}

/// So many graphs, each with other shared and other renewed profiles.
const GRAPHS: u32 = 400;

/// The bits of a digest: the same graphs in every run, and no two that resemble each other.
fn bits(seed: u32) -> (Vec<bool>, Vec<bool>) {
    let digest = FileSha256::of(&seed.to_be_bytes()).to_string();
    let mut digits = digest.chars().map(|digit| digit > '7');
    let mut take = || digits.by_ref().take(IDS.len()).collect();
    (take(), take())
}

#[test]
fn no_revision_has_a_product_on_two_sides_and_extensions_come_first() {
    for seed in 0..GRAPHS {
        let (shared, renewed) = bits(seed);
        let (manifest, successors) = graph(&shared, &renewed);
        let (revisions, groups, pairs) = revisions(&manifest, &successors);
        assert_eq!(pairs.len(), successors.len(), "{seed}");
        let new: BTreeSet<&ProfileUuid> = pairs.iter().map(|pair| &pair.new.uuid).collect();
        let replaced: BTreeSet<&ProfileUuid> = pairs.iter().map(|pair| &pair.old.uuid).collect();
        for (number, after) in revisions.iter().enumerate() {
            assert_eq!(after.revision(), 2 + number as u64);
            // Of one app every target that changes sides is on the same side.
            let mut sides: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
            for target in after.targets() {
                let is_new = new.contains(&target.profile);
                if is_new || replaced.contains(&target.profile) {
                    let of_app = sides.entry(app(target.bundle_id.as_str())).or_default();
                    of_app.insert(is_new);
                }
                // What a target is pinned to signs, and embeds its certificate.
                let (_, profile) = after.profile(&target.profile).unwrap();
                assert_eq!(profile.state, ProfileState::Active, "{seed}");
                let mut certificates = profile.certificates();
                assert!(certificates.any(|it| it.sha256 == target.certificate));
            }
            for (app, sides) in &sides {
                assert_eq!(sides.len(), 1, "{app} after {number} of {seed}");
            }
            // From every prefix the way back leads to the start.
            let back = revision::restored(after.content(), manifest.content());
            assert_eq!(back.revision, after.revision() + 1);
            let back = Content {
                revision: manifest.revision(),
                ..back
            };
            assert_eq!(&back, manifest.content());
        }
        let last = revisions.last().unwrap();
        let mut left = last.targets().iter();
        assert!(left.all(|target| !replaced.contains(&target.profile)));
        // Extensions come before what holds them.
        for group in &groups {
            let place = |id: &str| {
                let mut targets = manifest.targets().iter();
                let target = targets.find(|it| it.bundle_id.as_str() == id)?;
                let mut profiles = group.profiles.iter();
                profiles.position(|uuid| *uuid == target.profile)
            };
            // What one profile signs on both sides has no order.
            let is_own = |id: &str| {
                IDS.iter()
                    .zip(&shared)
                    .any(|(it, is_shared)| *it == id && !is_shared)
            };
            for id in IDS.iter().filter(|id| is_own(id) && is_own(app(id))) {
                if let (Some(own), Some(held_by)) = (place(id), place(app(id))) {
                    assert!(own <= held_by, "{id} in {group:?} of {seed}");
                }
            }
        }
    }
}

#[test]
fn apps_whose_ids_begin_alike_are_two_products() {
    let (manifest, successors) = graph(&[false; 9], &[true; 9]);
    let (_, groups, _) = revisions(&manifest, &successors);
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(
        names,
        ["com.acme.a", "com.acme.ab", "com.acme.c", "org.acme.d"]
    );
}

#[test]
fn a_profile_that_only_extensions_share_comes_before_their_apps() {
    // Both share extensions are signed with the wildcard, and the apps with profiles of their own.
    let mut shared = [false; 9];
    shared[1] = true;
    shared[5] = true;
    let (manifest, successors) = graph(&shared, &[true; 9]);
    let (_, groups, _) = revisions(&manifest, &successors);
    let wildcard = pinned("com.acme.*", false, ProfileState::Active).uuid;
    let group = groups
        .iter()
        .find(|group| group.profiles.contains(&wildcard))
        .unwrap();
    let place = |uuid: &ProfileUuid| group.profiles.iter().position(|it| it == uuid).unwrap();
    for app in ["com.acme.a", "com.acme.ab"] {
        let app = pinned(app, false, ProfileState::Active).uuid;
        assert!(place(&wildcard) < place(&app));
    }
}

#[test]
fn apps_that_share_a_profile_change_sides_together() {
    let (manifest, successors) = graph(&[true; 9], &[true; 9]);
    let (revisions, groups, _) = revisions(&manifest, &successors);
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["com.acme.a", "org.acme.d"]);
    assert_eq!(revisions.len(), 3);
}
