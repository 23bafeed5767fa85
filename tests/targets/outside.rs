//! What is said outside of the project: `--setting`, `--xcconfig`, `XCODE_XCCONFIG_FILE` and the environment.

use std::fs;

use forge::fixtures::products;
use forge::project::ProjectSpec;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes, ran};

use crate::scene::{SPECIFIER, profile, rocket, scene, targets_in};

/// Acme's project, whose application asks for the profile that the pipeline names.
fn asking() -> ProjectSpec {
    rocket().change("Rocket", |target| {
        target.without(SPECIFIER).with(SPECIFIER, "$(CI_PROFILE)")
    })
}

fn wanted() -> String {
    profile("com.acme.rocket").name
}

fn run(workshop: &Workshop, verb: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let arguments = [&["--format", "json"], arguments].concat();
    targets_in(environment, workshop, verb, &arguments)
}

/// What the application asks for, as `targets show` says it.
fn specifier(workshop: &Workshop, arguments: &[&str], environment: &[(&str, &str)]) -> Json {
    let document = run(workshop, "show", arguments, environment)
        .exits(0)
        .json();
    let targets = document["targets"].as_array().unwrap();
    let rocket = targets.iter().find(|it| it["target"] == "Rocket").unwrap();
    rocket["specifier"]["value"].clone()
}

#[test]
fn a_profile_that_the_pipeline_names_decides_and_a_wrong_one_blocks() {
    let workshop = scene(&asking(), &products());
    let wanted = wanted();
    run(&workshop, "check", &[], &[]).exits(0);
    for (value, code) in [(&*wanted, 0), ("Another", 10)] {
        let argument = format!("CI_PROFILE={value}");
        run(&workshop, "check", &["--setting", &argument], &[]).exits(code);
        let ran = run(&workshop, "check", &[], &[("CI_PROFILE", value)]).exits(code);
        assert_eq!(
            codes(&ran.json()).contains(&"target-profile-stale".to_owned()),
            code == 10
        );
    }
}

#[test]
fn what_is_said_outside_is_ranked_as_xcodebuild_ranks_it() {
    let workshop = scene(&asking(), &products());
    // They may lie anywhere, not only where project files reach.
    fs::create_dir(workshop.path("elsewhere")).unwrap();
    let write = |name: &str, text: &str| {
        let path = workshop.write(format!("elsewhere/{name}"), text);
        path.to_str().unwrap().to_owned()
    };
    let argument = write("argument.xcconfig", "#include \"shared.xcconfig\"\n");
    write("shared.xcconfig", "CI_PROFILE = of the argument's file\n");
    let variable = write("variable.xcconfig", "CI_PROFILE = of the variable's file\n");
    let environment = [("CI_PROFILE", "of the environment")];
    let shown = |arguments: &[&str], environment: &[(&str, &str)]| {
        specifier(&workshop, arguments, environment)
    };
    assert_eq!(
        shown(&[], &environment),
        "$(CI_PROFILE) from the environment"
    );
    let setting = ["--setting", "CI_PROFILE=of the argument"];
    assert_eq!(shown(&setting, &environment), "of the argument");
    let file = [&setting[..], &["--xcconfig", &argument]].concat();
    assert_eq!(shown(&file, &environment), "of the argument's file");
    let both = [environment[0], ("XCODE_XCCONFIG_FILE", &*variable)];
    assert_eq!(shown(&file, &both), "of the variable's file");
    // The project lies over the environment, and the command line over the project.
    let written = scene(&rocket(), &products());
    let name = [(SPECIFIER, "of the environment")];
    assert_eq!(specifier(&written, &[], &name), wanted());
    let conditional = [
        "--setting",
        "PROVISIONING_PROFILE_SPECIFIER[sdk=iphoneos*]=of the SDK",
        "--setting",
        "PROVISIONING_PROFILE_SPECIFIER=of all",
    ];
    assert_eq!(specifier(&written, &conditional, &[]), "of the SDK");
}

#[test]
fn a_setting_that_is_none_and_a_file_that_is_none_are_told() {
    let workshop = scene(&asking(), &products());
    for (setting, problem) in [
        ("CI_PROFILE", "it has no \"=\""),
        ("=value", "expected the name of a build setting"),
        ("A[sdk=iphoneos=x", "is not closed"),
    ] {
        let ran = run(&workshop, "check", &["--setting", setting], &[]).exits(2);
        assert!(
            ran.err.contains(problem.split('"').next().unwrap()),
            "{}",
            ran.err
        );
    }
    // A value may hold what it likes.
    let odd = "CI_PROFILE=a=b\nc";
    assert_eq!(specifier(&workshop, &["--setting", odd], &[]), "a=b\nc");
    fs::create_dir(workshop.path("folder.xcconfig")).unwrap();
    for file in ["missing.xcconfig", "folder.xcconfig"] {
        for arguments in [&["--xcconfig", file][..], &[]] {
            let environment: &[(&str, &str)] = match arguments {
                [] => &[("XCODE_XCCONFIG_FILE", file)],
                _ => &[],
            };
            let document = run(&workshop, "check", arguments, environment)
                .exits(10)
                .json();
            let findings = document["findings"].as_array().unwrap();
            let told = findings.iter().find(|it| it["code"] == "xcconfig-missing");
            assert_eq!(told.unwrap()["place"]["file"], file);
        }
    }
}

#[test]
fn a_version_of_the_sdk_is_asked_for_and_can_be_said() {
    let project = rocket().change("Rocket", |target| {
        target.with("PROVISIONING_PROFILE_SPECIFIER[sdk=iphoneos18*]", "Of 18")
    });
    let workshop = scene(&project, &products());
    let untold = run(&workshop, "check", &[], &[]).exits(0);
    assert!(codes(&untold.json()).contains(&"setting-sdk-version".to_owned()));
    for (sdk, expected) in [
        ("iphoneos18.2", "Of 18".to_owned()),
        ("iphoneos26.0", wanted()),
    ] {
        assert_eq!(
            specifier(&workshop, &["--sdk", sdk], &[]),
            expected,
            "{sdk}"
        );
        let ran = run(&workshop, "check", &["--sdk", sdk], &[]);
        assert!(!codes(&ran.json()).contains(&"setting-sdk-version".to_owned()));
    }
}

#[test]
fn freezing_and_the_gate_read_the_same() {
    let workshop = scene(&asking(), &products());
    let setting = format!("CI_PROFILE={}", wanted());
    let project = ["--project", "Acme.xcodeproj"];
    for (setting, code) in [(&*setting, 0), ("CI_PROFILE=Another", 10)] {
        let words = ["manifest", "freeze", "--setting", setting];
        workshop.run(&[&words[..], &project].concat()).exits(code);
    }
    workshop.allow_waivers();
    let gate = ["gate", "--without", "identities", "--format", "json"];
    let gate = [&gate[..], &project].concat();
    let cleared = ran(workshop.command(&gate).env("CI_PROFILE", wanted()));
    assert!(
        !cleared.out.contains("target-profile-stale"),
        "{}",
        cleared.out
    );
    let blocked = ran(workshop.command(&gate).env("CI_PROFILE", "Another")).exits(10);
    assert!(
        blocked.out.contains("target-profile-stale"),
        "{}",
        blocked.out
    );
}
