//! The verdict as a whole: what was not observed, what was waived, what was cleared.

use countersign::base::finding::{Code, Finding, Group};
use countersign::context::gate::facts::Observation;
use countersign::context::manifest::ProfileState;
use jiff::{SignedDuration, Timestamp};
use support::{blocking, rocket};

use crate::scene::{HOURS, SIGNER, Scene, distribution, identity, instant};

#[test]
fn a_world_in_which_all_is_right_is_cleared_without_a_word() {
    let verdict = Scene::new().judge();
    assert_eq!(verdict.findings, []);
    assert!(verdict.cleared.is_some());
    assert_eq!(verdict.region.unwrap().as_str(), "us-east");
}

#[test]
fn what_was_not_observed_is_not_passed() {
    let why = || "nobody looked".to_owned();
    let mut scene = Scene::new();
    scene.facts.profiles = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::ProfilesUnobserved);
    let mut scene = Scene::new();
    scene.facts.identities = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::IdentitiesUnobserved);
    let mut scene = Scene::new();
    scene.facts.targets = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::TargetsUnobserved);
}

#[test]
fn a_waived_group_is_not_judged_and_stands_in_the_verdict() {
    let why = || "nobody looked".to_owned();
    let mut scene = Scene::new();
    scene.facts.profiles = Observation::Unobserved { why: why() };
    scene.facts.identities = Observation::Unobserved { why: why() };
    scene.facts.targets = Observation::Unobserved { why: why() };
    scene.waived = [Group::Profiles, Group::Identities, Group::Targets].into();
    let verdict = scene.judge();
    assert!(verdict.cleared.is_some(), "{:#?}", verdict.findings);
    assert_eq!(verdict.waived, scene.waived);
}

#[test]
fn a_waiver_of_one_group_waives_no_other() {
    let mut scene = Scene::new();
    scene.installed().files.clear();
    scene.waived = [Group::Identities, Group::Targets].into();
    scene.blocked_by(Code::ProfileMissing);
}

#[test]
fn findings_of_targets_count_as_they_are() {
    let mut scene = Scene::new();
    let finding = Finding::block(Code::TargetUnmapped, "Rocket has no profile").hint("pin one");
    scene.facts.targets = Observation::Observed(vec![finding]);
    scene.blocked_by(Code::TargetUnmapped);
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_reports() {
    let mut scene = Scene::new();
    scene.facts.minimum_revision = Some(9);
    scene.installed().files.clear();
    scene.identities().identities.clear();
    scene.facts.targets = Observation::Unobserved {
        why: "nobody looked".to_owned(),
    };
    scene.facts.host = "laptop.acme.example".parse().unwrap();
    assert_eq!(
        blocking(&scene.judge().findings),
        [
            "manifest-stale-revision",
            "profile-missing",
            "identity-missing",
            "targets-unobserved",
            "host-not-allowed"
        ]
    );
}

#[test]
fn a_clearance_names_what_was_judged() {
    let mut scene = Scene::new();
    scene.facts.region = Some("us-east".parse().unwrap());
    let manifest = scene.manifest();
    let cleared = scene.judge().cleared.unwrap();
    assert_eq!(cleared.manifest(), manifest.digest());
    assert_eq!(cleared.revision(), 1);
    assert_eq!(cleared.host().as_str(), SIGNER);
    assert_eq!(cleared.region().unwrap().as_str(), "us-east");
}

#[test]
fn the_plan_digest_changes_with_the_targets_alone() {
    let mut scene = Scene::new();
    let plan = scene.judge().cleared.unwrap().plan_digest();
    assert_eq!(scene.judge().cleared.unwrap().plan_digest(), plan);
    scene.target(identity(&distribution()).sha256.unwrap());
    assert_ne!(scene.judge().cleared.unwrap().plan_digest(), plan);
}

#[test]
fn a_clearance_does_not_last() {
    let scene = Scene::new();
    let cleared = scene.judge().cleared.unwrap();
    assert_eq!(
        cleared.until().duration_since(scene.facts.now),
        SignedDuration::from_mins(5)
    );
}

#[test]
fn a_clearance_ends_when_the_hours_do() {
    let mut scene = Scene::new();
    scene.policy.push_str(HOURS);
    scene.facts.now = instant("2026-07-07T01:58:00Z");
    let cleared = scene.judge().cleared.unwrap();
    assert_eq!(cleared.until(), instant("2026-07-07T02:00:00Z"));
}

#[test]
fn a_clearance_does_not_outlive_a_profile() {
    let spec = rocket().valid("2026-01-01T10:00:00Z", "2026-07-06T14:16:00Z");
    let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
    scene.policy = scene
        .policy
        .replace("\"7d\"", "\"0d\"")
        .replace("\"30d\"", "\"0d\"");
    let cleared = scene.judge().cleared.unwrap();
    assert_eq!(cleared.until(), instant("2026-07-06T14:16:00Z"));
}

#[test]
fn nothing_overflows_at_the_end_of_time() {
    let mut scene = Scene::new();
    scene.facts.now = Timestamp::MAX;
    assert!(scene.judge().cleared.is_none());
    scene.facts.now = Timestamp::MIN;
    scene.judge();
}
