//! What signs which target: projects of the forge, checked, frozen, gated and exported by the built program.
//!
//! Each test takes Acme's project, in which everything fits, and bends one thing; the finding must come alone and point
//! at the line that did it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::collections::BTreeMap;
use std::fs;

use countersign::host::sources::DiskSources;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::targets::{
    ProfileRequest, Selection, SigningStyle, SigningTarget, resolve,
};
use forge::fixtures::{distribution, products};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes};

const SPECIFIER: &str = "PROVISIONING_PROFILE_SPECIFIER";
const SHARE: &str = "com.acme.rocket.share";

/// Acme's project, each target asking for its profile by name.
fn rocket() -> ProjectSpec {
    forge::fixtures::project()
}

/// Acme's project, no target asking for a profile: the plan chooses.
fn unasked() -> ProjectSpec {
    rocket().change_all(|target| target.without(SPECIFIER))
}

/// Acme's profile for a bundle id.
fn profile(bundle_id: &str) -> ProfileSpec {
    let mut products = products().into_iter();
    products.find(|it| it.bundle_pattern == bundle_id).unwrap()
}

/// Acme's profiles without the one for a bundle id.
fn without(bundle_id: &str) -> Vec<ProfileSpec> {
    let mut products = products();
    products.retain(|it| it.bundle_pattern != bundle_id);
    products
}

/// A workshop with this project and these profiles.
fn scene(project: &ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = Workshop::new();
    project.write(&workshop.path(""));
    for spec in profiles {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop
}

/// Runs a `targets` command on the Release configuration with the profiles at hand.
fn targets(workshop: &Workshop, verb: &str, arguments: &[&str]) -> Ran {
    let fixed = [
        "targets",
        verb,
        "--project",
        "Acme.xcodeproj",
        "--configuration",
        "Release",
        "--profiles",
        "profiles",
    ];
    workshop.run(&[&fixed, arguments].concat())
}

/// A finding and the text of the line that it points at.
struct Told {
    finding: Json,
    line: String,
}

impl Told {
    fn target(&self) -> &str {
        self.finding["place"]["target"].as_str().unwrap_or_default()
    }

    fn code(&self) -> &str {
        self.finding["code"].as_str().unwrap()
    }

    fn message(&self) -> &str {
        self.finding["message"].as_str().unwrap()
    }
}

/// The findings that block, each with the line that it points at.
fn blocking(workshop: &Workshop, document: &Json) -> Vec<Told> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["severity"] == "block")
        .map(|finding| {
            let place = &finding["place"];
            let line = || {
                let file = workshop.path(place["file"].as_str()?);
                let at = usize::try_from(place["line"].as_u64()?).ok()?;
                let text = fs::read_to_string(file).ok()?;
                Some(text.lines().nth(at - 1)?.trim().to_owned())
            };
            Told {
                finding: finding.clone(),
                line: line().unwrap_or_default(),
            }
        })
        .collect()
}

/// `targets check` blocks for this code and target alone, at a line that holds this; exit 10.
#[track_caller]
fn blocked(workshop: &Workshop, arguments: &[&str], code: &str, target: &str, line: &str) -> Told {
    let arguments = [&["--format", "json"], arguments].concat();
    let document = targets(workshop, "check", &arguments).exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    only(blocking(workshop, &document), code, target, line)
}

/// Exactly one, of this code and target, at a line that holds this, with a remedy.
#[track_caller]
fn only(mut told: Vec<Told>, code: &str, target: &str, line: &str) -> Told {
    let all: Vec<&Json> = told.iter().map(|told| &told.finding).collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    let told = told.remove(0);
    assert_eq!(
        (told.code(), told.target()),
        (code, target),
        "{:#}",
        told.finding
    );
    assert!(
        told.line.contains(line),
        "{:?} at {:#}",
        told.line,
        told.finding
    );
    assert!(
        told.finding["hint"].is_string(),
        "no remedy: {:#}",
        told.finding
    );
    told
}

/// What `targets show` says of a target, without any blocking finding.
#[track_caller]
fn shown(workshop: &Workshop, target: &str, arguments: &[&str]) -> Json {
    let arguments = [&["--format", "json", "--target", target], arguments].concat();
    let document = targets(workshop, "show", &arguments).exits(0).json();
    let shown = document["targets"].as_array().unwrap();
    assert_eq!(shown.len(), 1, "{document:#}");
    shown[0].clone()
}

