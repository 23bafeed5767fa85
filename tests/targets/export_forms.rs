//! What export forms say beside the profiles, and what is refused in every form.

use std::process::Command;

use forge::fixtures::{distribution, products};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::workshop::Workshop;

use crate::scene::{SHARE, SPECIFIER, rocket, scene, targets, unasked, without};

const FORMS: [&str; 5] = ["xcargs", "xcconfig", "fastlane", "export-options", "json"];
const CONTAINERS: &str = "com.apple.developer.icloud-container-identifiers";
const ENVIRONMENT: &str = "com.apple.developer.icloud-container-environment";

fn texts(texts: &[&str]) -> plist::Value {
    plist::Value::Array(texts.iter().map(|text| (*text).into()).collect())
}

/// The export options of the Release configuration.
#[track_caller]
fn options(workshop: &Workshop, arguments: &[&str]) -> plist::Dictionary {
    let arguments = [&["--as", "export-options"], arguments].concat();
    let text = targets(workshop, "export", &arguments).exits(0).out;
    plist::from_bytes(text.as_bytes()).unwrap()
}

fn text<'o>(options: &'o plist::Dictionary, key: &str) -> Option<&'o str> {
    options.get(key).and_then(plist::Value::as_string)
}

/// One application that names an iCloud container, and a profile of a kind that grants it.
fn with_container(kind: Kind, environment: Option<&str>) -> Workshop {
    let mut app = TargetSpec::new("Cloud", Product::App, "com.acme.cloud")
        .claiming(CONTAINERS, texts(&["iCloud.com.acme.cloud"]));
    if let Some(environment) = environment {
        app = app.claiming(ENVIRONMENT, environment);
    }
    let profile = ProfileSpec::ios(kind, "com.acme.cloud")
        .entitled(CONTAINERS, texts(&["iCloud.com.acme.cloud"]))
        .entitled(ENVIRONMENT, texts(&["Production", "Development"]));
    let profile = match kind {
        Kind::Development => profile,
        _ => profile.certificates(&[distribution()]),
    };
    scene(&ProjectSpec::new("Acme").target(app), &[profile])
}

#[test]
fn export_options_name_the_icloud_environment_for_everything_but_the_store() {
    for (kind, claimed, expected) in [
        (Kind::AdHoc, None, Some("Production")),
        (Kind::AdHoc, Some("Development"), Some("Development")),
        (Kind::Development, None, Some("Development")),
        (Kind::AppStore, None, None),
    ] {
        let workshop = with_container(kind, claimed);
        let options = options(&workshop, &[]);
        assert_eq!(
            text(&options, "iCloudContainerEnvironment"),
            expected,
            "{kind:?} {claimed:?}"
        );
    }
    // Who names no container is asked for none.
    let options = options(&scene(&unasked(), &products()), &[]);
    assert_eq!(text(&options, "iCloudContainerEnvironment"), None);
}

#[test]
fn a_package_for_the_mac_app_store_names_its_installer_certificate() {
    let profile = ProfileSpec::mac(Kind::AppStore, "com.acme.desk").certificates(&[distribution()]);
    let app = TargetSpec::new("Desk", Product::App, "com.acme.desk")
        .with("SDKROOT", "macosx")
        .with(SPECIFIER, &profile.uuid);
    let workshop = scene(&ProjectSpec::new("Acme").target(app), &[profile]);
    let mac = options(&workshop, &["--target", "Desk"]);
    assert_eq!(
        text(&mac, "installerSigningCertificate"),
        Some("Mac Installer Distribution")
    );
    let phone = options(&scene(&unasked(), &products()), &[]);
    assert_eq!(text(&phone, "installerSigningCertificate"), None);
}

