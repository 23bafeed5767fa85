//! What is seen of this machine: which directories of profiles are there, and whether what lies in them lasts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use countersign::base::clock::FixedClock;
use countersign::base::error::{ErrorCode, Explain};
use countersign::base::remedy::Remedy;
use countersign::context::gate::facts::{InstalledProfiles, Observation, TargetSelection};
use countersign::host::observation::projects::ProjectRequest;
use countersign::host::observation::{
    ObservationError, ProfilePlace, ProfilePlaces, Request, observe,
};
use support::verifier;

use crate::scene::{NOW, instant, project};

/// How a directory of profiles is looked at.
struct Place<'a> {
    path: &'a Path,
    must_exist: bool,
    with_access: bool,
    temporary: &'a [PathBuf],
}

impl<'a> Place<'a> {
    fn named(path: &'a Path) -> Self {
        Self {
            path,
            must_exist: true,
            with_access: false,
            temporary: &[],
        }
    }

    fn seen(&self) -> Result<InstalledProfiles, ObservationError> {
        let verifier = verifier();
        let directories = [ProfilePlace {
            path: self.path.to_owned(),
            must_exist: self.must_exist,
        }];
        let request: Request<'_, ObservationError> = Request {
            profiles: Some(ProfilePlaces {
                directories: &directories,
                temporary: self.temporary,
                checkouts: &[],
                with_access: self.with_access,
                verifier: &verifier,
                proofs: None,
            }),
            ..Request::default()
        };
        let facts = observe(&request, &FixedClock(instant(NOW)))?;
        match facts.observed().profiles.clone() {
            Observation::Observed(installed) => Ok(installed),
            Observation::Unobserved { why } => panic!("{why}"),
        }
    }
}

#[test]
fn a_directory_that_somebody_named_must_be_there_and_a_default_one_need_not() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = Place::named(&missing).seen().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileMissing);
    assert_eq!(error.place().file, Some(missing.display().to_string()));
    assert_eq!(
        error.hint().as_deref(),
        Some("check the path and its permissions")
    );
    let default = Place {
        must_exist: false,
        ..Place::named(&missing)
    };
    assert!(default.seen().unwrap().directories.is_empty());
    // What is there and is no directory is wrong wherever it comes from.
    fs::write(&missing, b"").unwrap();
    let error = default.seen().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileUnreadable);
}

/// Whoever may make it may put profiles into it.
#[test]
fn a_directory_that_is_not_there_matters_where_this_user_may_make_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let default = Place {
        must_exist: false,
        with_access: true,
        ..Place::named(&missing)
    };
    let [seen] = default.seen().unwrap().directories.try_into().unwrap();
    let access = seen.access.unwrap();
    assert!(access.is_root || !access.changes.is_empty(), "{access:?}");
}

#[test]
fn a_directory_is_known_by_the_path_that_its_links_lead_to() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().canonicalize().unwrap().join("there");
    let link = directory.path().join("link");
    fs::create_dir(&there).unwrap();
    symlink(&there, &link).unwrap();
    let [seen] = Place::named(&link)
        .seen()
        .unwrap()
        .directories
        .try_into()
        .unwrap();
    assert_eq!((seen.path, seen.resolved), (link, there));
}

#[test]
fn what_lies_in_a_temporary_tree_may_be_wiped() {
    let directory = tempfile::tempdir().unwrap();
    let tree = [directory.path().canonicalize().unwrap()];
    let there = tree[0].join("profiles");
    fs::create_dir(&there).unwrap();
    let of_job = Place {
        temporary: &tree,
        ..Place::named(&there)
    };
    let [seen] = of_job.seen().unwrap().directories.try_into().unwrap();
    let told = format!(
        "{}: the CI runner empties it for each job",
        tree[0].display()
    );
    assert_eq!(seen.ephemeral, Some(told));
}

/// What another room says of its error reaches whoever looked.
#[test]
fn what_cannot_be_looked_at_is_an_error_with_its_place_and_its_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let looked = |wanted: &ProjectRequest| {
        let request: Request<'_, ObservationError> = Request {
            targets: Some(wanted),
            ..Request::default()
        };
        observe(&request, &FixedClock(instant(NOW))).unwrap_err()
    };
    let no_project = looked(&ProjectRequest {
        projects: vec![PathBuf::from("/nowhere/App.txt")],
        ..ProjectRequest::default()
    });
    let file = no_project.place().file;
    assert_eq!(file.as_deref(), Some("/nowhere/App.txt"));
    let hint = no_project.hint();
    assert_eq!(hint.as_deref(), Some("name an Xcode project or workspace"));
    assert_eq!(no_project.remedy(), None);
    let no_target = looked(&ProjectRequest {
        projects: vec![project().write(directory.path())],
        selection: TargetSelection {
            targets: vec!["Nobody".to_owned()],
            ..TargetSelection::default()
        },
        ..ProjectRequest::default()
    });
    assert_eq!(no_target.remedy(), Some(Remedy::ShowTargets));
    assert!(no_target.to_string().contains("Nobody"), "{no_target}");
}