#[test]
fn a_project_in_which_everything_fits_is_cleared_without_a_word() {
    let workshop = scene(&rocket(), &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["verdict"], "cleared");
    assert_eq!(
        codes(&document)
            .iter()
            .filter(|code| !code.starts_with("profile-"))
            .count(),
        0,
        "{:#}",
        document["findings"]
    );
    let shown = document["targets"].as_array().unwrap();
    assert_eq!(shown.len(), 4);
    for target in shown {
        let bundle_id = target["bundle_id"]["value"].as_str().unwrap();
        assert_eq!(target["chosen"]["profile"], profile(bundle_id).uuid);
        assert_eq!(target["chosen"]["why"], "requested");
    }
}

#[test]
fn an_extension_left_behind_is_named_when_its_host_moved_on() {
    let renewed: Vec<ProfileSpec> = products()
        .into_iter()
        .map(|spec| {
            let name = format!("{} 2027", spec.name);
            spec.named(&name)
        })
        .collect();
    let uuid = |bundle_id: &str| {
        let of = if bundle_id == SHARE {
            products()
        } else {
            renewed.clone()
        };
        let spec = of.into_iter().find(|it| it.bundle_pattern == bundle_id);
        spec.unwrap().uuid
    };
    let workshop = scene(&ProjectSpec::rocket(uuid), &renewed);
    let told = blocked(
        &workshop,
        &[],
        "target-profile-stale",
        "Share",
        &uuid(SHARE),
    );
    assert!(
        told.message().contains("Rocket"),
        "names the host: {}",
        told.message()
    );
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(
        hint.contains("iOS App Store - Extensions-Share 2027"),
        "{hint}"
    );
}

#[test]
fn a_specifier_given_once_for_all_is_told_once() {
    let project = unasked().release(SPECIFIER, "iOS App Store - App");
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "specifier-shared", "Rocket", SPECIFIER);
    for name in ["Rocket", "Share", "Widgets", "Watch"] {
        assert!(told.message().contains(name), "{}", told.message());
    }
    assert!(
        told.finding["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with("project.pbxproj")
    );
}

#[test]
fn a_specifier_given_once_in_a_configuration_file_is_told_there() {
    let line = "PROVISIONING_PROFILE_SPECIFIER[config=Release] = iOS App Store - App";
    let project = unasked().based_on("Signing.xcconfig").file(
        "Signing.xcconfig",
        &format!("// Signing\n{line} // all of them\n"),
    );
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "specifier-shared", "Rocket", line);
    assert_eq!(told.finding["place"]["line"], 2);
    assert_eq!(told.finding["place"]["file"], "Signing.xcconfig");
}

#[test]
fn a_specifier_that_names_the_target_is_not_shared() {
    let project = unasked().based_on("Signing.xcconfig").file(
        "Signing.xcconfig",
        "PROVISIONING_PROFILE_SPECIFIER[config=Release] = Acme $(TARGET_NAME)\n",
    );
    let names = ["Rocket", "Share", "Widgets", "Watch"];
    let profiles: Vec<ProfileSpec> = products()
        .into_iter()
        .zip(names)
        .map(|(spec, target)| spec.named(&format!("Acme {target}")))
        .collect();
    let workshop = scene(&project, &profiles);
    targets(&workshop, "check", &[]).exits(0);
}

#[test]
fn a_test_bundle_beside_the_archive_blocks_nothing() {
    let tests = |bundle_id| TargetSpec::new("RocketUITests", Product::UiTests, bundle_id);
    let only_app = |mut project: ProjectSpec| {
        project.targets.truncate(1);
        project.targets[0].embeds.clear();
        project.target(tests("com.acme.rocket.uitests"))
    };
    // One specifier for the app and its tests: the archive holds the app alone …
    let project = only_app(unasked().release(SPECIFIER, "iOS App Store - App"));
    targets(&scene(&project, &products()), "check", &[]).exits(0);
    // … and tests that are signed manually do not make an automatic app a mixture.
    let manual = |target: TargetSpec| target.release("CODE_SIGN_STYLE", "Manual");
    let project =
        only_app(unasked().release("CODE_SIGN_STYLE", "Automatic")).change("RocketUITests", manual);
    let workshop = scene(&project, &products());
    targets(&workshop, "check", &[]).exits(0);
    // Named, it is what is asked about.
    targets(&workshop, "check", &["--target", "RocketUITests"])
        .exits(10)
        .says(&["target-unmapped", "com.acme.rocket.uitests.xctrunner"]);
}