#[test]
fn an_app_clip_is_exported_with_the_bundle_id_of_what_is_distributed() {
    const CLIP: &str = "com.acme.rocket.Clip";
    let clip = TargetSpec::new("Clip", Product::AppClip, CLIP);
    let project = unasked()
        .target(clip)
        .change("Rocket", |target| target.embedding(&["Clip"]));
    for (kind, named, expected) in [
        // The store takes both, so nobody says which.
        (Kind::AppStore, None, None),
        (Kind::AdHoc, None, Some("com.acme.rocket")),
        (Kind::AdHoc, Some("Clip"), Some(CLIP)),
        (Kind::AppStore, Some("Clip"), Some(CLIP)),
    ] {
        let mut profiles: Vec<ProfileSpec> = products()
            .into_iter()
            .map(|of_store| {
                let mut again = ProfileSpec::ios(kind, &of_store.bundle_pattern)
                    .certificates(&[distribution()]);
                let claims = of_store.entitlements.into_iter().filter(|(key, _)| {
                    !matches!(key.as_str(), "beta-reports-active" | "get-task-allow")
                });
                again.entitlements.extend(claims);
                again
            })
            .collect();
        let parents = texts(&["ACME4CI001.com.acme.rocket"]);
        profiles.push(
            ProfileSpec::ios(kind, CLIP)
                .certificates(&[distribution()])
                .entitled("com.apple.developer.on-demand-install-capable", true)
                .entitled(
                    "com.apple.developer.parent-application-identifiers",
                    parents,
                ),
        );
        let workshop = scene(&project, &profiles);
        let arguments: Vec<&str> = named.into_iter().flat_map(|it| ["--target", it]).collect();
        let options = options(&workshop, &arguments);
        assert_eq!(
            text(&options, "distributionBundleIdentifier"),
            expected,
            "{kind:?} {named:?}"
        );
    }
    // Who has no App Clip is not asked.
    let options = options(&scene(&unasked(), &products()), &[]);
    assert_eq!(text(&options, "distributionBundleIdentifier"), None);
}

#[test]
fn kinds_that_are_mixed_are_exported_in_no_form() {
    let mut profiles = without(SHARE);
    let mut ad_hoc = ProfileSpec::ios(Kind::AdHoc, SHARE).certificates(&[distribution()]);
    ad_hoc = ad_hoc.entitled(
        "com.apple.security.application-groups",
        crate::scene::groups(),
    );
    profiles.push(ad_hoc);
    let workshop = scene(&unasked(), &profiles);
    for form in FORMS {
        let refused = targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&["plan-not-exportable"]);
        assert_eq!(refused.out, "", "{form}");
    }
}

#[test]
fn an_expired_profile_is_exported_in_no_form() {
    let mut profiles = without(SHARE);
    let expired =
        crate::scene::profile(SHARE).valid("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    profiles.push(expired);
    let workshop = scene(&unasked(), &profiles);
    for form in FORMS {
        let refused = targets(&workshop, "export", &["--as", form])
            .exits(10)
            .says(&["expired"]);
        assert_eq!(refused.out, "", "{form}");
    }
}

/// The words that a shell makes of a line.
#[allow(clippy::disallowed_methods, reason = "a shell reads the words back")]
fn words(line: &str) -> String {
    let script = format!("printf '%s\\n' {line}");
    let ran = Command::new("/bin/sh").args(["-c", &script]).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_form_for_fastlane_is_one_line_whose_words_a_shell_gives_back() {
    // What people call targets, where exported settings have their names.
    let in_plist = |target: TargetSpec| {
        target
            .without("PRODUCT_BUNDLE_IDENTIFIER")
            .with("GENERATE_INFOPLIST_FILE", "NO")
            .with("INFOPLIST_FILE", "Info.plist")
    };
    let names = [
        "Share",
        "My App (Dev)",
        "It's \"mine\"",
        "$HOME `id`",
        "a\\b;c&d|e>f*",
    ];
    for name in names {
        let mut project = unasked().change("Share", in_plist).file(
            "Info.plist",
            "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>CFBundleIdentifier</key>\
             <string>com.acme.rocket.share</string></dict></plist>",
        );
        for target in &mut project.targets {
            if target.name == "Share" {
                target.name = name.to_owned();
                target.entitlements = None;
            }
            for embedded in target.embeds.iter_mut().filter(|it| *it == "Share") {
                *embedded = name.to_owned();
            }
        }
        let workshop = scene(&project, &products());
        let arguments = targets(&workshop, "export", &["--as", "xcargs"])
            .exits(0)
            .out;
        assert!(arguments.contains("TARGET_NAME"), "{arguments}");
        let line = targets(&workshop, "export", &["--as", "fastlane"])
            .exits(0)
            .out;
        assert_eq!(line.lines().count(), 1, "{line}");
        assert_eq!(words(&line), arguments, "{name}");
    }
    let workshop = scene(&rocket(), &products());
    let arguments = targets(&workshop, "export", &["--as", "xcargs"]).exits(0);
    let line = targets(&workshop, "export", &["--as", "fastlane"]).exits(0);
    assert_eq!(words(&line.out), arguments.out);
}
