//! Real entitlements files against the real profiles of the same product: the shortfall that once broke its release is
//! found, and nothing is found in the state that shipped.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as its cases may"
)]

use std::path::{Path, PathBuf};

use countersign::apple::entitlements::Entitlements;
use countersign::apple::entitlements::grant::{PlatformFamily, Shortfall, Why};

fn projects() -> Option<PathBuf> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/projects"
    ));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("skipped: {} is not here", folder.display());
    None
}

/// The entitlements of a signed profile: its plist lies between the two marks, verbatim.
fn granted(profile: &Path) -> Entitlements {
    let bytes = std::fs::read(profile).unwrap();
    let find = |needle: &[u8]| {
        bytes
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap()
    };
    let xml = &bytes[find(b"<?xml")..find(b"</plist>") + b"</plist>".len()];
    let plist: plist::Dictionary = plist::from_bytes(xml).unwrap();
    let mut entitlements = Vec::new();
    plist["Entitlements"]
        .to_writer_xml(&mut entitlements)
        .unwrap();
    Entitlements::from_plist(&entitlements).unwrap()
}

/// The claims of a target of the product, with its build settings put in.
fn claimed(file: &Path) -> Entitlements {
    Entitlements::from_plist(&std::fs::read(file).unwrap())
        .unwrap()
        .map_strings(|text| {
            text.replace("$(AppIdentifierPrefix)", "QMQYCKL255.")
                .replace("$(BUNDLE_ID_PREFIX)", "io.robbie")
                .replace("$(BUNDLE_ID_SUFFIX)", "")
        })
}

/// Every profile of the project, and what the entitlements file of its target claims beyond it.
fn shortfalls(project: &Path) -> Vec<(String, Vec<Shortfall>)> {
    let configuration = project.join("Configuration");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(configuration.join("Provisioning")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let family = if name.ends_with(".provisionprofile") {
            PlatformFamily::Mac
        } else {
            PlatformFamily::Ios
        };
        let file = match (name.contains("Launcher"), name.contains("__App."), family) {
            (true, ..) => "Launcher",
            (_, true, PlatformFamily::Ios) => "App-ios",
            (_, true, PlatformFamily::Mac) => "App-catalyst",
            (_, false, PlatformFamily::Ios) => "Extension-ios",
            (_, false, PlatformFamily::Mac) => "Extension-catalyst",
        };
        let claims = claimed(&configuration.join(format!("Entitlements/{file}.entitlements")));
        found.push((name, granted(&path).grants(&claims, family)));
    }
    assert!(found.len() > 20, "{}", project.display());
    found
}

#[test]
fn the_release_that_shipped_has_no_shortfall() {
    let Some(projects) = projects() else { return };
    for case in [
        "profile-lacks-appgroup-and-wifi-entitlements/after",
        "conflicting-automatic-vs-manual/before",
    ] {
        for (profile, shortfalls) in shortfalls(&projects.join(case)) {
            let expected = case.starts_with("conflicting") && profile.contains("WatchWidgets");
            assert_eq!(
                !shortfalls.is_empty(),
                expected,
                "{profile}: {shortfalls:?}"
            );
        }
    }
}

#[test]
fn the_release_that_failed_lacked_an_app_group_and_wifi_in_one_profile() {
    let Some(projects) = projects() else { return };
    let found = shortfalls(&projects.join("profile-lacks-appgroup-and-wifi-entitlements/before"));
    let short: Vec<_> = found
        .iter()
        .filter(|(_, shortfalls)| !shortfalls.is_empty())
        .collect();
    assert_eq!(short.len(), 1, "{short:?}");
    let (profile, shortfalls) = short[0];
    assert_eq!(
        profile,
        "iOS_App_Store__ExtensionsWatchWidgets.mobileprovision"
    );
    let keys: Vec<(&str, &Why)> = shortfalls
        .iter()
        .map(|shortfall| (&*shortfall.key, &shortfall.why))
        .collect();
    assert_eq!(
        keys,
        [
            ("com.apple.developer.networking.wifi-info", &Why::NotGranted),
            ("com.apple.security.application-groups", &Why::NotGranted),
        ]
    );
}

#[test]
fn every_entitlements_file_and_every_grant_reads_and_survives_json() {
    let Some(projects) = projects() else { return };
    let mut folders = vec![projects];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|text| text.to_str());
            let entitlements = match extension {
                _ if path.is_dir() => {
                    folders.push(path);
                    continue;
                }
                Some("entitlements") => {
                    Entitlements::from_plist(&std::fs::read(&path).unwrap()).unwrap()
                }
                Some("mobileprovision" | "provisionprofile") => granted(&path),
                _ => continue,
            };
            let json = serde_json::to_vec(&entitlements).unwrap();
            assert_eq!(
                serde_json::from_slice::<Entitlements>(&json).unwrap(),
                entitlements,
                "{}",
                path.display()
            );
            for family in [PlatformFamily::Mac, PlatformFamily::Ios] {
                assert_eq!(entitlements.grants(&entitlements, family), []);
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}