#[test]
fn a_catalyst_app_shares_its_specifier_with_nobody() {
    let project = rocket().change("Rocket", |target| {
        target.with("SUPPORTS_MACCATALYST", "YES")
    });
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "target-bundle-mismatch",
        "Rocket",
        SPECIFIER,
    );
    assert!(
        told.message().contains("mac-catalyst"),
        "{}",
        told.message()
    );
    targets(&workshop, "check", &["--sdk", "iphoneos"]).exits(0);
}

#[test]
fn one_automatic_target_among_manual_ones_is_told_at_its_style() {
    let automatic = |target: TargetSpec| target.release("CODE_SIGN_STYLE", "Automatic");
    let style = "CODE_SIGN_STYLE = Automatic;";
    // With a specifier, which Xcode calls conflicting provisioning settings …
    let workshop = scene(&rocket().change("Widgets", automatic), &products());
    blocked(&workshop, &[], "signing-style-mixed", "Widgets", style);
    // … and without, where it would make a profile of its own.
    let unasked = |target: TargetSpec| automatic(target).without(SPECIFIER);
    let workshop = scene(&rocket().change("Widgets", unasked), &products());
    blocked(&workshop, &[], "signing-style-mixed", "Widgets", style);
}

#[test]
fn a_project_that_xcode_signs_itself_is_not_complained_about() {
    let project = unasked().release("CODE_SIGN_STYLE", "Automatic");
    targets(&scene(&project, &[]), "check", &[]).exits(0);
}

#[test]
fn an_ad_hoc_profile_in_an_app_store_plan_is_told_whether_or_not_there_is_another() {
    let ad_hoc = ProfileSpec::ios(Kind::AdHoc, SHARE)
        .named("Ad Hoc Share")
        .entitled("com.apple.security.application-groups", groups());
    let project = rocket().change("Share", |target| target.release(SPECIFIER, "Ad Hoc Share"));
    for others in [products(), without(SHARE)] {
        let workshop = scene(&project, &[others, vec![ad_hoc.clone()]].concat());
        let kind = ["--kind", "app-store"];
        let told = blocked(
            &workshop,
            &kind,
            "target-kind-mismatch",
            "Share",
            "Ad Hoc Share",
        );
        assert_eq!(told.finding["expected"], "app-store");
        assert_eq!(told.finding["found"], "ad-hoc");
        // Nothing is exported that would take the other's profile.
        for form in ["xcargs", "xcconfig", "export-options", "json"] {
            let refused =
                targets(&workshop, "export", &["--as", form, "--kind", "app-store"]).exits(10);
            assert_eq!(refused.out, "");
        }
    }
}

#[test]
fn an_archive_and_an_ad_hoc_export_do_not_share_their_options() {
    // Nobody says what it is for: three App Store profiles and an ad-hoc one do not make one export.
    let ad_hoc = ProfileSpec::ios(Kind::AdHoc, SHARE)
        .named("Ad Hoc Share")
        .entitled("com.apple.security.application-groups", groups());
    let project = rocket().change("Share", |target| target.release(SPECIFIER, "Ad Hoc Share"));
    let workshop = scene(&project, &[without(SHARE), vec![ad_hoc]].concat());
    targets(&workshop, "export", &["--as", "export-options"])
        .exits(10)
        .says(&["app-store", "ad-hoc", "select one kind"]);
}

#[test]
fn a_development_identity_beside_a_store_profile_is_told_at_the_identity() {
    let project = rocket().change("Share", |target| {
        target.release("CODE_SIGN_IDENTITY", "Apple Development")
    });
    let development = ProfileSpec::ios(Kind::Development, SHARE)
        .entitled("com.apple.security.application-groups", groups());
    // Whether or not there is a profile that the identity would fit.
    for more in [vec![], vec![development]] {
        let workshop = scene(&project, &[products(), more].concat());
        let line = "CODE_SIGN_IDENTITY = \"Apple Development\";";
        blocked(&workshop, &[], "target-kind-mismatch", "Share", line);
    }
}

#[test]
fn another_team_is_told_at_the_team() {
    let project = rocket().change("Share", |target| {
        target.with("DEVELOPMENT_TEAM", "RIVAL4CI02")
    });
    let workshop = scene(&project, &products());
    let line = "DEVELOPMENT_TEAM = RIVAL4CI02;";
    let told = blocked(&workshop, &[], "target-team-mismatch", "Share", line);
    assert_eq!(told.finding["expected"], "team ACME4CI001");
}

