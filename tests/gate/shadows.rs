//! Profiles that Xcode could choose instead.

use countersign::apple::profile::Profile;
use countersign::base::finding::{Code, Severity};
use countersign::base::ids::{CertSha256, FileSha256};
use countersign::base::remedy::Remedy;
use countersign::context::gate::facts::{
    Family, InstalledClaims, InstalledContent, InstalledScope, Observation, ObservedClaims,
    PlannedFacts,
};
use countersign::context::gate::rehearse;
use countersign::context::manifest::ProfileState;
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::{ROCKET, proven, rocket};

use crate::scene::{Scene, installed, pinned_bytes, targets_of};

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

/// A wildcard profile of Acme's that is pinned.
fn wildcard(pattern: &str) -> ProfileSpec {
    ProfileSpec::ios(Kind::AppStore, pattern)
}

/// What a file that nobody pinned holds: it was read, and this is what it claims.
fn unpinned(claims: ObservedClaims) -> InstalledContent {
    InstalledContent::Read {
        sha256: FileSha256::of(b"unpinned"),
        claims,
    }
}

/// Whether `installed` blocks where `pinned` is pinned.
#[track_caller]
fn shadows(scene: &Scene, other: &ProfileSpec) -> Option<String> {
    let other = proven(other);
    let mut facts = scene.facts.clone();
    if let Observation::Observed(profiles) = &mut facts.profiles {
        let file = installed("other.mobileprovision", claims_of(&other));
        profiles.files.push(file);
    }
    let judged = rehearse(
        &scene.policy(),
        &scene.manifest(),
        &PlannedFacts::new(facts),
        &scene.asked,
    );
    let findings = judged.judgement().findings.iter();
    let mut shadows = findings.filter(|finding| finding.code == Code::ProfileShadowed);
    let shadow = shadows.next()?;
    assert_eq!(shadow.severity, Severity::Block);
    Some(shadow.message.clone())
}

#[test]
fn what_cannot_be_read_may_be_a_shadow() {
    for content in [
        InstalledContent::Unreadable {
            problem: "it is a pipe".to_owned(),
        },
        unpinned(ObservedClaims::Unreadable),
        // Its name and UUID were picked out of it, and no more.
        unpinned(ObservedClaims::Read(InstalledClaims {
            uuid: "11111111-2222-4333-8444-555555555555".parse().ok(),
            name: Some("Another Name".to_owned()),
            signs: None,
        })),
    ] {
        let mut scene = Scene::new();
        let file = installed("it's broken.mobileprovision", content);
        scene.installed().files.push(file);
        let finding = scene.blocked_by(Code::ProfileUnreadable);
        assert_eq!(
            finding.hint.unwrap(),
            r"move it away: `mv -- '/profiles/it'\''s broken.mobileprovision' '/profiles/it'\''s broken.mobileprovision.aside'`"
        );
    }
}

#[test]
fn what_cannot_be_read_is_told_once() {
    // Under the name of a pinned profile that is nowhere else it is told as that one; of two, the second is told too.
    let mut scene = Scene::new();
    let name = scene.pinned[0].0.fields().file_name();
    let unreadable = || InstalledContent::Unreadable {
        problem: "it is a pipe".to_owned(),
    };
    scene.installed().files = vec![installed(&name, unreadable())];
    let count = |scene: &Scene| {
        let findings = scene.judge().findings;
        findings
            .iter()
            .filter(|finding| finding.code == Code::ProfileUnreadable)
            .count()
    };
    assert_eq!(count(&scene), 1);
    let other = installed("other.mobileprovision", unreadable());
    scene.installed().files.push(other);
    assert_eq!(count(&scene), 2);
}

#[test]
fn what_stands_in_the_place_of_a_retiring_profile_may_shadow_another() {
    // The retiring one may be gone; a file of its UUID or under its name that covers the active one's app may not be there.
    let mut retiring = rocket().named("An Old One");
    retiring.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    let mut scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (retiring.clone(), ProfileState::Retiring),
    ]);
    let name = proven(&retiring).fields().file_name();
    scene.installed().files.pop();
    assert!(scene.rehearse().until().is_some());
    let renewed = proven(&retiring.valid("2026-02-01T10:00:00Z", "2046-06-01T00:00:00Z"));
    scene
        .installed()
        .files
        .push(installed(&name, claims_of(&renewed)));
    scene.blocked_by(Code::ProfileShadowed);
    scene.installed().files.pop();
    let broken = InstalledContent::Unreadable {
        problem: "it is a pipe".to_owned(),
    };
    scene.installed().files.push(installed(&name, broken));
    scene.blocked_by(Code::ProfileUnreadable);
}

