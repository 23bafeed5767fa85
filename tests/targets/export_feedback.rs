//! Exported settings are fed back through the resolver as the build gets them: with what is said outside of the project, for
//! what the scheme archives, and with what Xcode itself resolved.

use std::fs;

use forge::fixtures::{distribution, products};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::json;
use support::workshop::Workshop;

use crate::scene::{SPECIFIER, rocket, scene, targets, targets_in, unasked};
use crate::schemes::scheme;

const FORMS: [&str; 3] = ["xcargs", "xcconfig", "fastlane"];

/// The specifier that each form hands to a target, by the name of its setting.
#[track_caller]
fn names(workshop: &Workshop, arguments: &[&str], setting: &str, uuid: &str) {
    let arguments = [&["--as", "xcargs"], arguments].concat();
    let text = targets(workshop, "export", &arguments).exits(0).out;
    let line = format!("{setting}={uuid}");
    assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
}

#[test]
fn a_configuration_file_outside_of_the_repository_counts_when_exported_settings_are_fed_back() {
    let project = unasked().change_all(|target| {
        let name = target.name.to_uppercase();
        target.with("PRODUCT_BUNDLE_IDENTIFIER", &format!("$({name}_ID)"))
    });
    let workshop = scene(&project, &products());
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("ids.xcconfig");
    fs::write(
        &file,
        "#include \"rocket.xcconfig\"\nSHARE_ID = $(ROCKET_ID).share\nWIDGETS_ID = $(ROCKET_ID).widgets\n\
         WATCH_ID = $(ROCKET_ID).watchkitapp\n",
    )
    .unwrap();
    let included = outside.path().join("rocket.xcconfig");
    fs::write(included, "ROCKET_ID = com.acme.rocket\n").unwrap();
    let file = file.to_str().unwrap();
    for form in FORMS {
        let arguments = ["--xcconfig", file, "--as", form];
        targets(&workshop, "export", &arguments).exits(0);
        let named = [("XCODE_XCCONFIG_FILE", file)];
        targets_in(&named, &workshop, "export", &["--as", form]).exits(0);
    }
    let uuid = &crate::scene::profile("com.acme.rocket").uuid;
    names(
        &workshop,
        &["--xcconfig", file],
        "CSN_iphoneos_com_acme_rocket",
        uuid,
    );
    // What it says lies over what is exported: then no build signs as planned, and nothing is exported.
    fs::write(
        outside.path().join("rocket.xcconfig"),
        format!("ROCKET_ID = com.acme.rocket\n{SPECIFIER} = Another\n"),
    )
    .unwrap();
    for form in FORMS {
        let arguments = ["--xcconfig", file, "--as", form];
        let refused = targets(&workshop, "export", &arguments).exits(10);
        assert_eq!(refused.out, "", "{form}");
    }
}

/// Acme's project with a second application that has the same bundle id and a profile of its own, as one for testers has;
/// each has a scheme.
fn with_twin(change: impl FnOnce(TargetSpec) -> TargetSpec) -> ProjectSpec {
    let twin = TargetSpec::new("RocketBeta", Product::App, "com.acme.rocket");
    rocket().target(change(twin))
}

fn schemed(project: &ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = scene(project, profiles);
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    scheme(&workshop, "Beta", "Release", &["RocketBeta"]);
    workshop
}

#[test]
fn what_another_scheme_archives_keeps_nobody_from_exporting() {
    let uuid = crate::scene::profile("com.acme.rocket").uuid;
    // The same bundle id, and another profile for it; another team.
    let beta = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
        .named("Beta")
        .certificates(&[distribution()]);
    let rival = ProfileSpec::ios(Kind::AppStore, "com.acme.beta")
        .named("Beta")
        .team("RIVAL4CI02", "RIVAL4CI02");
    for (project, profile) in [
        (with_twin(|it| it.with(SPECIFIER, "Beta")), beta),
        (
            with_twin(|it| {
                it.with(SPECIFIER, "Beta")
                    .with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.beta")
                    .with("DEVELOPMENT_TEAM", "RIVAL4CI02")
            }),
            rival,
        ),
    ] {
        let profiles = [products(), vec![profile]].concat();
        let workshop = schemed(&project, &profiles);
        let setting = "CSN_iphoneos_com_acme_rocket";
        names(&workshop, &["--scheme", "Rocket"], setting, &uuid);
        for form in ["export-options", "json"] {
            let arguments = ["--scheme", "Rocket", "--as", form];
            targets(&workshop, "export", &arguments).exits(0);
        }
    }
}

#[test]
fn a_target_that_the_scheme_archives_and_nobody_selected_must_not_get_the_profile_of_another() {
    // A framework of the archive has the bundle id of its application, of which the setting's name is made.
    let kit = TargetSpec::new("Rocket Kit", Product::Framework, "com.acme.rocket");
    let project = unasked()
        .target(kit)
        .change("Rocket", |target| target.embedding(&["Rocket Kit"]));
    let workshop = scene(&project, &products());
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    for selected in [["--scheme", "Rocket"], ["--target", "Rocket"]] {
        let arguments = [&["--as", "xcargs"], &selected[..]].concat();
        let text = targets(&workshop, "export", &arguments).exits(0).out;
        assert!(text.contains("$(TARGET_NAME:c99extidentifier)"), "{text}");
    }
}

#[test]
fn what_xcode_resolved_is_fed_back_too() {
    // The build gets the bundle id on its command line, and only the capture knows it.
    let project = unasked().change("Share", |target| {
        target.with("PRODUCT_BUNDLE_IDENTIFIER", "$(SHARE_ID)")
    });
    let workshop = scene(&project, &products());
    let captured = json!([{
        "action": "build",
        "target": "Share",
        "buildSettings": {
            "CONFIGURATION": "Release",
            "PLATFORM_NAME": "iphoneos",
            "PROJECT_NAME": "Acme",
            "PRODUCT_BUNDLE_IDENTIFIER": "com.acme.rocket.share",
        },
    }]);
    workshop.write("captured.json", captured.to_string());
    let arguments = ["--build-settings", "captured.json"];
    let uuid = crate::scene::profile(crate::scene::SHARE).uuid;
    let setting = "CSN_iphoneos_com_acme_rocket_share";
    names(&workshop, &arguments, setting, &uuid);
    // A file above the command line says otherwise: with it, no build signs as planned.
    let over = workshop.write("over.xcconfig", format!("{SPECIFIER} = Another\n"));
    let over = over.to_str().unwrap();
    for form in FORMS {
        let arguments = [
            "--build-settings",
            "captured.json",
            "--xcconfig",
            over,
            "--as",
            form,
        ];
        let refused = targets(&workshop, "export", &arguments)
            .exits(10)
            .says(&["plan-not-exportable"]);
        assert_eq!(refused.out, "", "{form}");
    }
}
