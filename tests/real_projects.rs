//! `targets check` on three real signing failures and their fixes, and `targets show` on every real project at hand.
//!
//! The three cases are one release that failed three times in a row, so they stack: a new watch extension had no
//! profile; once it had one, the extension still signed itself automatically; once that was gone, its profile turned
//! out not to grant what the extension claims. Each tree holds what was wrong at that time, later problems included:
//! Xcode stopped at the first, `targets check` tells them all. So an `after/` is clear of its own case's finding, and
//! only the last one is clear altogether.
//!
//! The projects are not ours and lie beside the repository; where they are absent, these tests say so and pass.
//! `UPDATE_SNAPSHOTS=1` rewrites the kept output.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::start;
use support::workshop::ran;

/// A blocking finding: its code, its target, where it points, and what stands on that line.
type Told = (String, String, String, String);

/// An instant at which the state of every profile is a word that does not change.
const AT: &str = "2026-06-01T00:00:00Z";

const EXTENSION: &str = "Extensions-WatchWidgets";
const ENTITLEMENTS: &str = "Configuration/Entitlements/Extension-ios.entitlements";

fn data(path: &str) -> Option<PathBuf> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/projects"
    ));
    let path = root.join(path);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// Runs the program in `folder` with an empty environment: exit code, standard output, standard error.
fn countersign(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let ran = ran(start::countersign(home.path())
        .args(arguments)
        .current_dir(folder));
    (ran.code, ran.out, ran.err)
}

/// Checks the Release configuration of one side of a case, compares the report to the kept one, and gives the blocking
/// findings in the order in which they are told.
fn check(case: &str, side: &str) -> Option<Vec<Told>> {
    let folder = data(case)?.join(side);
    let arguments = [
        "targets",
        "check",
        "--project",
        "HomeAssistant.xcodeproj",
        "--configuration",
        "Release",
        "--profiles",
        "Configuration/Provisioning",
        // None of these profiles has expired then, and none does soon.
        "--at",
        AT,
    ];
    let (code, report, errors) = countersign(&folder, &arguments);
    compare(&format!("{case}-{side}"), &report);

    let (json_code, json, _) =
        countersign(&folder, &[&arguments[..], &["--format", "json"]].concat());
    let document: Json = serde_json::from_str(&json).unwrap();
    let told: Vec<Told> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "block")
        .map(|finding| told(&folder, finding))
        .collect();
    let expected = if told.is_empty() { 0 } else { 10 };
    assert_eq!((code, json_code), (expected, expected), "{report}{errors}");
    // Nothing but the new extension was ever wrong, and warnings would be noise.
    for finding in document["findings"].as_array().unwrap() {
        let about = &finding["place"]["target"];
        assert!(
            about == EXTENSION || finding["severity"] == "info",
            "noise: {finding:#}"
        );
    }
    Some(told)
}

fn told(folder: &Path, finding: &Json) -> Told {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let place = &finding["place"];
    let file = text(&place["file"]);
    let line = place["line"].as_u64().unwrap_or_default();
    let contents = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
    let at = usize::try_from(line).unwrap().checked_sub(1);
    let on_it = at.and_then(|at| contents.lines().nth(at));
    (
        text(&finding["code"]),
        text(&place["target"]),
        file,
        on_it.unwrap_or("nothing is there").trim().to_owned(),
    )
}

/// Compares a report to the kept one, but for the blanks that fill up its tables.
fn compare(name: &str, report: &str) {
    let report: String = report
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/targets/{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, report).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; UPDATE_SNAPSHOTS=1 writes it", path.display())
    });
    assert_eq!(
        report,
        kept,
        "UPDATE_SNAPSHOTS=1 rewrites {}",
        path.display()
    );
}

fn missing() -> Told {
    owned(
        "target-unmapped",
        "Configuration/HomeAssistant.release.xcconfig",
        "PROVISIONING_PROFILE_SPECIFIER[sdk=watchos*] = iOS App Store - $(TARGET_NAME)",
    )
}

fn automatic() -> Told {
    owned(
        "signing-style-mixed",
        "HomeAssistant.xcodeproj/project.pbxproj",
        "CODE_SIGN_STYLE = Automatic;",
    )
}

fn not_granted() -> [Told; 2] {
    [
        "<key>com.apple.developer.networking.wifi-info</key>",
        "<key>com.apple.security.application-groups</key>",
    ]
    .map(|claim| owned("entitlement-not-granted", ENTITLEMENTS, claim))
}

fn owned(code: &str, file: &str, line: &str) -> Told {
    (code.into(), EXTENSION.into(), file.into(), line.into())
}

