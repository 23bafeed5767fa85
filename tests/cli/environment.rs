//! Options that stand in the environment, and files that are found from a subdirectory.

use std::fs;
use std::path::Path;

use support::workshop::{Ran, Workshop, ran};

/// Runs it in a folder of the workshop with these variables.
fn run_in(workshop: &Workshop, folder: &str, variables: &[(&str, &str)], words: &str) -> Ran {
    let words: Vec<&str> = words.split(' ').collect();
    let mut command = workshop.command(&words);
    command
        .current_dir(workshop.path(folder))
        // A repository that holds the home directory holds no project.
        .env("HOME", "/")
        .envs(variables.iter().copied());
    ran(&mut command)
}

/// A frozen workshop that is a repository with a folder in it.
fn repository() -> Workshop {
    let workshop = Workshop::frozen();
    fs::create_dir(workshop.path(".git")).unwrap();
    fs::create_dir_all(workshop.path("ios/App")).unwrap();
    workshop
}

#[test]
fn policy_and_manifest_are_found_from_a_subdirectory_of_the_repository() {
    let workshop = repository();
    let above = run_in(&workshop, "ios/App", &[], "manifest digest").exits(0);
    let here = run_in(&workshop, ".", &[], "manifest digest").exits(0);
    assert_eq!(above.out, here.out);
    run_in(&workshop, "ios/App", &[], "policy digest").exits(0);
    fs::remove_dir(workshop.path(".git")).unwrap();
    run_in(&workshop, "ios/App", &[], "manifest digest").exits(11);
}

#[test]
fn a_manifest_that_is_not_there_yet_is_frozen_beside_the_policy() {
    let workshop = repository();
    fs::remove_file(workshop.path("manifests/profiles.json")).unwrap();
    run_in(&workshop, "ios/App", &[], "manifest freeze ../../profiles").exits(0);
    assert!(workshop.path("manifests/profiles.json").exists());
}

#[test]
fn a_policy_of_another_user_counts_only_if_it_is_named() {
    let workshop = repository();
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let policy = workshop.path("manifests/signing.toml");
    std::os::unix::fs::chown(&policy, Some(4711), None).unwrap();
    run_in(&workshop, "ios", &[], "policy digest")
        .exits(11)
        .says(&["belongs to user 4711", "--policy"]);
    let named = "policy digest --policy ../manifests/signing.toml";
    run_in(&workshop, "ios", &[], named).exits(0);
}

#[test]
fn an_option_may_stand_in_the_environment_and_what_is_said_by_hand_wins() {
    let workshop = repository();
    let manifest = workshop.path("manifests/profiles.json");
    let elsewhere = workshop.path("elsewhere.json");
    fs::rename(&manifest, &elsewhere).unwrap();
    let variable = |path: &Path| path.to_str().unwrap().to_owned();
    let named = variable(&elsewhere);
    let named = [("COUNTERSIGN_MANIFEST", named.as_str())];
    run_in(&workshop, "ios", &[], "manifest digest").exits(11);
    run_in(&workshop, "ios", &named, "manifest digest").exits(0);
    let by_hand = "manifest digest --manifest nowhere.json";
    run_in(&workshop, "ios", &named, by_hand)
        .exits(11)
        .says(&["nowhere.json"]);
    let json = [("COUNTERSIGN_FORMAT", "json"), named[0]];
    run_in(&workshop, "ios", &json, "manifest digest")
        .exits(0)
        .json();
    let wrong = [("COUNTERSIGN_FORMAT", "yaml")];
    run_in(&workshop, "ios", &wrong, "manifest digest")
        .exits(2)
        .says(&["yaml"]);
}

#[test]
fn a_variable_gives_way_to_an_option_that_it_conflicts_with() {
    let workshop = repository();
    let keychain = [("COUNTERSIGN_KEYCHAIN", "/nowhere.keychain-db")];
    let words = "gate --identities identities.txt --without targets";
    run_in(&workshop, ".", &keychain, words).exits(0);
}

#[test]
fn no_variable_weakens_a_verdict() {
    let workshop = repository();
    let waiving = [
        ("COUNTERSIGN_WITHOUT", "identities,targets"),
        ("COUNTERSIGN_ALLOW_UNMAPPED", "App"),
        ("COUNTERSIGN_YES", "true"),
        ("COUNTERSIGN_AT", "2027-01-15T08:00:00Z"),
        ("COUNTERSIGN_HOST", "signer-01"),
        ("COUNTERSIGN_ROOT", "/"),
    ];
    let judged = run_in(&workshop, ".", &waiving, "gate --format json").exits(10);
    let judged = judged.json();
    assert_eq!(judged["waived"], serde_json::json!([]));
    assert_eq!(judged["rehearsal"], false);
}

#[test]
fn a_demand_that_came_out_empty_is_no_demand_less() {
    let workshop = repository();
    for name in [
        "COUNTERSIGN_EXPECT_MANIFEST",
        "COUNTERSIGN_EXPECT_POLICY",
        "COUNTERSIGN_EXPECT_SIGNING",
        "COUNTERSIGN_MINIMUM_REVISION",
        "COUNTERSIGN_REGION",
    ] {
        run_in(&workshop, ".", &[(name, "")], "gate --without targets")
            .exits(2)
            .says(&[&name["COUNTERSIGN_".len()..]
                .to_lowercase()
                .replace('_', "-")]);
    }
    // Of what demands nothing, an empty variable says nothing.
    let nothing = [("COUNTERSIGN_STATE_DIR", ""), ("COUNTERSIGN_FORMAT", "")];
    run_in(&workshop, ".", &nothing, "manifest digest").exits(0);
}

/// A conflict is declared on one of the two options, and counts for both: `run` names its keychain to every job.
#[test]
fn an_option_that_is_said_keeps_out_a_variable_that_excludes_it() {
    let workshop = repository();
    let keychain = [("COUNTERSIGN_KEYCHAIN", "/nowhere/ci.keychain")];
    for words in [
        "identity list --identities identities.txt",
        "identity digest --identities identities.txt",
    ] {
        run_in(&workshop, ".", &keychain, words).exits(0);
    }
}
