//! What is said of installed profiles that are not what they were when the command began.

use countersign::base::finding::{Code, Severity};
use countersign::context::gate::inputs::changed_profiles;
use countersign::context::manifest::ProfileState;
use forge::profile::{Kind, ProfileSpec};
use support::rocket;

use crate::scene::Scene;

/// Two pinned profiles, in directories that something may wipe, which only warns.
fn two() -> Scene {
    let mut another = ProfileSpec::ios(Kind::AppStore, "com.acme.another");
    another.uuid = "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c22".to_owned();
    let mut scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (another, ProfileState::Active),
    ]);
    scene.installed().directories[0].ephemeral = Some("/tmp: cleaned at every start".to_owned());
    scene.cleared_with(Code::ProfileInWipeableTree, Severity::Warn);
    scene
}

#[test]
fn a_profile_that_vanished_is_named_by_the_file_in_which_it_lay() {
    for removed in [0, 1] {
        let mut scene = two();
        let manifest = scene.manifest();
        let first = scene.installed().files.clone();
        let lay = scene.installed().files.remove(removed).path;
        let again = scene.judge();
        let [finding] = changed_profiles(&again, &manifest, &first)
            .try_into()
            .unwrap();
        let missing = scene.blocked_by(Code::ProfileMissing);
        assert_eq!(finding.code, Code::InputsChanged);
        assert_eq!(finding.severity, Severity::Block);
        assert!(finding.message.ends_with(&missing.message), "{finding:#?}");
        assert_ne!(finding.message, missing.message);
        assert_eq!(finding.place.file, Some(lay.display().to_string()));
        // It is the file that changed; the manifest's entry is as it was, and installing mends nothing that was built.
        assert_eq!(finding.place.pointer, None);
        assert_eq!(finding.place.profile, missing.place.profile);
        assert_eq!(finding.remedy, None);
        assert!(finding.hint.unwrap().contains("do not release"));
        assert_eq!(
            (finding.expected, finding.found),
            (missing.expected, missing.found)
        );
    }
}

#[test]
fn profiles_that_are_what_they_were_are_not_told() {
    let mut scene = two();
    let first = scene.installed().files.clone();
    let again = scene.judge();
    assert_eq!(changed_profiles(&again, &scene.manifest(), &first), []);
}