#[test]
fn a_profile_of_another_bundle_id_is_told_at_the_specifier() {
    let other = "iOS App Store - Extensions-Widgets";
    let project = rocket().change("Share", |target| target.release(SPECIFIER, other));
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "target-bundle-mismatch", "Share", other);
    assert!(told.finding["expected"].as_str().unwrap().contains(SHARE));
    assert!(
        told.finding["found"]
            .as_str()
            .unwrap()
            .contains("com.acme.rocket.widgets")
    );
}

#[test]
fn a_target_that_nothing_covers_is_told_at_its_bundle_id_or_at_what_it_asks_for() {
    let workshop = scene(&unasked(), &without(SHARE));
    blocked(&workshop, &[], "target-unmapped", "Share", SHARE);
    let workshop = scene(&rocket(), &without(SHARE));
    blocked(
        &workshop,
        &[],
        "target-unmapped",
        "Share",
        "iOS App Store - Extensions-Share",
    );
}

#[test]
fn a_claim_that_is_not_granted_is_told_at_its_line() {
    let project = rocket().change("Share", |target| {
        target.claiming("aps-environment", "production")
    });
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "entitlement-not-granted",
        "Share",
        "<key>aps-environment</key>",
    );
    assert_eq!(told.finding["place"]["file"], "Share/Share.entitlements");
    assert_eq!(told.finding["place"]["pointer"], "/aps-environment");
}

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
    assert!(why.contains("tie") && why.contains("[[targets]]"), "{why}");
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
fn freeze_with_state(workshop: &Workshop, uuid: &str, state: &str) {
    workshop.run(&["manifest", "freeze"]).exits(0);
    let mut manifest: Json =
        serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    for profile in manifest["profiles"].as_array_mut().unwrap() {
        if profile["uuid"] == uuid {
            profile["state"] = state.into();
        }
    }
    let text = serde_json::to_string_pretty(&manifest).unwrap();
    workshop.write("manifests/profiles.json", text);
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
    let chosen = |state: &str, of: &str| {
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
        chosen("active", &newer.uuid),
        newer.uuid,
        "the newer of two active ones"
    );
    assert_eq!(chosen("incoming", &newer.uuid), profile(SHARE).uuid);
    assert_eq!(chosen("retiring", &profile(SHARE).uuid), newer.uuid);
    // What still asks for the retiring one is stale, wherever both are installed.
    let workshop = scene(&rocket(), &both);
    freeze_with_state(&workshop, &profile(SHARE).uuid, "retiring");
    let document = pinned(&workshop, "check", &[]).exits(10).json();
    let told = blocking(&workshop, &document);
    let told = only(told, "target-profile-stale", "Share", SPECIFIER);
    assert!(told.message().contains("retiring"), "{}", told.message());
}

