//! A machine that signs for several repositories: what one retires another may still pin.

use std::fs;
use std::path::PathBuf;

use countersign::base::finding::{Code, Severity};
use countersign::ops::rotate::document::StepDocument;
use countersign::ops::rotate::{self, PromoteRequest, RetireRequest, RollbackRequest};
use countersign::ops::world::World;

use crate::site::{IDS, LATER, NOW, Site, done, old, successor};

/// A second repository on the machine of `site`: its own manifest, the same profiles and the same state.
fn second(site: &Site) -> PathBuf {
    let manifests = site.path("second/manifests");
    fs::create_dir_all(&manifests).unwrap();
    fs::create_dir(site.path("second/.git")).unwrap();
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let policy = policy.replace("\"../", "\"../../");
    fs::write(manifests.join("signing.toml"), policy).unwrap();
    let manifest = manifests.join("profiles.json");
    fs::copy(site.path("manifests/profiles.json"), &manifest).unwrap();
    manifest
}

fn world_of_second(site: &Site, now: &str) -> World {
    let mut world = site.world(now);
    world.places.policy = Some(site.path("second/manifests/signing.toml"));
    world.places.manifest = Some(site.path("second/manifests/profiles.json"));
    world
}

fn stays(document: &StepDocument) -> usize {
    let stays = document
        .findings
        .iter()
        .filter(|it| it.code == Code::ProfilePinnedElsewhere);
    stays
        .inspect(|it| assert_eq!(it.severity, Severity::Warn))
        .count()
}

fn installed(site: &Site, files: impl Fn(&str) -> String) -> usize {
    let files = IDS
        .iter()
        .map(|id| site.path(format!("profiles/{}", files(id))));
    files.filter(|file| file.is_file()).count()
}

fn olds(site: &Site) -> usize {
    installed(site, |id| old(id).file_name())
}

fn successors(site: &Site) -> usize {
    installed(site, |id| successor(id).file_name())
}

fn retired(site: &Site, keep_for: Vec<PathBuf>) -> StepDocument {
    let request = RetireRequest {
        keep_for,
        ..RetireRequest::default()
    };
    done(rotate::retire(&request, &site.world(LATER)).unwrap())
}

#[test]
fn what_the_manifest_of_another_rotation_pins_stays_installed() {
    let site = Site::new();
    second(&site);
    done(rotate::stage(&site.stage(), &world_of_second(&site, NOW)).unwrap());
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    let document = retired(&site, Vec::new());
    assert_eq!(stays(&document), IDS.len(), "{:#?}", document.findings);
    assert_eq!(olds(&site), IDS.len());
    // Here they are pinned no more, there they are.
    assert!(
        site.manifest()
            .profiles()
            .iter()
            .all(|it| IDS.iter().all(|id| old(id).uuid != it.uuid.as_str()))
    );
    done(rotate::promote(&PromoteRequest::default(), &world_of_second(&site, NOW)).unwrap());
    let last = rotate::retire(&RetireRequest::default(), &world_of_second(&site, LATER)).unwrap();
    assert_eq!(stays(&done(last)), 0);
    assert_eq!(olds(&site), 0);
}

#[test]
fn a_manifest_that_this_machine_does_not_know_counts_if_it_is_named() {
    let site = Site::new();
    let second = second(&site);
    let promoted = |site: &Site| {
        done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
        done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    };
    promoted(&site);
    let missing = RetireRequest {
        keep_for: vec![site.path("no/profiles.json")],
        ..RetireRequest::default()
    };
    let error = rotate::retire(&missing, &site.world(LATER)).unwrap_err();
    assert!(error.to_string().contains("no/profiles.json"), "{error}");
    let document = retired(&site, vec![second.clone()]);
    assert_eq!((stays(&document), olds(&site)), (IDS.len(), IDS.len()));
    assert!(
        document
            .findings
            .iter()
            .any(|it| it.place.file.as_deref() == Some(&*second.to_string_lossy()))
    );
    // Nobody names it, and no step was taken with it: it is not known.
    let site = Site::new();
    self::second(&site);
    promoted(&site);
    assert_eq!((stays(&retired(&site, Vec::new())), olds(&site)), (0, 0));
}

#[test]
fn a_manifest_that_is_gone_pins_nothing_and_one_that_cannot_be_read_stops_the_removal() {
    let site = Site::new();
    let second = second(&site);
    done(rotate::stage(&site.stage(), &world_of_second(&site, NOW)).unwrap());
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    fs::write(&second, "<<<<<<< ours\n").unwrap();
    let error = rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap_err();
    assert!(
        error.to_string().contains("second/manifests/profiles.json"),
        "{error}"
    );
    assert_eq!(olds(&site), IDS.len());
    fs::remove_file(&second).unwrap();
    assert_eq!((stays(&retired(&site, Vec::new())), olds(&site)), (0, 0));
}

#[test]
fn a_rollback_leaves_successors_that_another_manifest_pins() {
    let site = Site::new();
    second(&site);
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    // They are there already, so this step does not change them.
    done(rotate::stage(&site.stage(), &world_of_second(&site, NOW)).unwrap());
    let back = done(rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!((stays(&back), successors(&site)), (IDS.len(), IDS.len()));
    let back = rotate::rollback(&RollbackRequest::default(), &world_of_second(&site, NOW)).unwrap();
    done(back);
    assert_eq!(successors(&site), IDS.len(), "it did not bring them");
}

#[test]
fn nothing_of_another_repository_stops_a_rollback() {
    let site = Site::new();
    let second = second(&site);
    done(rotate::stage(&site.stage(), &world_of_second(&site, NOW)).unwrap());
    let log_of_second = only_log(&site);
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    let back = || done(rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap());
    fs::write(&second, "<<<<<<< ours\n").unwrap();
    back();
    fs::write(log_of_second, "{}").unwrap();
    back();
    assert_eq!(
        successors(&site),
        IDS.len(),
        "the other one had brought them"
    );
}

fn only_log(site: &Site) -> PathBuf {
    let mut folders = fs::read_dir(site.path("state/rotations")).unwrap();
    folders.next().unwrap().unwrap().path().join("log.json")
}

#[test]
fn a_retirement_tells_where_the_repository_names_what_it_removed() {
    let site = Site::new();
    let (before, after) = (old(IDS[0]), successor(IDS[0]));
    let text = format!(
        "uuid {}\nname {}\nnew name {}\n",
        before.uuid.to_uppercase(),
        before.name,
        after.name
    );
    site.write("Fastfile", text);
    let told = |document: &StepDocument| -> Vec<(u64, String, String)> {
        let places = document.old_names.iter().filter(|it| it.file == "Fastfile");
        places
            .map(|it| (it.line, it.name.clone(), it.instead.clone()))
            .collect()
    };
    let expected = [
        (1, before.uuid.clone(), after.uuid.clone()),
        (2, before.name.clone(), after.name.clone()),
    ];
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let promoted = done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(told(&promoted), expected);
    // Nobody has changed it meanwhile.
    assert_eq!(told(&retired(&site, Vec::new())), expected);
}
