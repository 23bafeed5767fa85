//! Which profile a target gets, and what freezing keeps of it.

use std::collections::BTreeMap;

use countersign::context::manifest::ProfileState;
use forge::find_identity;
use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, TargetSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes};

use crate::scene::{
    SHARE, SPECIFIER, blocking, frozen, gate, groups, only, profile, rocket, scene, shown, unasked,
    without,
};

#[test]
fn the_policy_overrides_what_would_be_chosen() {
    let other = profile(SHARE).named("Share by hand");
    let workshop = scene(&unasked(), &[products(), vec![other.clone()]].concat());
    let rule = format!(
        "\n[[targets]]\ntarget = \"Share\"\nconfiguration = \"Release\"\nprofile = \"{}\"\n",
        other.uuid
    );
    workshop.write(
        "manifests/signing.toml",
        format!("{}{rule}", support::workshop::POLICY),
    );
    let share = shown(&workshop, "Share", &[]);
    assert_eq!(share["chosen"]["profile"], other.uuid);
    assert_eq!(share["chosen"]["why"], "policy");
    assert_eq!(
        shown(&workshop, "Widgets", &[])["chosen"]["why"],
        "best-fit"
    );
}

#[test]
fn a_tie_is_decided_and_told() {
    let other = profile(SHARE).named("Share again");
    let workshop = scene(&unasked(), &[products(), vec![other.clone()]].concat());
    let share = shown(&workshop, "Share", &[]);
    let mut uuids = [other.uuid, profile(SHARE).uuid];
    uuids.sort();
    assert_eq!(share["chosen"]["profile"], uuids[0]);
    assert_eq!(share["discarded"][0]["profile"], uuids[1]);
    let why = share["discarded"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("fits equally well") && why.contains("[[targets]]"),
        "{why}"
    );
}

#[test]
fn exact_profiles_come_before_wildcards_and_longer_prefixes_before_shorter_ones() {
    let entitled = |pattern: &str| {
        ProfileSpec::ios(Kind::AppStore, pattern)
            .entitled("com.apple.security.application-groups", groups())
    };
    let (all, acme, rockets) = (
        entitled("*"),
        entitled("com.acme.*"),
        entitled("com.acme.rocket.*"),
    );
    let exact = profile(SHARE);
    for (at_hand, chosen) in [
        (vec![&all, &acme, &rockets, &exact], &exact),
        (vec![&all, &acme, &rockets], &rockets),
        (vec![&all, &acme], &acme),
        (vec![&all], &all),
    ] {
        let profiles: Vec<ProfileSpec> = at_hand.into_iter().cloned().collect();
        let share = shown(&scene(&unasked(), &profiles), "Share", &[]);
        assert_eq!(share["chosen"]["profile"], chosen.uuid, "{share:#}");
        assert_eq!(
            share["discarded"].as_array().map_or(0, Vec::len),
            profiles.len() - 1
        );
    }
}

/// Freezes what is there and gives one profile another state.
fn freeze_with_state(workshop: &Workshop, uuid: &str, state: ProfileState) {
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop.edit_manifest(|content| {
        let mut profiles = content.profiles.iter_mut();
        let profile = profiles.find(|profile| profile.uuid.as_str() == uuid);
        profile.unwrap().state = state;
    });
}

/// `targets` against the frozen manifest.
fn pinned(workshop: &Workshop, verb: &str, arguments: &[&str]) -> Ran {
    let fixed = [
        "targets",
        verb,
        "--project",
        "Acme.xcodeproj",
        "--configuration",
        "Release",
        "--format",
        "json",
    ];
    workshop.run(&[&fixed, arguments].concat())
}

