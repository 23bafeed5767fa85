//! Freezing, checking, exporting and the gate give one verdict of the same input.

use forge::fixtures::products;
use forge::profile::ProfileSpec;
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::Workshop;

use crate::scene::{SHARE, SPECIFIER, profile, rocket, scene, targets, unasked, without};

/// Asks all four for their verdict: the gate with what freezing wrote, or with what it would have to write, if it refuses.
#[track_caller]
fn verdicts(what: &str, workshop: &Workshop, arguments: &[&str], code: i32) {
    let project = [&["--project", "Acme.xcodeproj"], arguments].concat();
    let run = |words: &[&str]| workshop.run(&[words, &project].concat());
    let told = |ran: &support::workshop::Ran, verb: &str| {
        assert_eq!(ran.code, code, "{what}: {verb}\n{}\n{}", ran.out, ran.err);
    };
    // Without a manifest, from the profiles at hand.
    told(
        &run(&["targets", "check", "--profiles", "profiles"]),
        "check",
    );
    let export = [
        "targets",
        "export",
        "--as",
        "xcconfig",
        "--profiles",
        "profiles",
    ];
    told(&run(&export), "export");
    told(&run(&["manifest", "freeze"]), "freeze");
    if workshop.path("manifests/profiles.json").exists() {
        // And with it.
        told(&run(&["targets", "check"]), "check with a manifest");
    } else {
        // What cannot be frozen with the project is frozen without it.
        workshop.run(&["manifest", "freeze"]).exits(0);
    }
    told(&run(&["gate", "--identities", "identities.txt"]), "gate");
}

#[test]
fn all_four_judge_alike() {
    let automatic = |target: TargetSpec| target.release("CODE_SIGN_STYLE", "Automatic");
    let extension = TargetSpec::new("New", Product::Extension, "com.acme.rocket.new");
    let example = TargetSpec::new("Example", Product::App, "com.acme.example");
    let cases: Vec<(&str, ProjectSpec, Vec<ProfileSpec>, i32)> = vec![
        ("everything fits", rocket(), products(), 0),
        ("nothing is asked for", unasked(), products(), 0),
        ("an extension has no profile", rocket(), without(SHARE), 10),
        (
            "an extension that nothing embeds has no profile",
            rocket().target(extension),
            products(),
            10,
        ),
        (
            "an extension is signed automatically, and a profile covers it",
            rocket().change("Share", |target| automatic(target).without(SPECIFIER)),
            without(SHARE),
            10,
        ),
        (
            "an example has no profile and asks for none",
            rocket().target(example.clone().release("CODE_SIGN_STYLE", "Automatic")),
            products(),
            0,
        ),
        (
            "an example has no profile and asks for one",
            rocket().target(example.with(SPECIFIER, "Example")),
            products(),
            10,
        ),
        (
            "nothing has a profile",
            rocket(),
            vec![profile("com.acme.rocket").named("Other")],
            10,
        ),
        (
            "a claim is not granted",
            rocket().change("Share", |target| {
                target.claiming("com.apple.developer.healthkit", true)
            }),
            products(),
            10,
        ),
    ];
    for (what, project, profiles, code) in cases {
        let workshop = scene(&project, &profiles);
        verdicts(what, &workshop, &["--configuration", "Release"], code);
        // Whoever names no configuration means the one that is archived.
        let workshop = scene(&project, &profiles);
        verdicts(what, &workshop, &[], code);
    }
}

#[test]
fn a_selection_that_selects_nothing_does_not_clear() {
    for arguments in [&["--sdk", "appletvos"][..], &["--sdk", "iphonesimulator"]] {
        let workshop = scene(&rocket(), &products());
        verdicts("nothing is selected", &workshop, arguments, 10);
    }
    let workshop = scene(&rocket(), &products());
    targets(&workshop, "check", &["--kind", "developer-id"]).exits(10);
}

#[test]
fn a_manifest_of_release_says_nothing_about_debug() {
    let broken = rocket().change_all(|mut target| {
        target
            .settings
            .push((Some("Debug"), SPECIFIER.to_owned(), "Nowhere".to_owned()));
        target
    });
    let workshop = scene(&broken, &products());
    let project = ["--project", "Acme.xcodeproj"];
    workshop
        .run(&[&["manifest", "freeze"], &project[..]].concat())
        .exits(0);
    workshop
        .run(&[&["targets", "check"], &project[..]].concat())
        .exits(0);
    let debug = ["targets", "check", "--configuration", "Debug"];
    workshop.run(&[&debug, &project[..]].concat()).exits(10);
}

#[test]
fn freezing_names_what_it_leaves_out_unless_that_is_allowed() {
    let workshop = scene(&rocket(), &without(SHARE));
    let freeze = [
        "manifest",
        "freeze",
        "--project",
        "Acme.xcodeproj",
        "--format",
        "json",
    ];
    let refused = workshop.run(&freeze).exits(10).json();
    assert!(refused["manifest"].is_null());
    let other = [&freeze[..], &["--allow-unmapped", "Widgets"]].concat();
    workshop.run(&other).exits(10);
    let allowed = [&freeze[..], &["--allow-unmapped", "Share"]].concat();
    let frozen = workshop.run(&allowed).exits(0).json();
    assert_eq!(frozen["manifest"]["targets"], 3);
    let configurations = &frozen["archive"]["configurations"];
    assert_eq!(configurations, &serde_json::json!(["Release"]));
    let told = frozen["findings"].as_array().unwrap().iter();
    let told: Vec<&Json> = told.filter(|it| it["code"] == "target-unmapped").collect();
    assert_eq!((told.len(), &told[0]["severity"]), (1, &Json::from("warn")));
}

#[test]
fn freezing_says_which_profiles_have_expired_and_which_share_a_name() {
    let old = ProfileSpec::ios(forge::profile::Kind::AppStore, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let twin = profile(SHARE).named("iOS App Store - App");
    let mut profiles = products();
    profiles.extend([old]);
    let workshop = scene(&rocket(), &profiles);
    let freeze = ["manifest", "freeze", "--format", "json"];
    let told = |code: &str| -> Vec<String> {
        let document = workshop.run(&freeze).exits(0).json();
        let all = document["findings"].as_array().unwrap().iter();
        all.filter(|it| it["code"] == code && it["severity"] == "warn")
            .map(|it| it["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let expired = told("profile-expired");
    assert!(
        expired.len() == 1 && expired[0].contains("has expired"),
        "{expired:?}"
    );
    assert_eq!(told("profile-shadowed"), Vec::<String>::new());
    let file = format!("profiles/{}", twin.file_name());
    workshop.write(file, twin.mint());
    let shadowed = told("profile-shadowed");
    assert!(
        shadowed.len() == 1 && shadowed[0].contains("iOS App Store - App"),
        "{shadowed:?}"
    );
}