#[test]
fn a_new_target_without_a_profile_is_told_at_the_line_that_asks_for_it() {
    let case = "missing-profile-for-new-target";
    let Some(before) = check(case, "before") else {
        return;
    };
    // The automatic style blocks too, as it did the day after: it was already there.
    assert_eq!(before, [missing(), automatic()]);
    // The profile came, and with it what it does not grant can be seen. The two later problems truly remain: the
    // archive failed twice more with this tree.
    let after = check(case, "after").unwrap();
    let [wifi, groups] = not_granted();
    assert_eq!(after, [automatic(), wifi, groups]);
}

#[test]
fn an_automatic_target_among_manual_ones_is_told_at_its_own_style() {
    let case = "conflicting-automatic-vs-manual";
    let Some(before) = check(case, "before") else {
        return;
    };
    let [wifi, groups] = not_granted();
    assert_eq!(before, [automatic(), wifi.clone(), groups.clone()]);
    // The style is gone; the profile still lacks what it lacked.
    assert_eq!(check(case, "after").unwrap(), [wifi, groups]);
}

#[test]
fn entitlements_that_the_profile_lacks_are_told_at_the_claims() {
    let case = "profile-lacks-appgroup-and-wifi-entitlements";
    let Some(before) = check(case, "before") else {
        return;
    };
    assert_eq!(before, not_granted());
    assert_eq!(check(case, "after").unwrap(), []);
}

/// The Xcode projects below a folder.
fn projects_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("xcodeproj") => found.push(path),
            _ if path.is_dir() => projects_below(&path, found),
            _ => {}
        }
    }
}

#[test]
fn every_real_project_is_shown_without_an_error() {
    let Some(root) = data("") else { return };
    let mut projects = Vec::new();
    projects_below(&root, &mut projects);
    assert!(projects.len() >= 10, "{projects:?}");
    let empty = tempfile::tempdir().unwrap();
    for project in projects {
        let profiles = project.with_file_name("Configuration").join("Provisioning");
        let profiles = if profiles.is_dir() {
            profiles
        } else {
            empty.path().to_owned()
        };
        let (code, out, err) = countersign(
            project.parent().unwrap(),
            &[
                "targets",
                "show",
                "--format",
                "json",
                "--project",
                project.file_name().unwrap().to_str().unwrap(),
                "--profiles",
                profiles.to_str().unwrap(),
            ],
        );
        assert_eq!(code, 0, "{}: {err}", project.display());
        let document: Json = serde_json::from_str(&out).unwrap();
        let targets = document["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{}", project.display());
        for target in targets
            .iter()
            .filter(|target| target["needs_profile"] == true)
        {
            assert!(target["bundle_id"]["value"].is_string(), "{target:#}");
        }
    }
}

/// What `init` says of each target of a project, at an instant at which none of its profiles has expired: its name, its platform, the
/// profile or `-`, and what is missing.
fn table(folder: &Path) -> Vec<[String; 4]> {
    let (_, json, _) = countersign(folder, &["init", "--format", "json", "--at", AT]);
    let document: Json = serde_json::from_str(&json).unwrap();
    let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let targets = document["targets"].as_array().unwrap().iter();
    targets
        .map(|target| {
            [
                text(&target["target"]),
                text(&target["platform"]),
                text(&target["profile"]["name"]),
                text(&target["missing"]),
            ]
        })
        .collect()
}

/// The targets of Home Assistant that its archive holds, each with the platforms that it is built for.
const HOME_ASSISTANT: &[(&str, &[&str])] = &[
    ("App", &["ios", "mac-catalyst"]),
    ("Extensions-Intents", &["ios", "mac-catalyst"]),
    ("Extensions-Matter", &["ios"]),
    ("Extensions-NotificationContent", &["ios", "mac-catalyst"]),
    ("Extensions-NotificationService", &["ios", "mac-catalyst"]),
    ("Extensions-PushProvider", &["ios"]),
    ("Extensions-Share", &["ios", "mac-catalyst"]),
    ("Extensions-WatchWidgets", &["watchos"]),
    ("Extensions-Widgets", &["ios", "mac-catalyst"]),
    ("Launcher", &["macos"]),
    ("WatchApp", &["watchos"]),
];