#[test]
fn active_profiles_come_before_incoming_ones_and_retiring_ones_are_not_chosen() {
    let newer = profile(SHARE)
        .named("iOS App Store - Extensions-Share 2027")
        .valid("2026-06-01T00:00:00Z", "2056-01-01T00:00:00Z");
    let both = [products(), vec![newer.clone()]].concat();
    let chosen = |state: ProfileState, of: &str| {
        let workshop = scene(&unasked(), &both);
        freeze_with_state(&workshop, of, state);
        let document = pinned(&workshop, "show", &["--target", "Share"])
            .exits(0)
            .json();
        document["targets"][0]["chosen"]["profile"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        chosen(ProfileState::Active, &newer.uuid),
        newer.uuid,
        "the newer of two active ones"
    );
    assert_eq!(
        chosen(ProfileState::Incoming, &newer.uuid),
        profile(SHARE).uuid
    );
    assert_eq!(
        chosen(ProfileState::Retiring, &profile(SHARE).uuid),
        newer.uuid
    );
    // What still asks for the retiring one is stale, wherever both are installed.
    let workshop = scene(&rocket(), &both);
    freeze_with_state(&workshop, &profile(SHARE).uuid, ProfileState::Retiring);
    let document = pinned(&workshop, "check", &[]).exits(10).json();
    let told = blocking(&workshop, &document);
    let told = only(told, "target-profile-stale", "Share", SPECIFIER);
    assert!(told.message().contains("retiring"), "{}", told.message());
}

#[test]
fn a_target_whose_only_profile_is_retiring_is_not_signed() {
    for (project, line) in [(rocket(), SPECIFIER), (unasked(), SHARE)] {
        let workshop = scene(&project, &products());
        freeze_with_state(&workshop, &profile(SHARE).uuid, ProfileState::Retiring);
        let document = pinned(&workshop, "check", &[]).exits(10).json();
        let told = only(
            blocking(&workshop, &document),
            "target-unmapped",
            "Share",
            line,
        );
        assert!(told.finding["found"].as_str().unwrap().contains("retiring"));
    }
}

#[test]
fn freeze_stores_the_map_of_the_project() {
    let workshop = frozen(&rocket(), &products());
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let map: BTreeMap<&str, &str> = manifest["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pin| {
            assert_eq!(pin["project"], "Acme.xcodeproj");
            assert_eq!(pin["configuration"], "Release");
            (
                pin["target"].as_str().unwrap(),
                pin["profile"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = products();
    let uuids: Vec<&str> = expected.iter().map(|spec| spec.uuid.as_str()).collect();
    let names = ["Rocket", "Share", "Widgets", "Watch"];
    assert_eq!(map, names.into_iter().zip(uuids).collect());
    // A second freeze finds nothing to change.
    let before = workshop.read("manifests/profiles.json");
    workshop
        .run(&["manifest", "freeze", "--project", "Acme.xcodeproj"])
        .exits(0)
        .says(&["unchanged"]);
    assert_eq!(workshop.read("manifests/profiles.json"), before);
}

#[test]
fn freeze_does_not_pin_a_project_with_an_unsigned_target() {
    let workshop = scene(&rocket(), &without(SHARE));
    workshop
        .run(&["manifest", "freeze", "--project", "Acme.xcodeproj"])
        .exits(10)
        .says(&["target-unmapped", "not frozen"]);
    assert!(!workshop.path("manifests/profiles.json").exists());
}

#[test]
fn the_gate_holds_the_project_to_the_frozen_map() {
    let other = profile(SHARE).named("iOS App Store - Extensions-Share 2027");
    let all = [products(), vec![other.clone()]].concat();
    let workshop = frozen(&rocket(), &all);
    // Share asks for its profile by name, and the other one has another name: Xcode could not choose it.
    gate(&workshop).exits(0);
    let whole = ["manifest", "freeze", "--project", "Acme.xcodeproj", "--all"];
    workshop.run(&whole).exits(0);
    gate(&workshop).exits(0);

    // Another profile that would fit just as well is not the one that was reviewed.
    let project = rocket().change("Share", |target| target.release(SPECIFIER, &other.name));
    project.write(&workshop.path(""));
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    only(told, "target-profile-stale", "Share", &other.name);

    // A target that came later was never pinned.
    let clip = TargetSpec::new(
        "Stickers",
        Product::Extension,
        "com.acme.rocket.share.stickers",
    );
    rocket().target(clip).write(&workshop.path(""));
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    assert!(!told.is_empty());
    for told in told {
        assert_eq!(
            (told.code(), told.target()),
            ("target-unmapped", "Stickers"),
            "{:#}",
            told.finding
        );
    }

    // A bundle id that moved away is another product.
    let moved = |target: TargetSpec| {
        target
            .with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.rocket.share2")
            .without(SPECIFIER)
    };
    rocket().change("Share", moved).write(&workshop.path(""));
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    let moved = told
        .iter()
        .find(|told| told.code() == "target-bundle-mismatch");
    assert!(moved.unwrap().line.contains("com.acme.rocket.share2"));
}

#[test]
fn the_advice_for_a_bundle_id_that_moved_is_not_the_profile_that_does_not_cover_it() {
    let workshop = frozen(&rocket(), &products());
    let moved =
        |target: TargetSpec| target.with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.rocket.upload");
    rocket().change("Share", moved).write(&workshop.path(""));
    let told = blocking(&workshop, &gate(&workshop).exits(10).json());
    let asked = told
        .iter()
        .find(|told| told.message().contains("asks for profile"));
    let hint = asked.unwrap().finding["hint"].as_str().unwrap();
    assert_eq!(
        hint,
        "set PRODUCT_BUNDLE_IDENTIFIER to com.acme.rocket.share again, or create a profile for com.acme.rocket.upload at Apple's \
         developer site and ask for that one"
    );
}

#[test]
fn freezing_pins_the_certificate_whose_key_is_here_if_somebody_says_which_keys_are() {
    let authority = Hierarchy::acme();
    let [old, new] = ["2044-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|until| {
        let leaf = LeafSpec::new(LeafKind::AppleDistribution);
        authority.developer(&leaf.valid("2026-01-01T00:00:00Z", until).labelled(until))
    });
    let both = products()
        .into_iter()
        .map(|profile| profile.certificates(&[old.clone(), new.clone()]));
    let workshop = scene(&rocket(), &both.collect::<Vec<_>>());
    // The key of the certificate that expires first is the one that this machine has.
    workshop.write("identities.txt", find_identity::valid(&[&old]));
    let freeze = ["manifest", "freeze", "--project", "Acme.xcodeproj"];
    workshop.run(&freeze).exits(0);
    let document = gate(&workshop).exits(10).json();
    assert!(codes(&document).contains(&"identity-missing".to_owned()));
    let with_keys = [&freeze[..], &["--identities", "identities.txt"]].concat();
    workshop.run(&with_keys).exits(0);
    gate(&workshop).exits(0);
    // The other key is none of these profiles' planned ones; and a key of nobody blocks freezing.
    let stranger = authority.developer(&LeafSpec::new(LeafKind::AppleDevelopment));
    workshop.write("identities.txt", find_identity::valid(&[&stranger]));
    let refused = workshop.run(&with_keys).exits(10);
    refused.says(&["identity-missing", "private key"]);
}

#[test]
fn a_target_that_names_a_kind_of_certificate_takes_the_one_whose_key_is_here() {
    let authority = Hierarchy::acme();
    let [old, new] = [LeafKind::IphoneDistribution, LeafKind::AppleDistribution]
        .map(|kind| authority.developer(&LeafSpec::new(kind)));
    let both = products()
        .into_iter()
        .map(|profile| profile.certificates(&[old.clone(), new.clone()]));
    let profiles: Vec<ProfileSpec> = both.collect();
    let sha256 = |identity: &forge::certificate::Identity| {
        countersign::base::ids::CertSha256::of(&identity.der).to_string()
    };
    for (asked, at_hand, planned) in [
        ("Apple Distribution", &old, &old),
        ("Apple Distribution", &new, &new),
        ("iPhone Distribution", &new, &new),
    ] {
        let project = rocket().change_all(|it| it.release("CODE_SIGN_IDENTITY", asked));
        let workshop = scene(&project, &profiles);
        workshop.write("keys.txt", find_identity::valid(&[at_hand]));
        let share = shown(&workshop, "Share", &["--identities", "keys.txt"]);
        assert_eq!(share["chosen"]["certificate"], sha256(planned), "{asked}");
    }
    // Who names one of them means that one: its key is missing.
    let whole = "Apple Distribution: Acme Corporation (ACME4CI001)";
    let project = rocket().change("Share", |it| it.release("CODE_SIGN_IDENTITY", whole));
    let workshop = scene(&project, &profiles);
    workshop.write("keys.txt", find_identity::valid(&[&old]));
    let document = crate::scene::targets(
        &workshop,
        "check",
        &["--identities", "keys.txt", "--format", "json"],
    );
    let told = blocking(&workshop, &document.exits(10).json());
    assert!(!told.is_empty());
}