#[test]
fn a_target_whose_only_profile_is_retiring_is_not_signed() {
    for (project, line) in [(rocket(), SPECIFIER), (unasked(), SHARE)] {
        let workshop = scene(&project, &products());
        freeze_with_state(&workshop, &profile(SHARE).uuid, "retiring");
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

/// A workshop whose manifest pins the project's targets.
fn frozen(project: &ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = scene(project, profiles);
    workshop
        .run(&["manifest", "freeze", "--project", "Acme.xcodeproj"])
        .exits(0);
    workshop
}

/// The gate with the project.
fn gate(workshop: &Workshop) -> Ran {
    workshop.run(&[
        "gate",
        "--identities",
        "identities.txt",
        "--project",
        "Acme.xcodeproj",
        "--format",
        "json",
    ])
}

#[test]
fn a_selection_that_selects_nothing_and_an_empty_workspace_are_not_observed() {
    let workshop = frozen(&rocket(), &products());
    let judged = |project: &str, arguments: &[&str]| {
        let fixed = ["gate", "--identities", "identities.txt", "--format", "json"];
        let document = workshop
            .run(&[&fixed[..], &["--project", project], arguments].concat())
            .exits(10)
            .json();
        let findings = document["findings"].as_array().unwrap().clone();
        let blocking = findings.into_iter().find(|it| it["severity"] == "block");
        blocking.unwrap()
    };
    let finding = judged("Acme.xcodeproj", &["--sdk", "appletvos"]);
    assert_eq!(finding["code"], "targets-unobserved");
    assert_eq!(finding["found"], "none in Acme.xcodeproj");
    fs::create_dir(workshop.path("Empty.xcworkspace")).unwrap();
    workshop.write(
        "Empty.xcworkspace/contents.xcworkspacedata",
        "<?xml version=\"1.0\"?><Workspace version = \"1.0\"></Workspace>",
    );
    let finding = judged("Empty.xcworkspace", &[]);
    assert_eq!(finding["code"], "targets-unobserved");
    assert_eq!(finding["found"], "no project");
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

// What is exported, fed back through the resolver.

fn groups() -> plist::Value {
    plist::Value::Array(vec!["group.com.acme.rocket".into()])
}

/// What the project's Release targets that need a profile resolve to with these settings over everything.
fn resolved(workshop: &Workshop, overrides: &Overrides) -> Vec<SigningTarget> {
    let sources = DiskSources::default();
    let project = Project::open(&workshop.path("Acme.xcodeproj"), &sources).unwrap();
    let settings = ProjectSettings::load(&project, &sources, overrides);
    let selection = Selection {
        configuration: Some("Release"),
        ..Selection::default()
    };
    let mut rows = resolve(&settings, &sources, &selection).rows;
    // Xcode refuses to build a framework for which a profile is specified.
    for row in rows.iter().filter(|row| !row.needs_profile()) {
        assert!(row.requested_profile().is_none(), "{}", row.target);
    }
    rows.retain(SigningTarget::needs_profile);
    rows
}

/// What `targets show` plans, by target and platform: profile UUID and certificate SHA-1.
fn planned(workshop: &Workshop, arguments: &[&str]) -> BTreeMap<(String, String), String> {
    let arguments = [&["--format", "json"], arguments].concat();
    let document = targets(workshop, "show", &arguments).exits(0).json();
    let rows = document["targets"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    rows.filter(|row| row["chosen"].is_object())
        .map(|row| {
            let key = (text(&row["target"]), text(&row["platform"]));
            (key, text(&row["chosen"]["profile"]))
        })
        .collect()
}

/// Exports in both forms and holds what comes back to the plan.
#[track_caller]
fn comes_back(workshop: &Workshop, targets_that_sign: usize) -> Vec<SigningTarget> {
    let plan = planned(workshop, &[]);
    assert_eq!(plan.len(), targets_that_sign, "{plan:#?}");
    let arguments = targets(workshop, "export", &["--as", "xcargs"])
        .exits(0)
        .out;
    targets(
        workshop,
        "export",
        &["--as", "xcconfig", "-o", "Signing-export.xcconfig"],
    )
    .exits(0);
    let as_arguments = Overrides::default()
        .with_arguments(arguments.lines())
        .unwrap();
    let as_file = Overrides::default().with_xcconfig(workshop.path("Signing-export.xcconfig"));
    let mut last = Vec::new();
    for overrides in [as_arguments, as_file] {
        let rows = resolved(workshop, &overrides);
        let found: BTreeMap<(String, String), String> = rows
            .iter()
            .map(|row| {
                assert_eq!(row.style.value, SigningStyle::Manual);
                assert_eq!(
                    row.team.as_ref().unwrap().value.as_str(),
                    forge::profile::ACME_TEAM
                );
                let requested = &row.specifier.as_ref().expect("a specifier").value;
                let ProfileRequest::Uuid(uuid) = requested else {
                    panic!("{} asks for {requested}", row.target);
                };
                (
                    (row.target.to_string(), row.platform.to_string()),
                    uuid.to_string(),
                )
            })
            .collect();
        assert_eq!(found, plan, "{arguments}");
        last = rows;
    }
    last
}

#[test]
fn exported_settings_give_every_target_its_planned_profile() {
    comes_back(&scene(&rocket(), &products()), 4);
    // Also where the project asks for nothing, and where one specifier stands for all.
    comes_back(&scene(&unasked(), &products()), 4);
}

#[test]
fn exported_settings_give_every_target_its_planned_certificate() {
    let leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled("the second");
    let second = Hierarchy::acme().developer(&leaf);
    let mut profiles = without(SHARE);
    profiles.push(profile(SHARE).certificates(std::slice::from_ref(&second)));
    let workshop = scene(&rocket(), &profiles);
    let rows = comes_back(&workshop, 4);
    for row in rows {
        let certificate = if row.target.as_str() == "Share" {
            &second
        } else {
            &distribution()
        };
        let sha1 = countersign::base::ids::CertSha1::of(&certificate.der);
        let identity = &row.identity.as_ref().unwrap().value;
        assert_eq!(identity.to_lowercase(), sha1.to_string(), "{}", row.target);
    }
}

#[test]
fn a_ui_test_runner_gets_the_profile_of_its_runner() {
    let project = unasked().target(TargetSpec::new(
        "RocketUITests",
        Product::UiTests,
        "com.acme.rocket.uitests",
    ));
    let runner = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket.uitests.xctrunner")
        .certificates(&[distribution()]);
    let workshop = scene(&project, &[products(), vec![runner.clone()]].concat());
    let rows = comes_back(&workshop, 5);
    let row = rows
        .iter()
        .find(|row| row.target.as_str() == "RocketUITests")
        .unwrap();
    assert_eq!(
        row.specifier.as_ref().unwrap().value.to_string(),
        runner.uuid
    );
}

#[test]
fn a_catalyst_app_gets_its_mac_profile_on_the_mac() {
    for derived in ["YES", "NO"] {
        let catalyst = |target: TargetSpec| {
            target
                .with("SUPPORTS_MACCATALYST", "YES")
                .with("DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER", derived)
        };
        let project = unasked().change("Rocket", catalyst);
        let bundle_id = if derived == "YES" {
            "maccatalyst.com.acme.rocket"
        } else {
            "com.acme.rocket"
        };
        let mac = ProfileSpec::mac(Kind::AppStore, bundle_id)
            .certificates(&[distribution()])
            .entitled("com.apple.security.application-groups", groups())
            .entitled("com.apple.developer.aps-environment", "production")
            .entitled("com.apple.developer.associated-domains", "*");
        let workshop = scene(&project, &[products(), vec![mac]].concat());
        comes_back(&workshop, 5);
    }
}

#[test]
fn frameworks_ask_for_no_profile_and_get_none() {
    let project = rocket()
        .target(TargetSpec::new(
            "RocketKit",
            Product::Framework,
            "com.acme.rocket.kit",
        ))
        .change("Rocket", |target| target.embedding(&["RocketKit"]));
    comes_back(&scene(&project, &products()), 4);
}

#[test]
fn bundle_ids_that_become_one_setting_name_are_refused() {
    let mut profiles = products();
    let mut project = unasked();
    for (name, bundle_id) in [
        ("Dashed", "com.acme.rocket.a-b"),
        ("Dotted", "com.acme.rocket.a.b"),
    ] {
        project = project.target(TargetSpec::new(name, Product::Extension, bundle_id));
        profiles.push(ProfileSpec::ios(Kind::AppStore, bundle_id).certificates(&[distribution()]));
    }
    let workshop = scene(&project, &profiles);
    for form in ["xcargs", "xcconfig"] {
        targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&[
                "com.acme.rocket.a-b",
                "com.acme.rocket.a.b",
                "same setting name",
            ]);
    }
    // Export options name bundle ids as they are.
    targets(&workshop, "export", &["--as", "export-options"]).exits(0);
}

#[test]
fn export_options_have_the_method_names_of_the_xcode_that_reads_them() {
    let ad_hoc: Vec<ProfileSpec> = products()
        .into_iter()
        .map(|spec| {
            let mut again =
                ProfileSpec::ios(Kind::AdHoc, &spec.bundle_pattern).certificates(&[distribution()]);
            again
                .entitlements
                .extend(spec.entitlements.clone().into_iter().filter(|(key, _)| {
                    !matches!(key.as_str(), "beta-reports-active" | "get-task-allow")
                }));
            again
        })
        .collect();
    for (profiles, old, new) in [
        (products(), "app-store", "app-store-connect"),
        (ad_hoc, "ad-hoc", "release-testing"),
    ] {
        let workshop = scene(&unasked(), &profiles);
        for (xcode, method) in [("15.2", old), ("16.0", new)] {
            let arguments = ["--as", "export-options", "--xcode", xcode];
            let text = targets(&workshop, "export", &arguments).exits(0).out;
            let options: plist::Dictionary = plist::from_bytes(text.as_bytes()).unwrap();
            let string = |key: &str| options[key].as_string().unwrap().to_owned();
            assert_eq!(string("method"), method);
            assert_eq!(string("signingStyle"), "manual");
            assert_eq!(string("teamID"), forge::profile::ACME_TEAM);
            let sha1 = countersign::base::ids::CertSha1::of(&distribution().der);
            assert_eq!(
                string("signingCertificate").to_lowercase(),
                sha1.to_string()
            );
            let map = options["provisioningProfiles"].as_dictionary().unwrap();
            assert_eq!(map.len(), 4);
            for spec in &profiles {
                assert_eq!(map[&spec.bundle_pattern].as_string().unwrap(), spec.uuid);
            }
        }
    }
}

#[test]
fn what_is_incomplete_is_not_exported() {
    let workshop = scene(&rocket(), &without(SHARE));
    for form in ["xcargs", "xcconfig", "export-options"] {
        let refused = targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&["Share"]);
        assert_eq!(refused.out, "");
    }
}

#[test]
fn what_one_command_line_cannot_say_is_not_exported() {
    // Two configurations that want different profiles for one bundle id …
    let other = profile(SHARE).named("Share by hand");
    let workshop = scene(&unasked(), &[products(), vec![other.clone()]].concat());
    for (configuration, uuid) in [("Debug", &other.uuid), ("Release", &profile(SHARE).uuid)] {
        let policy = String::from_utf8(workshop.read("manifests/signing.toml")).unwrap();
        let rule = format!(
            "\n[[targets]]\ntarget = \"Share\"\nconfiguration = \"{configuration}\"\nprofile = \"{uuid}\"\n"
        );
        workshop.write("manifests/signing.toml", policy + &rule);
    }
    let both = ["--configuration", "Debug"];
    for form in ["xcargs", "export-options"] {
        targets(&workshop, "export", &[&["--as", form], &both[..]].concat())
            .exits(10)
            .says(&[SHARE, "select one configuration"]);
        targets(&workshop, "export", &["--as", form]).exits(0);
    }

    // … two teams …
    let rival = "RIVAL4CI02";
    let project = unasked().change("Share", |target| target.with("DEVELOPMENT_TEAM", rival));
    let theirs = ProfileSpec::ios(Kind::AppStore, SHARE)
        .team(rival, rival)
        .entitled("com.apple.security.application-groups", groups());
    let workshop = scene(&project, &[without(SHARE), vec![theirs]].concat());
    for form in ["xcargs", "export-options"] {
        targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&["ACME4CI001", rival, "one target"]);
    }

    // … and nothing at all.
    let kit = TargetSpec::new("Kit", Product::Framework, "com.acme.kit");
    let workshop = scene(&ProjectSpec::new("Acme").target(kit), &products());
    for form in ["xcargs", "export-options"] {
        targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&["needs a profile"]);
    }
}