#[test]
fn coverage_decides_between_explicit_profiles_and_wildcards() {
    let scene = |pinned: &ProfileSpec| {
        let mut scene = Scene::pinning(&[(pinned.clone(), ProfileState::Active)]);
        // Nothing is known of targets, so a wildcard signs all that it covers.
        scene.facts.targets = Observation::unobserved("waived");
        scene
    };
    for (one, other) in [
        ("com.acme.*", ROCKET),
        ("com.acme.*", "com.acme.rocket.share"),
        ("*", ROCKET),
        ("*", "com.acme.*"),
        ("com.acme.*", "com.acme.rocket.*"),
    ] {
        let (one, other) = (wildcard(one), wildcard(other).named("Another Name"));
        for (pinned, installed) in [(&one, &other), (&other, &one)] {
            let message = shadows(&scene(pinned), installed)
                .unwrap_or_else(|| panic!("{}, {}", pinned.name, installed.name));
            assert!(message.contains(" covers "), "{message}");
        }
    }
    for (one, other) in [
        ("com.acme.*", "com.acme"),
        ("com.acme.*", "com.acme2.rocket"),
        ("com.acme.rocket.*", ROCKET),
        ("com.acme.*", "com.other.*"),
        ("com.acme.rocket", "com.acme.rocket2"),
    ] {
        let (one, other) = (wildcard(one), wildcard(other).named("Another Name"));
        for (pinned, installed) in [(&one, &other), (&other, &one)] {
            assert_eq!(shadows(&scene(pinned), installed), None, "{}", pinned.name);
        }
    }
}

/// The scene's project, signed automatically.
fn automatic() -> ProjectSpec {
    let target = TargetSpec::new("Rocket", Product::App, ROCKET);
    ProjectSpec::new("Rocket").target(target.with("CODE_SIGN_STYLE", "Automatic"))
}

