//! A rehearsal of many profiles on many machines.

use std::path::Path;
use std::time::Instant;

use countersign::base::ids::FileSha256;
use countersign::context::manifest::freeze::{PinnedProjects, freeze, ordered};
use countersign::context::manifest::{Manifest, PinnedProfile, PinnedTarget, ProfileState};
use countersign::context::policy::Policy;
use countersign::context::rotation::probe::{NodeProbe, SCHEMA};
use countersign::context::rotation::rehearsal::{
    FaultKind, MOST_INSTANTS, Rehearsed, Request, rehearse,
};
use countersign::context::rotation::succession::{self, Succession};
use countersign::xcode::platform::Platform;
use jiff::{SignedDuration, Timestamp};
use support::proven;

use crate::site::{NOW, old};

/// A manifest with so many profiles, and what replaces each. So many of them belong to one app; the profiles of the next app end so many
/// days later.
fn fleet(profiles: usize, days_between: i64, parts: usize) -> (Manifest, Vec<Succession>) {
    let model = PinnedProfile::of(&proven(&old("com.acme.rocket")), ProfileState::Active);
    let now: Timestamp = NOW.parse().unwrap();
    let one = |number: usize, is_new: bool| {
        let side = usize::from(is_new);
        let app = number / parts;
        let id = match number % parts {
            0 => format!("com.acme.app{app:05}"),
            part => format!("com.acme.app{app:05}.part{part:05}"),
        };
        let uuid = format!("{side:08x}-0000-4000-8000-{number:012x}");
        let days = 400 + days_between * i64::try_from(app).unwrap();
        let year = SignedDuration::from_hours(24 * 365);
        let expires = now + SignedDuration::from_hours(24 * days);
        PinnedProfile {
            filename: format!("{uuid}.mobileprovision"),
            name: format!("App {number} {side}"),
            application_identifier: format!("ACME4CI001.{id}"),
            bundle_id: id.parse().unwrap(),
            created: model.created + year * i32::try_from(side).unwrap(),
            expires: expires + year * i32::try_from(side).unwrap(),
            sha256: FileSha256::of(uuid.as_bytes()),
            uuid: uuid.parse().unwrap(),
            ..model.clone()
        }
    };
    let old: Vec<PinnedProfile> = (0..profiles).map(|number| one(number, false)).collect();
    let new: Vec<PinnedProfile> = (0..profiles).map(|number| one(number, true)).collect();
    let targets = old
        .iter()
        .enumerate()
        .map(|(number, profile)| PinnedTarget {
            project: "App.xcodeproj".to_owned(),
            target: format!("App{number:05}").parse().unwrap(),
            configuration: "Release".parse().unwrap(),
            platform: Platform::Ios,
            bundle_id: profile.bundle_id.as_str().parse().unwrap(),
            profile: profile.uuid.clone(),
            certificate: profile.certificates[0].sha256,
        });
    let projects = PinnedProjects {
        targets: targets.collect(),
        ..PinnedProjects::default()
    };
    let content = freeze(ordered(old).unwrap(), Some(projects), Vec::new(), None);
    let manifest = Manifest::parse(&content.to_bytes()).unwrap();
    let pairs = succession::find(&manifest, &new, now).pairs;
    assert_eq!(pairs.len(), profiles);
    (manifest, pairs)
}

/// So many machines that hold what is pinned, a file of their own that nobody knows, and one of the strays each.
fn nodes(manifest: &Manifest, count: usize, strays: &[PinnedProfile]) -> Vec<NodeProbe> {
    let files: Vec<FileSha256> = manifest.profiles().iter().map(|it| it.sha256).collect();
    let key = manifest.profiles()[0].certificates[0].sha1;
    let probe = |number: usize| {
        let mut profiles = files.clone();
        let stray = strays.get(number % strays.len().max(1));
        profiles.extend(stray.map(|stray| stray.sha256));
        profiles.push(FileSha256::of(&number.to_be_bytes()));
        NodeProbe {
            schema: SCHEMA.to_owned(),
            host: format!("signer-{number:03}").parse().unwrap(),
            time: NOW.parse().unwrap(),
            directories: vec!["/profiles".to_owned()],
            profiles,
            identities: Some(vec![key]),
            intermediates: None,
        }
    };
    (0..count).map(probe).collect()
}

fn policy() -> Policy {
    let text = "version = 1\n[profiles]\nminimum_validity = \"7d\"\n";
    Policy::parse(text, Path::new("signing.toml"), None).unwrap()
}