// Bad input: an error or a finding with file and line, and the others are still reported.

/// Checks a project that is not right; the document and every target that it still tells of.
fn document(workshop: &Workshop, code: i32) -> (Json, Vec<String>) {
    let document = targets(workshop, "check", &["--format", "json"])
        .exits(code)
        .json();
    let names = document["targets"].as_array().unwrap().iter();
    let names = names
        .map(|target| target["target"].as_str().unwrap().to_owned())
        .collect();
    (document, names)
}

fn pbxproj(workshop: &Workshop) -> String {
    String::from_utf8(workshop.read("Acme.xcodeproj/project.pbxproj")).unwrap()
}

#[test]
fn merge_conflict_markers_are_an_error_at_their_line() {
    let workshop = scene(&rocket(), &products());
    let text = pbxproj(&workshop);
    let at = text.find("\t\t\t\tPRODUCT_NAME").unwrap();
    let line = text[..at].lines().count() + 1;
    let conflicted = format!(
        "{}<<<<<<< HEAD\n=======\n>>>>>>> theirs\n{}",
        &text[..at],
        &text[at..]
    );
    workshop.write("Acme.xcodeproj/project.pbxproj", conflicted);
    for verb in ["show", "check"] {
        targets(&workshop, verb, &[])
            .exits(11)
            .says(&[&format!("project.pbxproj:{line}"), "conflict"]);
    }
}

