//! Places that are not as in the book: encrypted successors, Mac profiles, two directories, links, no permission, no room.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use countersign::base::finding::Code;
use countersign::base::ids::FileSha256;
use countersign::base::secret::Password;
use countersign::context::manifest::{Manifest, Version};
use countersign::ops::rotate::{
    self, PromoteRequest, RetireRequest, RollbackRequest, StageRequest,
};
use countersign::ops::world::World;
use forge::fixtures;
use forge::profile::{Kind, ProfileSpec};
use support::start;
use support::workshop::{Ran, ran};

use crate::site::{IDS, LATER, NOW, Site, done, old, successor};

fn promote(world: &World) {
    done(rotate::promote(&PromoteRequest::default(), world).unwrap());
}

fn retire(world: &World) {
    done(rotate::retire(&RetireRequest::default(), world).unwrap());
}

fn roll_back(world: &World) {
    done(rotate::rollback(&RollbackRequest::default(), world).unwrap());
}

/// The built program in a site, about to run.
fn command(site: &Site, words: &[&str]) -> Command {
    fs::create_dir_all(site.path("home")).unwrap();
    let mut command = start::countersign(&site.path("home"));
    command
        .args(["--state-dir", "state"])
        .args(words)
        .current_dir(site.path(""));
    command
}

#[test]
fn successors_that_match_encrypted_are_installed_in_clear() {
    // The fixtures are what match stored of the profiles that the old ones become.
    let stored = fixtures::products();
    let pairs: Vec<(ProfileSpec, ProfileSpec)> = stored
        .iter()
        .map(|spec| {
            let before = spec.clone().named(&format!("{} 2025", spec.name));
            let before = before.valid("2025-01-01T10:00:00Z", "2027-01-01T00:00:00Z");
            (before, spec.clone())
        })
        .collect();
    let uuid_of = |id: &str| {
        let spec = stored.iter().find(|spec| spec.bundle_pattern == id);
        spec.unwrap().uuid.clone()
    };
    for tree in ["plain", "v1-md5", "v1-sha256", "v2"] {
        let site = Site::of(&pairs);
        let request = StageRequest {
            successors: vec![support::root().join("fixtures/match").join(tree)],
            dry_run: false,
        };
        if tree != "plain" {
            let blocked = rotate::stage(&request, &site.world(NOW)).unwrap();
            let codes = support::blocking(&blocked.findings);
            assert!(!codes.is_empty(), "nobody gave the password");
            assert_eq!(site.manifest().profiles().len(), stored.len());
        }
        let mut world = site.world(NOW);
        world.match_password = Some(Password::new("rehearsal-only-no-secret".to_owned()));
        done(rotate::stage(&request, &world).unwrap());
        let manifest = site.manifest();
        assert_eq!(manifest.profiles().len(), 2 * IDS.len(), "{tree}");
        for spec in &stored {
            let installed = fs::read(site.path(format!("profiles/{}", spec.file_name()))).unwrap();
            assert!(installed == spec.mint(), "{tree}: it is in clear");
            assert!(manifest.has_bytes(&FileSha256::of(&installed)), "{tree}");
        }
        promote(&site.world(NOW));
        assert_eq!(site.gate(&site.manifest(), uuid_of), [], "{tree}");
    }
}

#[test]
fn profiles_of_the_mac_keep_their_name_and_change_sides_with_the_others() {
    let helper = ProfileSpec::mac(Kind::DeveloperId, "com.acme.helper");
    let next = helper.clone().named("Helper 2047");
    let next = next.valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let mut pairs = IDS.map(|id| (old(id), successor(id))).to_vec();
    pairs.push((helper.clone(), next.clone()));
    let site = Site::of(&pairs);
    assert!(helper.file_name().ends_with(".provisionprofile"));
    let has = |spec: &ProfileSpec| {
        site.path(format!("profiles/{}", spec.file_name()))
            .is_file()
    };
    assert!(has(&helper) && !has(&next));
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert!(has(&helper) && has(&next));
    let promoted = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    let products: Vec<_> = done(promoted)
        .revisions
        .iter()
        .map(|it| it.product.clone())
        .collect();
    assert_eq!(products.len(), 2, "{products:?}");
    retire(&site.world(LATER));
    assert!(!has(&helper) && has(&next));
    roll_back(&site.world(LATER));
    assert!(has(&helper) && has(&next));
    assert_eq!(
        fs::read(site.path(format!("profiles/{}", helper.file_name()))).unwrap(),
        helper.mint()
    );
}

