//! Freezing, checking, exporting and the gate give one verdict of the same input.

use std::fs;
use std::path::Path;

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

/// Inputs that were made from public reports, where they are at hand: what each must come out as, and that all agree.
#[test]
fn public_reports_come_out_as_they_must() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/reports");
    if !reports.exists() {
        println!("skipped: ../shared/data/reports is not here");
        return;
    }
    let check = |folder: &str, project: &str, arguments: &[&str]| {
        let workshop = Workshop::new();
        let copy = workshop.path("report");
        copied(&reports.join(folder), &copy);
        fs::copy(reports.join("anchors.pem"), workshop.path("anchors.pem")).unwrap();
        let project = copy.join(project).display().to_string();
        // Some reports need no profiles and no policy: then the workshop's count.
        let own = |name: &str, other: &str| {
            let path = copy.join(name);
            let path = if path.exists() {
                path
            } else {
                workshop.path(other)
            };
            path.display().to_string()
        };
        let policy = own("signing.toml", "manifests/signing.toml");
        let profiles = own("profiles", "profiles");
        let words = [
            "--policy",
            &policy,
            "--profiles",
            &profiles,
            "targets",
            "check",
            "--format",
            "json",
            "--project",
            &project,
        ];
        workshop.run(&[&words[..], arguments].concat()).json()
    };
    let release = ["--configuration", "Release"];
    for arguments in [&[][..], &release, &["--scheme", "Convos (Prod)"]] {
        for (commit, verdict) in [("before", "blocked"), ("after", "cleared")] {
            let project = format!("{commit}/Convos.xcodeproj");
            let document = check("11-convos-917", &project, arguments);
            assert_eq!(
                document["verdict"], verdict,
                "{commit} {arguments:?}: {document:#}"
            );
        }
    }
    let count = |document: &Json, code: &str| {
        let all = document["findings"].as_array().unwrap().iter();
        all.filter(|it| it["code"] == code).count()
    };
    for (folder, workspace, arguments) in [
        (
            "27-workspace-pods-not-installed",
            "Runner.xcworkspace",
            &["--configuration", "Release-prod"][..],
        ),
        ("R-W1-workspace-with-absent-pods", "A.xcworkspace", &[]),
    ] {
        let document = check(folder, workspace, arguments);
        assert_eq!(count(&document, "project-missing"), 1, "{document:#}");
        assert!(!document["targets"].as_array().unwrap().is_empty());
    }
    let folder = "42-missing-xcconfig-of-another-configuration";
    let document = check(folder, "App.xcodeproj", &release);
    assert_eq!(document["verdict"], "cleared", "{document:#}");
    assert_eq!(count(&document, "xcconfig-missing"), 0);
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copied(&entry.path(), &target),
            false => {
                fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
            }
        }
    }
}
