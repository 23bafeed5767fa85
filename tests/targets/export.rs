//! What is exported, fed back through the resolver.

use std::collections::BTreeMap;

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
use support::workshop::Workshop;

use crate::scene::{SHARE, groups, profile, rocket, scene, targets, unasked, without};

/// What the project's Release targets that need a profile resolve to with these settings over everything.
fn resolved(workshop: &Workshop, overrides: &Overrides) -> Vec<SigningTarget> {
    let sources = DiskSources::of_folders(&[workshop.path("")]).unwrap();
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

/// What is fed back is the project that was exported, whoever named it.
#[test]
fn the_project_at_hand_is_exported_as_one_that_is_named() {
    let workshop = scene(&rocket(), &products());
    for form in ["xcargs", "xcconfig", "fastlane"] {
        let words = [
            "targets",
            "export",
            "--configuration",
            "Release",
            "--as",
            form,
        ];
        let at_hand = workshop.run(&words).exits(0).out;
        let named = [&words[..], &["--project", "Acme.xcodeproj"]].concat();
        assert_eq!(at_hand, workshop.run(&named).exits(0).out, "{form}");
    }
}

#[test]
fn exported_settings_give_every_target_its_planned_certificate() {
    let leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled("the second");
    let second = Hierarchy::acme().developer(&leaf);
    let mut profiles = without(SHARE);
    profiles.push(profile(SHARE).certificates(std::slice::from_ref(&second)));
    // Xcode would refuse to embed what has another certificate.
    let project = rocket().change("Rocket", |mut rocket| {
        rocket.embeds.retain(|name| name != "Share");
        rocket
    });
    let workshop = scene(&project, &profiles);
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
fn a_bundle_id_that_begins_with_a_digit_gets_its_profile() {
    let bundle_id = "3dgames.acme.rocket";
    let app = TargetSpec::new("Games", Product::App, bundle_id);
    let profile = ProfileSpec::ios(Kind::AppStore, bundle_id).certificates(&[distribution()]);
    comes_back(&scene(&ProjectSpec::new("Acme").target(app), &[profile]), 1);
}

#[test]
fn a_bundle_id_that_only_the_info_plist_holds_gets_its_profile() {
    let in_plist = |target: TargetSpec| {
        target
            .without("PRODUCT_BUNDLE_IDENTIFIER")
            .with("GENERATE_INFOPLIST_FILE", "NO")
            .with("INFOPLIST_FILE", "Share/Info.plist")
    };
    let project = unasked().change("Share", in_plist).file(
        "Share/Info.plist",
        "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>CFBundleIdentifier</key>\
         <string>com.acme.rocket.share</string></dict></plist>",
    );
    comes_back(&scene(&project, &products()), 4);
}

#[test]
fn a_framework_that_has_the_bundle_id_of_its_application_gets_no_profile() {
    let project = unasked()
        .target(TargetSpec::new(
            "RocketKit",
            Product::Framework,
            "com.acme.rocket",
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
            .says(&["ACME4CI001", rival, "targets of each team"]);
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
