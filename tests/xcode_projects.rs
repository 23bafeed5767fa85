//! Real projects resolve to what their files say; the tables below were worked out by hand from those files.
//!
//! The projects are not ours and lie beside the repository; where they are absent, these tests say so and pass.

#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions, not in the helpers beside them"
)]

use std::path::{Path, PathBuf};

use countersign::base::error::Explain as _;
use countersign::base::finding::{Code, Severity};
use countersign::host::sources::DiskSources;
use countersign::xcode::assignment::Layer;
use countersign::xcode::platform::Platform;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::show_build_settings;
use countersign::xcode::targets::{self, Selection, SigningTarget, SigningTargets};

fn data(path: &str) -> Option<PathBuf> {
    shared(&format!("projects/{path}"))
}

fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    let path = root.join(path);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

fn resolved(project: &Path, configuration: Option<&str>) -> SigningTargets {
    resolved_from(
        &DiskSources::of_project(project, None),
        project,
        configuration,
    )
}

fn resolved_from(
    sources: &DiskSources,
    project: &Path,
    configuration: Option<&str>,
) -> SigningTargets {
    let project = Project::open(project, sources).unwrap();
    let settings = ProjectSettings::load(&project, sources, &Overrides::default());
    let selection = Selection {
        configuration,
        ..Selection::default()
    };
    targets::resolve(&settings, sources, &selection)
}

/// `target configuration platform: bundle id, style, team, identity, profile`, a row a line.
fn table(rows: &[SigningTarget]) -> Vec<String> {
    rows.iter()
        .map(|row| {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {}: {}, {}, {}, {}, {}",
                row.target,
                row.configuration,
                row.platform,
                or_none(row.bundle_id.as_ref().map(|s| s.value.to_string())),
                row.style.value,
                or_none(row.team.as_ref().map(|s| s.value.to_string())),
                or_none(row.identity.as_ref().map(|s| s.value.to_string())),
                or_none(row.requested_profile().map(|s| s.value.to_string())),
            )
        })
        .collect()
}

fn row<'a>(found: &'a SigningTargets, target: &str, platform: Platform) -> &'a SigningTarget {
    found
        .rows
        .iter()
        .find(|row| row.target.as_str() == target && row.platform == platform)
        .unwrap()
}

