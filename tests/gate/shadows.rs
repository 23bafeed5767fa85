//! Profiles that Xcode could choose instead.

use countersign::apple::profile::Profile;
use countersign::base::finding::{Code, Severity};
use countersign::context::gate::facts::{
    InstalledClaims, InstalledContent, InstalledScope, ObservedClaims,
};
use countersign::context::manifest::ProfileState;
use forge::profile::{Kind, ProfileSpec};
use support::{ROCKET, proven, rocket};

use crate::scene::{Scene, installed, pinned_bytes};

/// What is installed of a profile that nobody pinned.
fn claims_of(profile: &Profile) -> InstalledContent {
    let fields = profile.fields();
    InstalledContent::Read {
        sha256: *profile.sha256(),
        claims: ObservedClaims::Read(InstalledClaims {
            uuid: Some(fields.uuid.clone()),
            name: Some(fields.name.clone()),
            signs: Some(InstalledScope {
                team_id: fields.team_id.clone(),
                bundle_id: fields.bundle_id.clone(),
                kind: fields.kind,
                family: countersign::context::gate::facts::Family::of(&fields.platforms),
                created: fields.created,
                expires: fields.expires,
            }),
        }),
    }
}

#[test]
fn an_unpinned_profile_of_the_same_name_is_a_shadow() {
    let mut scene = Scene::new();
    // Another app's, of the same name: Xcode's specifier is a name.
    let mut older = ProfileSpec::ios(Kind::AdHoc, "com.acme.other")
        .valid("2025-01-01T10:00:00Z", "2045-01-01T00:00:00Z");
    older.name = rocket().name;
    let older = proven(&older);
    scene
        .installed()
        .files
        .push(installed("older.mobileprovision", claims_of(&older)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(
        finding.message.contains("an older profile"),
        "{}",
        finding.message
    );
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("older.mobileprovision")
    );
}

#[test]
fn other_bytes_of_a_pinned_uuid_beside_the_pinned_ones_are_a_shadow() {
    let mut scene = Scene::new();
    let renewed = proven(&rocket().valid("2026-02-01T10:00:00Z", "2046-06-01T00:00:00Z"));
    assert_eq!(renewed.fields().uuid, scene.pinned[0].0.fields().uuid);
    scene
        .installed()
        .files
        .push(installed("renewed.mobileprovision", claims_of(&renewed)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(finding.message.contains("same UUID"), "{}", finding.message);
}

#[test]
fn an_unpinned_profile_of_the_same_team_bundle_id_and_kind_is_a_shadow() {
    let mut scene = Scene::new();
    let renamed = proven(
        &rocket()
            .named("Renamed")
            .valid("2026-02-01T10:00:00Z", "2046-01-01T00:00:00Z"),
    );
    scene
        .installed()
        .files
        .push(installed("renamed.mobileprovision", claims_of(&renamed)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(
        finding.message.contains("a newer profile"),
        "{}",
        finding.message
    );
}

#[test]
fn an_unpinned_profile_of_another_kind_team_or_bundle_id_is_no_shadow() {
    let mut scene = Scene::new();
    for other in [
        ProfileSpec::ios(Kind::AdHoc, ROCKET),
        ProfileSpec::ios(Kind::AppStore, "com.acme.other"),
        rocket()
            .named("Of Another Team")
            .team("OTHERTEAM1", "OTHERTEAM1"),
    ] {
        let other = proven(&other);
        scene
            .installed()
            .files
            .push(installed(&other.fields().file_name(), claims_of(&other)));
    }
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn a_mac_profile_does_not_shadow_an_ios_one() {
    // One app in both stores: same team, bundle id and kind, and no build could take one for the other.
    let mut scene = Scene::new();
    let mac = proven(&ProfileSpec::mac(Kind::AppStore, ROCKET));
    scene
        .installed()
        .files
        .push(installed(&mac.fields().file_name(), claims_of(&mac)));
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn pinned_profiles_of_one_name_are_a_parallel_window() {
    let mut next = rocket().valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    next.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (next, ProfileState::Incoming),
    ]);
    let finding = scene.cleared_with(Code::ProfileShadowed, Severity::Info);
    assert!(
        finding.message.contains("in parallel"),
        "{}",
        finding.message
    );
}

#[test]
fn pinned_profiles_of_one_scope_are_a_parallel_window_too() {
    let next = rocket()
        .named("The Next One")
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (next, ProfileState::Incoming),
    ]);
    scene.cleared_with(Code::ProfileShadowed, Severity::Info);
}

#[test]
fn the_same_bytes_twice_are_a_shadow_to_come() {
    let mut scene = Scene::new();
    let copy = installed(
        "copy of it.mobileprovision",
        pinned_bytes(&scene.pinned[0].0),
    );
    // Whatever is found first: the file of the conventional name is the one that stays.
    scene.installed().files.insert(0, copy);
    let finding = scene.cleared_with(Code::ProfileShadowed, Severity::Warn);
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("copy of it.mobileprovision")
    );
}
