//! Installing and removing profiles stands in the audit log before it happens, and does not happen otherwise.
//!
//! Below the command line: the verbs are called with a world that the test builds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign::base::clock::FixedClock;
use countersign::base::error::ErrorCode;
use countersign::host::profile_store::PruneRules;
use countersign::ops::audit::{self, ShowRequest};
use countersign::ops::error::Failure;
use countersign::ops::manifest::{self, FreezeRequest};
use countersign::ops::notice::Deaf;
use countersign::ops::profile::{self, PruneRequest};
use countersign::ops::world::{Places, Surroundings, World};
use forge::hierarchy::Hierarchy;
use forge::profile::{Kind, ProfileSpec};

const NOW: &str = "2026-06-01T12:00:00Z";

/// A home with a policy that believes Acme's authority, and an empty directory of installed profiles.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("profiles")).unwrap();
        fs::write(home.path("anchors.pem"), Hierarchy::acme().anchors_pem()).unwrap();
        let policy = "version = 1\n[profiles]\ndirectories = [\"profiles\"]\ntrust_anchors = [\"anchors.pem\"]\n";
        fs::write(home.path("signing.toml"), policy).unwrap();
        home
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn world(&self) -> World {
        let places = Places {
            policy: Some(self.path("signing.toml")),
            manifest: Some(self.path("profiles.json")),
            state_dir: Some(self.path("state")),
            ..Places::default()
        };
        let clock = FixedClock(NOW.parse().unwrap());
        let surroundings = Surroundings {
            job: Some("job-7".to_owned()),
            ..Surroundings::default()
        };
        World::new(places, surroundings, Arc::new(clock), Box::new(Deaf))
    }

    fn mint(&self, spec: &ProfileSpec) -> PathBuf {
        let path = self.path("downloaded.mobileprovision");
        fs::write(&path, spec.mint()).unwrap();
        path
    }

    fn installed(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("profiles")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// What the log holds: action, outcome and the file.
    fn records(&self) -> Vec<(String, String, String)> {
        let shown = audit::show(&ShowRequest::default(), &self.world()).unwrap();
        assert!(shown.holds);
        let records = shown.records.into_iter();
        records
            .map(|record| {
                assert_eq!(record.time.to_string(), NOW);
                assert_eq!(record.actor.job.as_deref(), Some("job-7"));
                let file = Path::new(&record.details["file"]).file_name().unwrap();
                let file = file.to_str().unwrap().to_owned();
                (record.what.to_string(), record.outcome.to_string(), file)
            })
            .collect()
    }
}

fn rocket() -> ProfileSpec {
    ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
}

fn steps(action: &str, outcomes: [&str; 2], file: &str) -> Vec<(String, String, String)> {
    let steps = outcomes.into_iter();
    steps
        .map(|outcome| (action.to_owned(), outcome.to_owned(), file.to_owned()))
        .collect()
}

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> ErrorCode {
    match result.unwrap_err() {
        Failure::Error(error) => error.code(),
        Failure::Blocked(findings) => panic!("{findings:#?}"),
    }
}

#[test]
fn an_installation_is_recorded_before_and_after_it() {
    let home = Home::new();
    let file = home.mint(&rocket());
    profile::install(&[file], &home.world()).unwrap();
    let name = rocket().file_name();
    assert_eq!(home.installed(), std::slice::from_ref(&name));
    let expected = steps("profile-install", ["intended", "done"], &name);
    assert_eq!(home.records(), expected);
}

#[test]
fn what_is_installed_already_leaves_no_record() {
    let home = Home::new();
    let file = home.mint(&rocket());
    profile::install(std::slice::from_ref(&file), &home.world()).unwrap();
    let again = profile::install(&[file], &home.world()).unwrap();
    assert_eq!(again.files[0].outcome, "already installed");
    assert_eq!(home.records().len(), 2);
}

#[test]
fn an_installation_that_cannot_be_recorded_does_not_happen() {
    let home = Home::new();
    let file = home.mint(&rocket());
    fs::create_dir_all(home.path("state/audit.jsonl")).unwrap();
    fs::set_permissions(home.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    let result = profile::install(&[file], &home.world());
    assert_eq!(code(result), ErrorCode::NotRecorded);
    assert!(home.installed().is_empty());
}

#[test]
fn an_installation_that_fails_is_recorded_as_failed() {
    let home = Home::new();
    let file = home.mint(&rocket());
    let name = rocket().file_name();
    // A directory of that name cannot be replaced by a file.
    fs::create_dir(home.path("profiles").join(&name)).unwrap();
    let result = profile::install(&[file], &home.world());
    assert_eq!(code(result), ErrorCode::OutputNotWritten);
    let expected = steps("profile-install", ["intended", "failed"], &name);
    assert_eq!(home.records(), expected);
}

#[test]
fn a_removal_is_recorded_before_and_after_it_and_a_rehearsal_of_one_is_not() {
    let home = Home::new();
    manifest::freeze(
        &FreezeRequest {
            paths: vec![home.mint(&rocket())],
            ..FreezeRequest::default()
        },
        &home.world(),
    )
    .unwrap();
    let other = ProfileSpec::ios(Kind::AdHoc, "com.acme.other");
    let name = other.file_name();
    fs::write(home.path("profiles").join(&name), other.mint()).unwrap();
    let prune = |dry_run| {
        let rules = PruneRules {
            expired: false,
            unpinned: true,
        };
        profile::prune(&PruneRequest { rules, dry_run }, &home.world())
    };

    prune(true).unwrap();
    assert_eq!(home.records(), []);
    assert_eq!(home.installed(), std::slice::from_ref(&name));

    // The state directory was not made yet, and a file has its name.
    fs::write(home.path("state"), "").unwrap();
    prune(false).unwrap_err();
    assert_eq!(home.installed(), std::slice::from_ref(&name));
    fs::remove_file(home.path("state")).unwrap();

    prune(false).unwrap();
    assert!(home.installed().is_empty());
    let expected = steps("profile-remove", ["intended", "done"], &name);
    assert_eq!(home.records(), expected);
}