/// So many profiles that nobody pinned, for apps that nobody builds.
fn strays(count: usize) -> Vec<PinnedProfile> {
    let (manifest, _) = fleet(1, 0, 1);
    let model = &manifest.profiles()[0];
    let stray = |number: usize| {
        let uuid = format!("0000000f-0000-4000-8000-{number:012x}");
        PinnedProfile {
            name: format!("Stray {number}"),
            filename: format!("{uuid}.mobileprovision"),
            bundle_id: format!("com.acme.stray{number:05}").parse().unwrap(),
            application_identifier: format!("ACME4CI001.com.acme.stray{number:05}"),
            sha256: FileSha256::of(uuid.as_bytes()),
            uuid: uuid.parse().unwrap(),
            ..model.clone()
        }
    };
    (0..count).map(stray).collect()
}

fn rehearsed(
    manifest: &Manifest,
    pairs: &[Succession],
    nodes: &[NodeProbe],
    known: &[PinnedProfile],
) -> Rehearsed {
    let (own, others) = nodes.split_first().unwrap();
    let request = Request {
        policy: &policy(),
        manifest,
        pairs,
        own,
        others,
        branches: &[],
        known,
        targets: None,
        from: NOW.parse().unwrap(),
    };
    rehearse(&request).unwrap()
}

#[test]
fn machines_that_differ_by_unknown_files_alone_are_judged_once_and_counted_each() {
    let (manifest, pairs) = fleet(2, 5, 1);
    let known = strays(1);
    let alike = nodes(&manifest, 30, &[]);
    let rehearsed_alike = rehearsed(&manifest, &pairs, &alike, &known);
    for builds in &rehearsed_alike.builds {
        let hosts: usize = builds.groups.iter().map(|it| it.nodes.len()).sum();
        assert_eq!(hosts, 30);
    }
    let unknown =
        |it: &Rehearsed| -> Vec<usize> { it.nodes.iter().map(|node| node.unknown_files).collect() };
    assert_eq!(unknown(&rehearsed_alike), vec![1; 30]);
    // A stray that somebody knows changes nothing where it covers no pinned app.
    let strayed = nodes(&manifest, 30, &known);
    let rehearsed_strayed = rehearsed(&manifest, &pairs, &strayed, &known);
    assert_eq!(unknown(&rehearsed_strayed), vec![1; 30]);
    assert_eq!(rehearsed_strayed.builds, rehearsed_alike.builds);
}

#[test]
fn instants_beyond_the_bound_are_counted() {
    let left_out = |profiles: usize| {
        let (manifest, _) = fleet(profiles, 3, 1);
        let rehearsed = rehearsed(&manifest, &[], &nodes(&manifest, 1, &[]), &[]);
        let calendar = &rehearsed.calendar;
        assert!(calendar.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert_eq!(rehearsed.builds.last().unwrap().moment, calendar.len() - 1);
        (calendar.len(), rehearsed.left_out)
    };
    // An end and the day after it for each profile.
    let (few, none) = left_out(10);
    assert!(few > 20 && none == 0, "{few}, {none}");
    let (most, left_out) = left_out(220);
    assert_eq!(most, MOST_INSTANTS);
    assert!(left_out > 40, "{left_out}");
}

#[test]
fn a_step_of_many_files_is_tried_at_the_first_the_last_and_some_between() {
    let builds = |profiles: usize| {
        let (manifest, pairs) = fleet(profiles, 0, profiles);
        let rehearsed = rehearsed(&manifest, &pairs, &nodes(&manifest, 1, &[]), &[]);
        let mut faults = rehearsed.faults.into_iter();
        let crash = faults.find(|it| it.fault == FaultKind::CrashBetweenFiles);
        crash.unwrap().builds
    };
    // Stage and retire have a place before each file and one before the manifest, promote has the last alone; each is tried on the way
    // back too.
    assert_eq!(builds(20), 2 * 2 * 21 + 4);
    assert_eq!(builds(120), 2 * 2 * 61 + 4);
}

/// The most memory that this process has used, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or_default()
}

/// `cargo test --release --test rotation -- --ignored --nocapture --test-threads 1 how_long`
#[test]
#[ignore = "it measures"]
fn how_long_a_rehearsal_takes() {
    // Of a fleet most machines hold the same; at the worst each of them has something that no other has.
    let known = strays(500);
    let (manifest, pairs) = fleet(50, 5, 8);
    for (strays, what) in [
        (&known[..0], "alike"),
        (&known[..10], "of ten kinds"),
        (&known[..], "all different"),
    ] {
        for count in [20, 100, 500] {
            let nodes = nodes(&manifest, count, strays);
            let begin = Instant::now();
            let rehearsed = rehearsed(&manifest, &pairs, &nodes, &known);
            let taken = begin.elapsed();
            let builds: usize = rehearsed.calendar.len() * count;
            let with_faults: usize = rehearsed.faults.iter().map(|it| it.builds).sum();
            println!(
                "{} profiles, {count} machines, {what}, {} instants: {builds} builds and {with_faults} with faults in {} ms; at most {} KiB",
                pairs.len(),
                rehearsed.calendar.len(),
                taken.as_millis(),
                peak()
            );
        }
    }
}