#[test]
fn init_tells_the_truth_about_every_target_of_home_assistant() {
    for (case, side) in [
        ("missing-profile-for-new-target", "before"),
        ("missing-profile-for-new-target", "after"),
        ("conflicting-automatic-vs-manual", "before"),
        ("conflicting-automatic-vs-manual", "after"),
        ("profile-lacks-appgroup-and-wifi-entitlements", "before"),
        ("profile-lacks-appgroup-and-wifi-entitlements", "after"),
    ] {
        let Some(folder) = data(case) else { return };
        let mut rows = table(&folder.join(side));
        rows.sort();
        let mut expected = HOME_ASSISTANT
            .iter()
            .flat_map(|(target, platforms)| platforms.iter().map(move |it| (*target, *it)));
        for [target, platform, profile, missing] in &rows {
            assert_eq!(
                expected.next(),
                Some((target.as_str(), platform.as_str())),
                "{case}"
            );
            let is_new = target == EXTENSION;
            let wanted = match platform.as_str() {
                "mac-catalyst" | "macos" => format!("Mac Dev ID - {target}"),
                _ => format!("iOS App Store - {target}"),
            };
            match (is_new, case, side) {
                (true, "missing-profile-for-new-target", "before") => {
                    assert_eq!(profile, "-");
                    assert!(missing.contains(&format!("called {wanted:?}")), "{missing}");
                }
                (true, "profile-lacks-appgroup-and-wifi-entitlements", "after") | (false, _, _) => {
                    assert_eq!((profile, missing.as_str()), (&wanted, "-"), "{case} {side}");
                }
                (true, _, _) => {
                    assert_eq!(profile, &wanted);
                    assert_ne!(missing, "-", "{case} {side}");
                }
            }
        }
        assert_eq!(expected.next(), None, "{case} {side}");
    }
}

#[test]
fn init_tells_what_the_targets_of_the_other_projects_need() {
    /// A target, the platform that it is built for, and the profile that it needs.
    type Told = (&'static str, &'static str, &'static str);
    let cases: &[(&str, &[Told])] = &[
        (
            "netnewswire",
            &[
                (
                    "NetNewsWire",
                    "macos",
                    "com.ranchero.NetNewsWire-Evergreen, team M8L2WTLA8W, granting com.apple.developer.aps-environment, \
                     com.apple.developer.icloud-container-environment, com.apple.developer.icloud-container-identifiers, \
                     com.apple.developer.icloud-services, com.apple.developer.ubiquity-kvstore-identifier, \
                     com.apple.security.application-groups",
                ),
                (
                    "NetNewsWire-iOS",
                    "ios",
                    "com.ranchero.NetNewsWire.iOS, team M8L2WTLA8W, granting aps-environment, \
                     com.apple.developer.icloud-container-environment, com.apple.developer.icloud-container-identifiers, \
                     com.apple.developer.icloud-services, com.apple.developer.ubiquity-kvstore-identifier, \
                     com.apple.security.application-groups",
                ),
                (
                    "NetNewsWire iOS Share Extension",
                    "ios",
                    "com.ranchero.NetNewsWire.iOS.Share-Extension, team M8L2WTLA8W",
                ),
                (
                    "NetNewsWire iOS Widget Extension",
                    "ios",
                    "com.ranchero.NetNewsWire.iOS.SpringboardWidgets, team M8L2WTLA8W, granting \
                     com.apple.security.application-groups",
                ),
            ],
        ),
        (
            "watchkit",
            &[
                (
                    "WatchKit",
                    "ios",
                    "tools.fastlane.app, a team (DEVELOPMENT_TEAM)",
                ),
                (
                    "WatchKit WatchKit 1 Extension",
                    "ios",
                    "net.sunapps.WatchKit.watchkitextension, a team (DEVELOPMENT_TEAM)",
                ),
                (
                    "WatchKit WatchKit 1 App",
                    "ios",
                    "net.sunapps.WatchKit.watchkitapp, a team (DEVELOPMENT_TEAM)",
                ),
            ],
        ),
        (
            "visionos",
            &[(
                "VisionExample",
                "visionos",
                "com.pppinki.Vision-Example, a team (DEVELOPMENT_TEAM)",
            )],
        ),
        (
            "xcconfig-inheritance",
            &[
                (
                    "Target A",
                    "ios",
                    "com.targeta.release, team TARGETADEVTEAM, called \"release-targeta\"",
                ),
                (
                    "Target B",
                    "ios",
                    "com.targetb.release, team TARGETBDEVTEAM, called \"release-targetb\"",
                ),
            ],
        ),
    ];
    for (project, expected) in cases {
        let Some(folder) = data(project) else { return };
        let rows = table(&folder);
        assert_eq!(rows.len(), expected.len(), "{project}: {rows:#?}");
        for ([target, platform, profile, missing], (name, on, needed)) in rows.iter().zip(*expected)
        {
            assert_eq!((target.as_str(), platform.as_str()), (*name, *on));
            assert_eq!(profile, "-");
            assert_eq!(*missing, format!("a profile for {needed}"));
        }
    }
}