#[test]
fn netnewswire_resolves_as_its_configuration_files_say() {
    let Some(path) = data("netnewswire/NetNewsWire.xcodeproj") else {
        return;
    };
    let found = resolved(&path, None);
    let mac = "Automatic, M8L2WTLA8W, Mac Developer, -";
    let ios = "Automatic, M8L2WTLA8W, iPhone Developer, -";
    let mut expected = Vec::new();
    for (target, platform, debug, release, rest) in [
        (
            "NetNewsWire",
            "macos",
            "com.ranchero.NetNewsWire-Evergreen-DEBUG",
            "com.ranchero.NetNewsWire-Evergreen",
            mac,
        ),
        (
            "NetNewsWireTests",
            "macos",
            "com.ranchero.NetNewsWireTests",
            "com.ranchero.NetNewsWireTests",
            mac,
        ),
        (
            "NetNewsWire-iOS",
            "ios",
            "com.ranchero.NetNewsWire.iOS-DEBUG",
            "com.ranchero.NetNewsWire.iOS",
            ios,
        ),
        (
            "Subscribe to Feed",
            "macos",
            "com.ranchero.NetNewsWire-Evergreen-DEBUG.SubscribeToFeed",
            "com.ranchero.NetNewsWire-Evergreen.SubscribeToFeed",
            mac,
        ),
        (
            "NetNewsWire iOS Share Extension",
            "ios",
            "com.ranchero.NetNewsWire.iOS-DEBUG.Share-Extension",
            "com.ranchero.NetNewsWire.iOS.Share-Extension",
            ios,
        ),
        (
            "NetNewsWire iOS Widget Extension",
            "ios",
            "com.ranchero.NetNewsWire.iOS-DEBUG.SpringboardWidgets",
            "com.ranchero.NetNewsWire.iOS.SpringboardWidgets",
            ios,
        ),
        (
            "NetNewsWire-iOSTests",
            "ios",
            "com.ranchero.NetNewsWire-iOSTests",
            "com.ranchero.NetNewsWire-iOSTests",
            ios,
        ),
        (
            "NetNewsWire Share Extension",
            "macos",
            "com.ranchero.NetNewsWire-Evergreen-DEBUG.Mac.ShareExtension",
            "com.ranchero.NetNewsWire-Evergreen.Mac.ShareExtension",
            mac,
        ),
    ] {
        expected.push(format!("{target} Debug {platform}: {debug}, {rest}"));
        expected.push(format!("{target} Release {platform}: {release}, {rest}"));
    }
    assert_eq!(table(&found.rows), expected);
    for row in &found.rows {
        let origin = &row.style.origin;
        assert_eq!(origin.layer, Layer::TargetXcconfig);
        assert_eq!(origin.line, Some(6));
        assert!(
            origin
                .file
                .as_ref()
                .unwrap()
                .ends_with("xcconfig/common/NetNewsWire_codesigning_common.xcconfig")
        );
    }
    assert_eq!(
        row(&found, "Subscribe to Feed", Platform::Macos)
            .host
            .as_ref()
            .unwrap()
            .as_str(),
        "NetNewsWire"
    );
    // One entitlements file is not in the sample. Its developers keep settings beside their checkouts, where nobody looks.
    let codes: Vec<_> = found.findings.iter().map(|f| f.code).collect();
    assert_eq!(
        codes,
        [
            &[Code::ProjectFileOutsideRoot; 4][..],
            &[Code::EntitlementsUnreadable]
        ]
        .concat()
    );
    for finding in &found.findings[..4] {
        let written = finding.found.as_deref().unwrap();
        assert!(written.contains("/SharedXcodeSettings/"), "{written}");
    }
    assert_eq!(found.findings[4].place.line, Some(2));
    // Declared is a folder that holds all places where Xcode would look.
    let holds_all = path.ancestors().nth(4).unwrap().to_owned();
    let sources = DiskSources::of_folders(&[holds_all]).unwrap();
    let declared = resolved_from(&sources, &path, None);
    assert_eq!(table(&declared.rows), table(&found.rows));
    let codes: Vec<_> = declared.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::EntitlementsUnreadable]);
}