#[test]
fn a_wildcard_is_shadowed_by_what_covers_the_targets_that_it_signs() {
    let scene = || Scene::pinning(&[(wildcard("com.acme.*"), ProfileState::Active)]);
    // The project has Rocket and nothing else.
    let rockets = ProfileSpec::ios(Kind::AppStore, ROCKET);
    let others = ProfileSpec::ios(Kind::AppStore, "com.acme.other");
    assert!(shadows(&scene(), &rockets).is_some());
    assert_eq!(shadows(&scene(), &others), None);
    assert!(shadows(&scene(), &wildcard("com.*")).is_some());
    assert_eq!(shadows(&scene(), &wildcard("com.acme.other.*")), None);
    // A pinned target counts as well as what the project has, where Xcode takes what covers it.
    let mut pinned = scene();
    *pinned.observed_targets() = targets_of(&automatic());
    pinned.target(CertSha256::of(b"any"));
    pinned.targets[0].bundle_id = "com.acme.other".parse().unwrap();
    assert!(shadows(&pinned, &others).is_some());
    assert!(shadows(&pinned, &rockets).is_some());
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

/// Whoever finds a shadow wants to know which of the two is to go.
#[test]
fn a_shadow_tells_which_of_the_two_is_older_and_how_to_remove_it() {
    let pinned = rocket().valid("2026-01-01T10:00:00Z", "2046-01-01T00:00:00Z");
    for (created, told) in [
        ("2026-01-01T09:59:59Z", "an older profile"),
        ("2026-01-01T10:00:00Z", "another profile"),
        ("2026-01-01T10:00:01Z", "a newer profile"),
    ] {
        for has_pinned_uuid in [false, true] {
            let mut scene = Scene::pinning(&[(pinned.clone(), ProfileState::Active)]);
            let mut other = pinned.clone().valid(created, "2047-01-01T00:00:00Z");
            if !has_pinned_uuid {
                other.uuid = "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c22".to_owned();
            }
            let file = installed("other.mobileprovision", claims_of(&proven(&other)));
            scene.installed().files.push(file);
            let finding = scene.blocked_by(Code::ProfileShadowed);
            let message = &finding.message;
            assert!(message.starts_with(told), "{created}: {message}");
            // Pruning keeps what has a pinned UUID.
            let remedy = (!has_pinned_uuid).then_some(Remedy::PruneProfiles);
            assert_eq!(finding.remedy, remedy);
            let hint = finding.hint.unwrap();
            assert_eq!(hint.contains("by hand"), has_pinned_uuid, "{hint}");
        }
    }
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

#[test]
fn a_profile_is_of_the_family_that_its_platforms_say() {
    for (platforms, family) in [
        (&["iOS"][..], Family::Ios),
        (&["iOS", "xrOS", "visionOS"], Family::Ios),
        (&["watchOS"], Family::Ios),
        (&["tvOS"], Family::Tvos),
        (&["iOS", "tvOS"], Family::Ios),
        (&["OSX"], Family::Mac),
        (&["macOS", "iOS"], Family::Mac),
        (&[], Family::Ios),
    ] {
        let platforms: Vec<String> = platforms.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(Family::of(&platforms), family, "{platforms:?}");
    }
}

/// The scene's app as it is pinned by an old branch, where its settings come to the profile in this way.
fn choosing(settings: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new();
    let certificate = scene.pinned[0].0.certificates()[0].sha256;
    scene.target(certificate);
    let target = TargetSpec::new("Rocket", Product::App, ROCKET);
    let target = settings
        .iter()
        .fold(target, |target, (name, value)| target.with(name, value));
    let project = ProjectSpec::new("Rocket").target(target);
    *scene.observed_targets() = targets_of(&project);
    scene
}

/// What Apple makes of a profile that is renewed: a new UUID, a later end, and this name.
fn successor(name: &str) -> ProfileSpec {
    let mut next = rocket()
        .named(name)
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    next.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    next
}

#[test]
fn a_successor_shadows_nothing_that_is_chosen_by_uuid() {
    let scene = choosing(&[
        ("CODE_SIGN_STYLE", "Manual"),
        ("PROVISIONING_PROFILE_SPECIFIER", &rocket().uuid),
    ]);
    assert_eq!(shadows(&scene, &successor(&rocket().name)), None);
    assert_eq!(shadows(&scene, &successor("Rocket 2027")), None);
}

#[test]
fn a_successor_shadows_what_is_chosen_by_name_if_it_has_that_name() {
    let scene = choosing(&[
        ("CODE_SIGN_STYLE", "Manual"),
        ("PROVISIONING_PROFILE_SPECIFIER", &rocket().name),
    ]);
    let shadow = shadows(&scene, &successor(&rocket().name)).unwrap();
    assert!(shadow.contains("has the same name as"), "{shadow}");
    assert_eq!(shadows(&scene, &successor("Rocket 2027")), None);
}

#[test]
fn a_successor_shadows_what_is_signed_automatically_whatever_its_name() {
    let scene = choosing(&[("CODE_SIGN_STYLE", "Automatic")]);
    for name in [&*rocket().name, "Rocket 2027"] {
        assert!(shadows(&scene, &successor(name)).is_some(), "{name}");
    }
}

#[test]
fn a_successor_may_shadow_a_target_that_nobody_looked_at() {
    let mut scene = choosing(&[("PROVISIONING_PROFILE_SPECIFIER", &rocket().uuid)]);
    scene.observed_targets().targets.clear();
    assert!(shadows(&scene, &successor("Rocket 2027")).is_some());
    scene.facts.targets = Observation::unobserved("nobody named a project");
    assert!(shadows(&scene, &successor("Rocket 2027")).is_some());
}

#[test]
fn other_bytes_of_a_uuid_shadow_what_is_chosen_by_it() {
    let scene = choosing(&[("PROVISIONING_PROFILE_SPECIFIER", &rocket().uuid)]);
    let again = rocket().valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let shadow = shadows(&scene, &again).unwrap();
    assert!(shadow.contains("has the same UUID as"), "{shadow}");
}