#[test]
fn a_truncated_project_is_an_error_with_a_line() {
    let workshop = scene(&rocket(), &products());
    let text = pbxproj(&workshop);
    for part in [1, 3, 7] {
        workshop.write(
            "Acme.xcodeproj/project.pbxproj",
            &text[..text.len() * part / 8],
        );
        targets(&workshop, "check", &[])
            .exits(11)
            .says(&["project.pbxproj:"]);
    }
    workshop.write("Acme.xcodeproj/project.pbxproj", "");
    targets(&workshop, "check", &[])
        .exits(11)
        .says(&["project.pbxproj"]);
    fs::remove_file(workshop.path("Acme.xcodeproj/project.pbxproj")).unwrap();
    targets(&workshop, "check", &[])
        .exits(11)
        .says(&["project.pbxproj"]);
}

#[test]
fn a_missing_configuration_file_is_told_where_it_is_named() {
    let workshop = scene(&rocket().based_on("Gone.xcconfig"), &products());
    let (document, names) = document(&workshop, 10);
    assert_eq!(names.len(), 4);
    let told = blocking(&workshop, &document);
    assert!(!told.is_empty());
    for told in told {
        assert_eq!(told.code(), "xcconfig-missing", "{:#}", told.finding);
        assert!(
            told.line.contains("baseConfigurationReference"),
            "{:?}",
            told.line
        );
    }
}

