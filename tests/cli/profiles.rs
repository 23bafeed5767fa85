//! Showing, installing and pruning profiles.

use forge::flaw::{Flaw, Layer};
use forge::profile::{Kind, ProfileSpec};
use support::workshop::{Workshop, codes, stock};

#[test]
fn show_decodes_and_verifies() {
    let workshop = Workshop::stocked();
    let spec = &stock()[0];
    let file = format!("profiles/{}", spec.file_name());
    workshop.run(&["profile", "show", &file]).exits(0).says(&[
        "proven",
        &spec.name,
        &spec.uuid,
        "app-store",
    ]);
    let document = workshop
        .run(&["profile", "show", "--format", "json", &file])
        .exits(0)
        .json();
    assert_eq!(document["schema"], "countersign.profiles.v1");
    let profile = &document["profiles"][0];
    assert_eq!(profile["proven"], true);
    assert_eq!(profile["uuid"], spec.uuid);
    assert_eq!(profile["kind"], "app-store");
    assert_eq!(profile["kind_source"], "distribution-type");
    assert_eq!(profile["bundle_id"], "com.acme.rocket");
}

#[test]
fn a_bad_file_does_not_hide_the_good_ones() {
    let workshop = Workshop::stocked();
    workshop.write("profiles/aaa.mobileprovision", "rubbish");
    workshop.write("profiles/readme.txt", "no profile, and not named like one");
    let document = workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
    let profiles = document["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 4);
    assert_eq!(
        profiles
            .iter()
            .filter(|profile| profile["proven"] == true)
            .count(),
        3
    );
    workshop
        .run(&["profile", "list"])
        .exits(0)
        .says(&["1 not proven"]);
    let document = workshop
        .run(&["profile", "show", "profiles", "--format", "json"])
        .exits(10)
        .json();
    assert_eq!(codes(&document["profiles"][0]), ["profile-unreadable"]);
}

#[test]
fn installing_is_idempotent_and_under_the_conventional_name() {
    let workshop = Workshop::new();
    let spec = &stock()[0];
    workshop.write("downloaded (1).mobileprovision", spec.mint());
    let install = ["profile", "install", "downloaded (1).mobileprovision"];
    workshop.run(&install).exits(0).says(&["installed: "]);
    assert_eq!(workshop.list("profiles"), [spec.file_name()]);
    workshop
        .run(&install)
        .exits(0)
        .says(&["already installed: "]);
    workshop.write(format!("profiles/{}", spec.file_name()), "damaged");
    workshop.run(&install).exits(0).says(&["replaced: "]);
    assert_eq!(
        workshop.read(format!("profiles/{}", spec.file_name())),
        spec.mint()
    );
    assert_eq!(workshop.list("profiles"), [spec.file_name()]);
}

#[test]
fn one_unproven_file_keeps_all_from_being_installed() {
    let workshop = Workshop::new();
    workshop.write("good.mobileprovision", stock()[0].mint());
    let forged = stock()[1].clone().with(Flaw::Impostor(Layer::Outer));
    workshop.write("forged.mobileprovision", forged.mint());
    workshop
        .run(&[
            "profile",
            "install",
            "good.mobileprovision",
            "forged.mobileprovision",
        ])
        .exits(10)
        .says(&[
            "nothing was installed",
            "profile-anchor-not-apple",
            "forged.mobileprovision",
        ]);
    assert!(workshop.list("profiles").is_empty());
}

#[test]
fn pruning_says_first_then_does_and_never_takes_a_pinned_one() {
    let workshop = Workshop::frozen();
    let pinned = workshop.list("profiles");
    let expired = ProfileSpec::ios(Kind::AdHoc, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let unpinned = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket");
    for spec in [&expired, &unpinned] {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop.write("profiles/notes.txt", "not ours");
    let all = workshop.list("profiles");
    workshop
        .run(&["profile", "prune", "--unpinned", "--dry-run"])
        .exits(0)
        .says(&[
            "would be removed: not pinned",
            &unpinned.file_name(),
            &expired.file_name(),
        ]);
    assert_eq!(workshop.list("profiles"), all);
    workshop
        .run(&["profile", "prune", "--expired"])
        .exits(0)
        .says(&["removed: expired", &expired.file_name()]);
    assert!(
        !workshop
            .path(format!("profiles/{}", expired.file_name()))
            .exists()
    );
    assert!(
        workshop
            .path(format!("profiles/{}", unpinned.file_name()))
            .exists()
    );
    workshop.run(&["profile", "prune", "--unpinned"]).exits(0);
    let mut left = pinned;
    left.push("notes.txt".to_owned());
    left.sort();
    assert_eq!(workshop.list("profiles"), left);
    workshop
        .run(&["profile", "prune", "--unpinned"])
        .exits(0)
        .says(&["nothing to do"]);
    workshop.run(&["profile", "prune"]).exits(2);
}

#[test]
fn pruning_keeps_a_pinned_one_that_has_expired() {
    let workshop = Workshop::new();
    let expired = ProfileSpec::ios(Kind::AppStore, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", expired.file_name()), expired.mint());
    workshop
        .run(&["manifest", "freeze", "--allow-expired"])
        .exits(0);
    workshop
        .run(&["profile", "prune", "--expired", "--unpinned"])
        .exits(0)
        .says(&["nothing to do"]);
    assert_eq!(workshop.list("profiles"), [expired.file_name()]);
}

#[test]
fn without_a_manifest_what_has_expired_is_pruned() {
    let workshop = Workshop::stocked();
    let expired = ProfileSpec::ios(Kind::AppStore, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", expired.file_name()), expired.mint());
    workshop
        .run(&["profile", "prune", "--expired"])
        .exits(0)
        .says(&[&expired.file_name()]);
    assert_eq!(workshop.list("profiles").len(), 3);
}

#[test]
fn without_a_manifest_nothing_is_pruned_as_unpinned() {
    let workshop = Workshop::stocked();
    workshop
        .run(&["profile", "prune", "--unpinned"])
        .exits(11)
        .says(&["there is no manifest", "--manifest"]);
    assert_eq!(workshop.list("profiles").len(), 3);
}