#[test]
fn inherited_configuration_files_resolve_through_variables() {
    let Some(path) = data("xcconfig-inheritance/ExampleWithInheritedXcconfig.xcodeproj") else {
        return;
    };
    let found = resolved(&path, None);
    // The project's own CODE_SIGN_IDENTITY lies over its xcconfig's, so Release too is signed for development.
    assert_eq!(
        table(&found.rows),
        [
            "Target A Debug ios: com.targeta.debug, Manual, TARGETADEVTEAM, iPhone Developer, debug-targeta",
            "Target A Release ios: com.targeta.release, Manual, TARGETADEVTEAM, iPhone Developer, release-targeta",
            "Target B Debug ios: com.targetb.debug, Manual, TARGETBDEVTEAM, iPhone Developer, debug-targetb",
            "Target B Release ios: com.targetb.release, Manual, TARGETBDEVTEAM, iPhone Developer, release-targetb",
        ]
    );
    // Said in the project's file, filled in by the target's.
    let id = found.rows[0].bundle_id.as_ref().unwrap();
    let steps: Vec<_> = id
        .trail
        .iter()
        .map(|step| {
            let file = step.origin.file.as_ref().unwrap().file_name().unwrap();
            format!(
                "{} {}:{}",
                step.name,
                file.display(),
                step.origin.line.unwrap()
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "PRODUCT_BUNDLE_IDENTIFIER Debug.xcconfig:5",
            "_DEBUG_APP_PRODUCT_BUNDLE_IDENTIFIER TargetA.xcconfig:3"
        ]
    );
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn a_watchkit_1_project_nests_its_watch_app_in_the_extension() {
    let Some(path) = data("watchkit/watchkit.xcodeproj") else {
        return;
    };
    let found = resolved(&path, Some("Release"));
    assert_eq!(
        table(&found.rows),
        [
            "WatchKit Release ios: tools.fastlane.app, not written, -, iPhone Distribution, -",
            "WatchKit WatchKit 1 Extension Release ios: net.sunapps.WatchKit.watchkitextension, not written, -, iPhone Developer, -",
            "WatchKit WatchKit 1 App Release ios: net.sunapps.WatchKit.watchkitapp, not written, -, iPhone Developer, -",
        ]
    );
    let app = row(&found, "WatchKit WatchKit 1 App", Platform::Ios);
    assert_eq!(
        app.embedded_in[0].target.as_str(),
        "WatchKit WatchKit 1 Extension"
    );
    assert_eq!(app.host.as_ref().unwrap().as_str(), "WatchKit");
    assert!(found.rows.iter().all(SigningTarget::needs_profile));
}

#[test]
fn a_visionos_project_has_its_platform() {
    let Some(path) = data("visionos/visionexample.xcodeproj") else {
        return;
    };
    let found = resolved(&path, None);
    assert_eq!(
        table(&found.rows),
        [
            "VisionExample Debug visionos: com.pppinki.Vision-Example, Automatic, -, Apple Development, -",
            "VisionExample Release visionos: com.pppinki.Vision-Example, Automatic, -, Apple Development, -",
        ]
    );
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

/// What all three states of the large project have in common in configuration Release, the watch widgets apart.
fn home_assistant_release() -> Vec<String> {
    let team = "QMQYCKL255";
    let ios = |target: &str, suffix: &str, profile: &str| {
        format!(
            "{target} Release ios: io.robbie.HomeAssistant{suffix}, Manual, {team}, Apple Distribution, {profile}"
        )
    };
    let watch = |target: &str, suffix: &str, profile: &str| {
        format!(
            "{target} Release watchos: io.robbie.HomeAssistant{suffix}, Manual, {team}, Apple Distribution, {profile}"
        )
    };
    let mac = |target: &str, platform: &str, suffix: &str, profile: &str| {
        format!(
            "{target} Release {platform}: io.robbie.HomeAssistant{suffix}, Manual, {team}, Developer ID Application, {profile}"
        )
    };
    let store = |target: &str| format!("iOS App Store - {target}");
    let direct = |target: &str| format!("Mac Dev ID - {target}");
    let mut rows = vec![
        ios("App", "", &store("App")),
        mac("App", "mac-catalyst", "", &direct("App")),
        watch("WatchApp", ".watchkitapp", &store("WatchApp")),
        mac("Launcher", "macos", ".Launcher", &direct("Launcher")),
        ios("Shared-iOS", ".Shared", "-"),
        watch("Shared-watchOS", ".Shared", "-"),
        ios("SharedTesting", ".SharedTesting", "-"),
        mac("MacBridge", "macos", ".MacBridge", "-"),
        ios("Tests-App", ".HomeAssistantTests", &store("Tests-App")),
        ios(
            "Tests-UI",
            ".HomeAssistantUITests.xctrunner",
            &store("Tests-UI"),
        ),
        ios("Tests-Shared", ".SharedTests", &store("Tests-Shared")),
    ];
    for (target, suffix, on_the_mac) in [
        ("Extensions-Intents", ".Intents", true),
        ("Extensions-Matter", ".Matter", false),
        (
            "Extensions-NotificationService",
            ".APNSAttachmentService",
            true,
        ),
        (
            "Extensions-NotificationContent",
            ".NotificationContentExtension",
            true,
        ),
        ("Extensions-PushProvider", ".PushProvider", false),
        ("Extensions-Share", ".ShareExtension", true),
        ("Extensions-Widgets", ".Widgets", true),
    ] {
        rows.push(ios(target, suffix, &store(target)));
        if on_the_mac {
            rows.push(mac(target, "mac-catalyst", suffix, &direct(target)));
        }
    }
    rows
}

#[test]
fn a_real_product_of_twenty_targets_resolves_for_release() {
    for (state, style) in [
        ("missing-profile-for-new-target/before", "Automatic"),
        ("missing-profile-for-new-target/after", "Automatic"),
        ("conflicting-automatic-vs-manual/before", "Automatic"),
        ("conflicting-automatic-vs-manual/after", "Manual"),
        (
            "profile-lacks-appgroup-and-wifi-entitlements/before",
            "Manual",
        ),
        (
            "profile-lacks-appgroup-and-wifi-entitlements/after",
            "Manual",
        ),
    ] {
        let Some(path) = data(&format!("{state}/HomeAssistant.xcodeproj")) else {
            return;
        };
        let found = resolved(&path, Some("Release"));
        let mut expected = home_assistant_release();
        expected.push(format!(
            "Extensions-WatchWidgets Release watchos: io.robbie.HomeAssistant.watchkitapp.WatchWidgets, {style}, \
             QMQYCKL255, Apple Distribution, iOS App Store - Extensions-WatchWidgets"
        ));
        assert_eq!(table(&found.rows), expected, "{state}");
        assert!(found.findings.is_empty(), "{state}: {:?}", found.findings);

        // The style that conflicts stands in the target; what it should have inherited stands in the xcconfig.
        let widgets = row(&found, "Extensions-WatchWidgets", Platform::Watchos);
        let place = (
            widgets.style.origin.layer,
            widgets.style.origin.line.unwrap(),
        );
        match style {
            "Automatic" => assert_eq!(place, (Layer::Target, 11_212), "{state}"),
            _ => assert_eq!(place, (Layer::ProjectXcconfig, 3), "{state}"),
        }
        let profile = widgets.requested_profile().unwrap();
        assert_eq!(profile.origin.line, Some(8));
        assert_eq!(widgets.host.as_ref().unwrap().as_str(), "WatchApp");
        let claims = &widgets.entitlements.as_ref().unwrap().values;
        assert_eq!(
            serde_json::to_string(claims).unwrap(),
            concat!(
                r#"{"com.apple.developer.networking.wifi-info":true,"#,
                r#""com.apple.security.application-groups":["group.io.robbie.homeassistant"],"#,
                r#""keychain-access-groups":["$(AppIdentifierPrefix)io.robbie.HomeAssistant"]}"#
            )
        );
    }
}

#[test]
fn debug_builds_of_that_product_dispatch_on_team_and_target() {
    let Some(path) = data("missing-profile-for-new-target/before/HomeAssistant.xcodeproj") else {
        return;
    };
    let found = resolved(&path, Some("Debug"));
    // Two targets have a profile of their own through names put together from team and target; nobody else has.
    let manual: Vec<_> = found
        .rows
        .iter()
        .filter(|row| row.requested_profile().is_some())
        .map(|row| {
            format!(
                "{} {} {} {}",
                row.target,
                row.platform,
                row.style.value,
                row.requested_profile().unwrap().value
            )
        })
        .collect();
    assert_eq!(
        manual,
        [
            "App ios Manual Local Developer: Main App",
            "Extensions-PushProvider ios Manual Local Developer: Push Provider"
        ]
    );
    let automatic = found
        .rows
        .iter()
        .filter(|row| row.style.value.as_str() == "Automatic");
    assert_eq!(automatic.count(), found.rows.len() - 2);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn our_own_export_fed_back_gives_every_target_its_profile() {
    let Some(path) = data("missing-profile-for-new-target/before/HomeAssistant.xcodeproj") else {
        return;
    };
    let sources = DiskSources::of_project(&path, None);
    let project = Project::open(&path, &sources).unwrap();
    let overrides = Overrides::default()
        .with_arguments([
            "CODE_SIGN_STYLE=Manual",
            "PROVISIONING_PROFILE_SPECIFIER=$(CSN_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))",
            "CSN_io_robbie_HomeAssistant=026760ef-f2cd-4ba8-bf44-a3697149965e",
            "CSN_io_robbie_HomeAssistant_Widgets=126760ef-f2cd-4ba8-bf44-a3697149965e",
        ])
        .unwrap();
    let settings = ProjectSettings::load(&project, &sources, &overrides);
    let selection = Selection {
        configuration: Some("Release"),
        platform: Some(Platform::Ios),
        ..Selection::default()
    };
    let found = targets::resolve(&settings, &sources, &selection);
    let asked: Vec<_> = found
        .rows
        .iter()
        .filter_map(|row| {
            Some((
                row.target.as_str(),
                row.requested_profile()?.value.to_string(),
            ))
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("App", "026760ef-f2cd-4ba8-bf44-a3697149965e".to_owned()),
            (
                "Extensions-Widgets",
                "126760ef-f2cd-4ba8-bf44-a3697149965e".to_owned()
            )
        ]
    );
    assert!(found.findings.iter().all(|f| f.severity != Severity::Block));
}

#[test]
fn a_real_project_cut_off_anywhere_or_in_conflict_is_an_error_and_no_panic() {
    let Some(path) = data("netnewswire/NetNewsWire.xcodeproj/project.pbxproj") else {
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let bundle = Path::new("/p/NetNewsWire.xcodeproj");
    for cut in (0..text.trim_end().len() - 1).step_by(997) {
        let Some(head) = text.get(..cut) else {
            continue;
        };
        assert!(Project::parse(bundle, head).is_err(), "cut at {cut}");
    }
    let lines: Vec<&str> = text.lines().collect();
    for at in (0..lines.len()).step_by(101) {
        let mut conflicted = lines.clone();
        conflicted.insert(at, "<<<<<<< HEAD");
        let error = Project::parse(bundle, &conflicted.join("\n")).unwrap_err();
        assert_eq!(error.place().line, Some(at as u64 + 1));
    }
}

#[test]
fn settings_captured_on_real_macs_are_read() {
    let read = |name: &str| {
        let path = shared(&format!("outputs/{name}"))?;
        let text = std::fs::read_to_string(&path).unwrap();
        Some(show_build_settings::read(&path, &text))
    };
    let Some(signing) =
        read("xcodebuild-showBuildSettings__signing-lines__bitrise-simple-objc.txt")
    else {
        return;
    };
    let signing = signing.unwrap();
    assert_eq!(signing.targets().len(), 1);
    let app = &signing.targets()[0];
    assert_eq!(&*app.target, "ios-simple-objc");
    assert_eq!(app.platform(), Some(Platform::Ios));
    assert_eq!(
        app.get("PROVISIONING_PROFILE_SPECIFIER"),
        Some("BitriseBot-Wildcard")
    );
    assert_eq!(app.get("EXPANDED_PROVISIONING_PROFILE"), None);
    let name = "fastlane__fastlane__fastlane_core__spec__fixtures__projects__build_settings_with_toolchains";
    let two = read(name).unwrap().unwrap();
    let targets: Vec<_> = two.targets().iter().map(|t| &*t.target).collect();
    assert_eq!(targets, ["app", "appTest"]);
    assert_eq!(two.targets()[0].get("TOOLCHAINS"), None);
    // Settings that no header says whose they are, and the answer to another question, are no capture.
    for name in [
        "bitrise-io__go-xcode__xcodebuild__testdata__buildSettingsWithLongLine.txt",
        "xcodebuild-list-json__project__mxcl-xcodebuild-13.txt",
        "xcodebuild-list__text__meteor-launch-30.txt",
    ] {
        assert!(read(name).unwrap().is_err(), "{name}");
    }
}
