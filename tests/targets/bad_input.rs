//! An error or a finding with file and line, and the others are still reported.

use std::fs;

use forge::fixtures::products;
use forge::project::TargetSpec;

use crate::scene::{
    SHARE, SPECIFIER, blocked, blocking, document, only, pbxproj, rocket, scene, targets,
};

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
    // Who names none means the one at hand, and with two of them nobody knows.
    workshop.run(&["targets", "check"]).exits(0);
    std::fs::create_dir(workshop.path("Other.xcodeproj")).unwrap();
    workshop.run(&["targets", "check"]).exits(2).says(&[
        "several are here: Acme.xcodeproj, Other.xcodeproj",
        "--project",
    ]);
}

#[test]
fn quotes_around_a_value_are_told_at_their_line_and_nothing_that_follows_from_them() {
    for (quote, name, value) in [
        ('"', SPECIFIER, "iOS App Store - Extensions-Share"),
        ('\'', SPECIFIER, "iOS App Store - Extensions-Share"),
        ('"', "DEVELOPMENT_TEAM", "ACME4CI001"),
        ('"', "PRODUCT_BUNDLE_IDENTIFIER", SHARE),
        ('"', "CODE_SIGN_IDENTITY", "Apple Distribution"),
        ('"', "CODE_SIGN_ENTITLEMENTS", "Share.entitlements"),
    ] {
        // Only the configuration file of the target says it.
        let mut project = rocket().change("Share", |mut target| {
            target.xcconfig = Some("Share.xcconfig".to_owned());
            target.without(name)
        });
        project.settings.retain(|(_, key, _)| key != name);
        if name == "DEVELOPMENT_TEAM" {
            project = ["Rocket", "Widgets", "Watch"]
                .into_iter()
                .fold(project, |project, other| {
                    project.change(other, |target| target.with(name, value))
                });
        }
        if name == "CODE_SIGN_ENTITLEMENTS" {
            project = project.change("Share", |mut target| {
                target.entitlements = None;
                target
            });
        }
        let empty = "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict/></plist>";
        let project = project.file("Share.entitlements", empty);
        let text = format!("// Signing\n{name} = {quote}{value}{quote}\n");
        let quoted = project.clone().file("Share.xcconfig", &text);
        let workshop = scene(&quoted, &products());
        let (document, names) = document(&workshop, 10);
        assert_eq!(names.len(), 4);
        let told = only(blocking(&workshop, &document), "setting-invalid", "", value);
        assert!(told.message().contains("quotes"), "{}", told.message());
        assert_eq!(told.finding["place"]["file"], "Share.xcconfig");
        // Without them it is what was meant.
        let plain = project.file("Share.xcconfig", &format!("{name} = {value}\n"));
        targets(&scene(&plain, &products()), "check", &[]).exits(0);
    }
}

#[test]
fn values_may_hold_equals_signs_and_lines_and_are_told_where_they_stand() {
    let odd = crate::scene::profile(SHARE).named("Share=2026 \\ \"new\"");
    let profiles = [crate::scene::without(SHARE), vec![odd.clone()]].concat();
    let asking = |value: &str| rocket().change("Share", |it| it.release(SPECIFIER, value));
    // In the project, and on the command line: only the first sign divides.
    let workshop = scene(&asking(&odd.name), &profiles);
    targets(&workshop, "check", &[]).exits(0);
    let workshop = scene(&asking("$(CI_PROFILE)"), &profiles);
    let setting = format!("CI_PROFILE={}", odd.name);
    targets(&workshop, "check", &["--setting", &setting]).exits(0);
    for setting in ["CI_PROFILE", "=x", "CI PROFILE=x"] {
        targets(&workshop, "check", &["--setting", setting])
            .exits(2)
            .says(&["write NAME=value"]);
    }
    // A value of two lines is one value, which no profile has as its name.
    for arguments in [
        &[
            "--setting",
            "CI_PROFILE=Share=2026\nCODE_SIGN_STYLE=Automatic",
        ][..],
        &[],
    ] {
        let value = match arguments.is_empty() {
            false => "$(CI_PROFILE)",
            true => "Share=2026\nCODE_SIGN_STYLE=Automatic",
        };
        let workshop = scene(&asking(value), &profiles);
        let told = blocked(
            &workshop,
            arguments,
            "target-profile-stale",
            "Share",
            SPECIFIER,
        );
        assert!(told.message().contains("Share=2026"), "{}", told.message());
    }
}

#[test]
fn a_configuration_file_that_is_a_directory_is_told_where_it_is_named() {
    let named = |project: forge::project::ProjectSpec, what: &str, at: &str| {
        let workshop = scene(&project, &products());
        fs::create_dir(workshop.path("Folder.xcconfig")).unwrap();
        let (document, names) = document(&workshop, 10);
        assert_eq!(names.len(), 4);
        let told = blocking(&workshop, &document);
        assert!(!told.is_empty());
        for told in told {
            assert_eq!(told.code(), "xcconfig-missing", "{:#}", told.finding);
            let text = told.finding.to_string();
            assert!(text.contains("directory") && text.contains(what), "{text}");
            assert!(told.line.contains(at), "{:?}", told.line);
        }
    };
    named(
        rocket().based_on("Folder.xcconfig"),
        "Folder.xcconfig",
        "baseConfigurationReference",
    );
    named(
        rocket()
            .based_on("A.xcconfig")
            .file("A.xcconfig", "// A\n#include \"Folder.xcconfig\"\n"),
        "Folder.xcconfig",
        "#include",
    );
    // And where somebody names it outside of the project.
    let workshop = scene(&rocket(), &products());
    fs::create_dir(workshop.path("Folder.xcconfig")).unwrap();
    let ran = targets(&workshop, "check", &["--xcconfig", "Folder.xcconfig"]);
    assert_ne!(ran.code, 0);
    ran.says(&["Folder.xcconfig", "directory"]);
}

#[test]
fn targets_that_embed_each_other_are_told_and_the_others_are_judged() {
    let project = rocket().change("Share", |target| target.embedding(&["Widgets"]));
    let project = project.change("Widgets", |target| target.embedding(&["Share"]));
    let workshop = scene(&project, &products());
    let (document, names) = document(&workshop, 10);
    assert_eq!(names.len(), 4);
    let told = blocking(&workshop, &document);
    let circle: Vec<_> = told
        .iter()
        .filter(|told| told.message().contains("circle"))
        .collect();
    assert_eq!(circle.len(), 1, "{document:#}");
    let place = &circle[0].finding["place"];
    assert!(place["file"].as_str().unwrap().ends_with("project.pbxproj"));
    assert!(place["line"].is_u64() && circle[0].finding["hint"].is_string());
}
