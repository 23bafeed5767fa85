//! Real projects, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::ops::target_selection::TargetSelection;
use countersign::ops::targets::{ExportForm, ExportRequest, export};
use countersign::xcode::export_options::XcodeVersion;

use super::{Input, agree, world};

/// Home Assistant with all of its three failures, and as it was mended.
const SIDES: [&str; 2] = [
    "missing-profile-for-new-target/before",
    "profile-lacks-appgroup-and-wifi-entitlements/after",
];

/// The scheme that its pipeline archives, which the copies at hand lack: the application, in Release.
const SCHEME: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Scheme version = \"1.7\">\n<BuildAction>\n\
    <BuildActionEntry buildForArchiving = \"YES\">\n<BuildableReference BlueprintName = \"App\" \
    ReferencedContainer = \"container:HomeAssistant.xcodeproj\"/>\n</BuildActionEntry>\n</BuildAction>\n\
    <ArchiveAction buildConfiguration = \"Release\"/>\n</Scheme>\n";

/// A copy of one side, with that scheme.
fn copied(side: &Path, to: &Path) -> PathBuf {
    support::copy_folder(side, to);
    let project = to.join("HomeAssistant.xcodeproj");
    let schemes = project.join("xcshareddata/xcschemes");
    fs::create_dir_all(&schemes).unwrap();
    fs::write(schemes.join("App-Release.xcscheme"), SCHEME).unwrap();
    project
}

fn input(side: &str, project: &Path, policy: &Path, selection: TargetSelection) -> Input {
    Input {
        name: format!("{side} {:?} {:?}", selection.scheme, selection.sdk),
        selection: TargetSelection {
            projects: vec![project.to_owned()],
            ..selection
        },
        policy: policy.to_owned(),
        profiles: project.with_file_name("Configuration").join("Provisioning"),
        environment: Vec::new(),
    }
}

#[test]
fn home_assistant_gets_one_verdict_whatever_is_selected() {
    let Some(projects) = support::data("projects") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let policy = place.path().join("signing.toml");
    fs::write(&policy, "version = 1\n").unwrap();
    let mut inputs = Vec::new();
    for (at, side) in SIDES.iter().enumerate() {
        let project = copied(&projects.join(side), &place.path().join(format!("{at}")));
        let scheme = |name: &str| TargetSelection {
            scheme: Some(name.to_owned()),
            ..TargetSelection::default()
        };
        let mac = TargetSelection {
            sdk: Some("macosx".to_owned()),
            ..TargetSelection::default()
        };
        for selection in [
            TargetSelection::default(),
            scheme("App-Release"),
            // The scheme that Xcode makes of a target.
            scheme("App"),
            mac,
        ] {
            inputs.push(input(side, &project, &policy, selection));
        }
    }
    agree(&inputs);
}

#[test]
fn export_options_of_home_assistant_for_catalyst_are_whole() {
    let Some(projects) = support::data("projects") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let policy = place.path().join("signing.toml");
    fs::write(&policy, "version = 1\n").unwrap();
    let side = SIDES[1];
    let project = copied(&projects.join(side), &place.path().join("project"));
    for scheme in [None, Some("App-Release".to_owned())] {
        let selection = TargetSelection {
            sdk: Some("macosx".to_owned()),
            scheme,
            ..TargetSelection::default()
        };
        let input = input(side, &project, &policy, selection);
        let request = ExportRequest {
            selection: input.selection.clone(),
            form: ExportForm::ExportOptions,
            xcode: XcodeVersion::new(16, 0),
            output: None,
        };
        let exported = export(&request, &world(&input, &place, None)).unwrap();
        let options: plist::Dictionary =
            plist::from_bytes(exported.text.unwrap().as_bytes()).unwrap();
        let text = |key: &str| options[key].as_string().unwrap();
        assert_eq!(
            [text("method"), text("signingStyle"), text("teamID")],
            ["developer-id", "manual", "QMQYCKL255"]
        );
        assert_eq!(text("signingCertificate").len(), 40);
        // The application, its launcher and its five extensions, each with the profile of its name for the Mac.
        let profiles = options["provisioningProfiles"].as_dictionary().unwrap();
        let named: Vec<(&str, &str)> = profiles
            .iter()
            .map(|(id, uuid)| (id.as_str(), uuid.as_string().unwrap()))
            .collect();
        let expected = [
            (
                "io.robbie.HomeAssistant",
                "a0d78c78-2a6f-4c3b-a2e6-33e6986cbc84",
            ),
            (
                "io.robbie.HomeAssistant.APNSAttachmentService",
                "25a9d1c2-0d0b-4193-a66d-a8770b60d55a",
            ),
            (
                "io.robbie.HomeAssistant.Intents",
                "aa33132c-94a5-45ac-970d-77a9dbeec8a3",
            ),
            (
                "io.robbie.HomeAssistant.Launcher",
                "e90286aa-9ad8-482f-8c8b-ce38df543c1d",
            ),
            (
                "io.robbie.HomeAssistant.NotificationContentExtension",
                "0af2b644-30e1-4dca-ab5f-222ad33edf66",
            ),
            (
                "io.robbie.HomeAssistant.ShareExtension",
                "5b337aa0-2e70-4a9c-ae2f-a684ce01e0f2",
            ),
            (
                "io.robbie.HomeAssistant.Widgets",
                "b790e701-b1f3-4c92-a114-07e356398a35",
            ),
        ];
        assert_eq!(named, expected);
    }
}