/// Before Xcode 16, and from then on, below the home.
const XCODES: [&str; 2] = [
    "Library/MobileDevice/Provisioning Profiles",
    "Library/Developer/Xcode/UserData/Provisioning Profiles",
];

#[test]
fn both_directories_of_xcode_are_looked_into_and_the_new_one_is_written_to() {
    let site = Site::new();
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    site.write(
        "manifests/signing.toml",
        policy.replace("directories = [\"../profiles\"]\n", ""),
    );
    // One of the old profiles lies in both, the others in the old one alone.
    for directory in XCODES {
        fs::create_dir_all(site.path("home").join(directory)).unwrap();
    }
    let place = |directory: &str, name: &str| site.path("home").join(directory).join(name);
    for id in IDS {
        let name = old(id).file_name();
        fs::copy(
            site.path(format!("profiles/{name}")),
            place(XCODES[0], &name),
        )
        .unwrap();
    }
    let twice = old(IDS[0]).file_name();
    fs::copy(place(XCODES[0], &twice), place(XCODES[1], &twice)).unwrap();
    let world = |now: &str| {
        let mut world = site.world(now);
        world.surroundings.home = Some(site.path("home"));
        world
    };
    let there = |directory: &str| {
        let entries = fs::read_dir(site.path("home").join(directory)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let start = XCODES.map(there);
    done(rotate::stage(&site.stage(), &world(NOW)).unwrap());
    assert_eq!(there(XCODES[0]), start[0]);
    assert_eq!(there(XCODES[1]).len(), 1 + IDS.len());
    promote(&world(NOW));
    retire(&world(LATER));
    assert_eq!(there(XCODES[0]), Vec::<String>::new());
    let mut successors: Vec<String> = IDS.iter().map(|id| successor(id).file_name()).collect();
    successors.sort();
    assert_eq!(there(XCODES[1]), successors);
    // Every copy comes back, each where it was.
    let back = RollbackRequest {
        to: Some(1),
        dry_run: false,
    };
    done(rotate::rollback(&back, &world(LATER)).unwrap());
    assert_eq!(XCODES.map(there), start);
}

#[test]
fn a_manifest_of_the_first_version_stays_one_through_all_steps() {
    let site = Site::new();
    let mut content = site.manifest().content().clone();
    content.version = Version::First;
    site.write("manifests/profiles.json", content.to_bytes());
    let is_first = || {
        let text = fs::read_to_string(site.path("manifests/profiles.json")).unwrap();
        text.contains("countersign.manifest.v1") && Manifest::parse(text.as_bytes()).is_ok()
    };
    assert!(is_first());
    let start = site.picture();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert!(is_first());
    promote(&site.world(NOW));
    assert!(is_first());
    assert_eq!(site.gate(&site.manifest(), |id| successor(id).uuid), []);
    retire(&site.world(LATER));
    assert!(is_first());
    let back = RollbackRequest {
        to: Some(1),
        dry_run: false,
    };
    done(rotate::rollback(&back, &site.world(LATER)).unwrap());
    assert_eq!(site.picture(), start);
}

#[test]
fn a_profile_that_was_a_link_comes_back_as_a_file_of_the_same_bytes_and_its_store_is_not_touched() {
    let site = Site::new();
    fs::create_dir(site.path("store")).unwrap();
    let name = old(IDS[0]).file_name();
    let (link, stored) = (
        site.path(format!("profiles/{name}")),
        site.path("store/one"),
    );
    fs::rename(&link, &stored).unwrap();
    symlink(&stored, &link).unwrap();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    promote(&site.world(NOW));
    assert!(link.is_symlink());
    retire(&site.world(LATER));
    assert!(link.symlink_metadata().is_err(), "the link goes");
    assert!(stored.is_file(), "and what it leads to stays");
    roll_back(&site.world(LATER));
    assert!(!link.is_symlink());
    assert_eq!(fs::read(&link).unwrap(), old(IDS[0]).mint());
    assert_eq!(site.gate(&site.manifest(), |id| successor(id).uuid), []);
}

/// The log of the only rotation in the state directory.
fn log(site: &Site) -> PathBuf {
    let mut folders = fs::read_dir(site.path("state/rotations")).unwrap();
    folders.next().unwrap().unwrap().path().join("log.json")
}

#[test]
fn a_log_that_is_a_link_is_an_error_and_never_an_empty_log() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let (log, elsewhere) = (log(&site), site.path("elsewhere.json"));
    fs::rename(&log, &elsewhere).unwrap();
    symlink(&elsewhere, &log).unwrap();
    let picture = site.picture();
    let refused = || {
        for words in [
            &["rotate", "status"][..],
            &["rotate", "promote"],
            &["rotate", "rollback"],
        ] {
            ran(&mut command(&site, words))
                .exits(11)
                .says(&["log.json"]);
        }
        assert_eq!(site.picture(), picture);
    };
    refused();
    // One that leads nowhere.
    fs::remove_file(&elsewhere).unwrap();
    refused();
    fs::remove_file(&log).unwrap();
    ran(&mut command(&site, &["rotate", "status"])).exits(0);
}

#[test]
fn a_probe_that_comes_through_a_pipe_is_refused_with_what_to_do() {
    let site = Site::promoted();
    let mut promote = command(&site, &["rotate", "retire", "--probe", "/dev/stdin"]);
    promote
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child: Child = promote.spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(11));
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("/dev/stdin: it is a pipe"), "{said}");
    assert!(
        said.contains("save the contents to a file and name that file"),
        "{said}"
    );
}