#[test]
fn an_include_cycle_is_told_and_not_followed() {
    let project = rocket()
        .based_on("A.xcconfig")
        .file("A.xcconfig", "#include \"B.xcconfig\"\n")
        .file("B.xcconfig", "// B\n#include \"A.xcconfig\"\n");
    let workshop = scene(&project, &products());
    let run = targets(&workshop, "check", &["--format", "json"]);
    let document = run.json();
    let findings = document["findings"].as_array().unwrap();
    let cycle = findings
        .iter()
        .find(|finding| finding["code"] == "xcconfig-include-cycle")
        .unwrap_or_else(|| panic!("{findings:#?}"));
    assert!(
        cycle["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with(".xcconfig")
    );
    assert!(cycle["place"]["line"].is_u64());
    assert_eq!(document["targets"].as_array().unwrap().len(), 4);
}

#[test]
fn an_undefined_variable_and_a_bundle_id_of_nothing_are_told_at_their_line() {
    for value in ["$(NOBODY_SAYS)", ""] {
        let project = rocket().change("Share", |target| {
            target.with("PRODUCT_BUNDLE_IDENTIFIER", value)
        });
        let workshop = scene(&project, &products());
        let (document, names) = document(&workshop, 10);
        assert_eq!(names.len(), 4, "the others are still reported");
        let told = blocking(&workshop, &document);
        assert!(!told.is_empty());
        for told in told {
            assert_eq!(told.target(), "Share", "{:#}", told.finding);
            assert!(
                told.line.contains("PRODUCT_BUNDLE_IDENTIFIER"),
                "{:#}",
                told.finding
            );
        }
    }
}

#[test]
fn a_target_without_configurations_is_told_and_the_others_are_reported() {
    let workshop = scene(&rocket(), &products());
    let text = pbxproj(&workshop);
    // The configuration list of Share holds nothing any more.
    let list = "Build configuration list for PBXNativeTarget \"Share\" */ = {";
    let at = text.find(list).unwrap();
    let open =
        at + text[at..].find("buildConfigurations = (").unwrap() + "buildConfigurations = (".len();
    let close = open + text[open..].find(')').unwrap();
    let emptied = format!("{}{}", &text[..open], &text[close..]);
    workshop.write("Acme.xcodeproj/project.pbxproj", emptied);
    let (document, names) = document(&workshop, 10);
    assert_eq!(names, ["Rocket", "Widgets", "Watch"]);
    let told = only(
        blocking(&workshop, &document),
        "target-no-configuration",
        "Share",
        "Share",
    );
    assert!(told.line.contains("= {"), "{:?}", told.line);
}

#[test]
fn two_parts_of_one_app_with_one_bundle_id_are_told_at_the_second() {
    let double = |target: TargetSpec| {
        target
            .with("PRODUCT_BUNDLE_IDENTIFIER", SHARE)
            .release(SPECIFIER, "iOS App Store - Extensions-Share")
    };
    let workshop = scene(&rocket().change("Widgets", double), &products());
    let told = blocked(&workshop, &[], "bundle-id-shared", "Widgets", SHARE);
    assert!(told.message().contains("Share") && told.message().contains("Widgets"));
}

#[test]
fn a_slip_of_the_pen_is_refused() {
    let workshop = scene(&rocket(), &products());
    // A target, a configuration and a project that are not there.
    targets(&workshop, "check", &["--target", "Shre"])
        .exits(11)
        .says(&["Shre"]);
    let arguments = [
        "targets",
        "check",
        "--project",
        "Acme.xcodeproj",
        "--profiles",
        "profiles",
        "--configuration",
        "Relese",
    ];
    workshop
        .run(&arguments)
        .exits(10)
        .says(&["target-no-configuration", "Relese"]);
    let other = [
        "targets",
        "check",
        "--project",
        "Other.xcodeproj",
        "--profiles",
        "profiles",
    ];
    workshop.run(&other).exits(11).says(&["Other.xcodeproj"]);
    workshop.run(&["targets", "check"]).exits(2);
}