/// Gives all of a site to a user who is not root, where this process is root; that user then runs the program.
fn as_user(site: &Site, words: &[&str]) -> Ran {
    /// A number that no system gives to anybody.
    const USER: u32 = 71_717;
    let mut command = command(site, words);
    if rustix::process::geteuid().is_root() {
        own(&site.path(""), USER);
        command.uid(USER).gid(USER);
    }
    ran(&mut command)
}

fn own(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), user);
        }
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_nobody_may_write_to_stops_a_step_and_leaves_everything_as_it_was() {
    for closed in ["profiles", "manifests"] {
        let site = Site::new();
        // Other users come to the site through it.
        mode(&site.path(""), 0o755);
        let start = site.picture();
        let stage = ["rotate", "stage", "--successors", "successors"];
        mode(&site.path(closed), 0o555);
        as_user(&site, &stage).exits(11).says(&[
            "this user has no permission to write there",
            "grant it (chmod, chown)",
            "the step stage is taken back",
        ]);
        assert_eq!(site.picture(), start, "{closed}");
        mode(&site.path(closed), 0o755);
        as_user(&site, &stage).exits(0);
        assert_ne!(site.picture(), start, "{closed}");
    }
}

#[test]
fn a_manifest_that_is_read_only_is_replaced_and_stays_read_only() {
    let site = Site::new();
    let manifest = site.path("manifests/profiles.json");
    mode(&manifest, 0o444);
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    promote(&site.world(NOW));
    assert_eq!(
        manifest.metadata().unwrap().permissions().mode() & 0o777,
        0o444
    );
    assert!(Site::sides(&site.manifest()).iter().all(|is_new| *is_new));
}

#[test]
fn of_two_commands_at_once_one_comes_after_the_other_or_says_so() {
    for words in [
        &["rotate", "stage", "--successors", "successors"][..],
        &["rotate", "promote"],
        &["rotate", "rollback", "--to", "1"],
    ] {
        let site = Site::new();
        if words[1] != "stage" {
            done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
        }
        let started = site.picture();
        let children: Vec<Child> = (0..3)
            .map(|_| {
                let mut command = command(&site, words);
                // Each of them at the same instant, as far as they can be.
                command
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut done = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => done += 1,
                // What it was going to do is done, or somebody else was faster.
                Some(10 | 11 | 2) => {}
                code => panic!("{words:?}: {code:?}: {said}"),
            }
        }
        assert!(done >= 1, "{words:?}");
        assert_ne!(site.picture(), started, "{words:?}");
        let status = rotate::status(&site.world(LATER)).unwrap();
        assert!(status.steps.iter().all(|step| step.done), "{words:?}");
        assert!(
            status
                .findings
                .iter()
                .all(|it| it.code != Code::RotationUnfinished)
        );
    }
}
