//! The verdict as a whole: what was not observed, what was waived, what was cleared.

use countersign::base::finding::{Code, Group, Severity};
use countersign::context::gate::facts::Observation;
use jiff::Timestamp;
use support::blocking;

use crate::scene::Scene;

#[test]
fn a_world_in_which_all_is_right_is_cleared_without_a_word() {
    let rehearsal = Scene::new().rehearse();
    assert_eq!(rehearsal.judgement().findings, []);
    assert!(rehearsal.until().is_some());
    let region = rehearsal.judgement().region.as_ref();
    assert_eq!(region.unwrap().as_str(), "us-east");
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
    scene.asked.waived = [Group::Profiles, Group::Identities, Group::Targets].into();
    scene
        .policy
        .push_str("[gate]\nwaivable = [\"profiles\", \"identities\", \"targets\"]\n");
    let verdict = scene.judge();
    assert!(verdict.passes(), "{:#?}", verdict.findings);
    assert_eq!(verdict.waived, scene.asked.waived);
}

#[test]
fn a_manifest_that_pins_no_profile_takes_none_at_its_word() {
    let waiving = |mut scene: Scene| {
        scene.policy += "[gate]\nwaivable = [\"profiles\", \"identities\", \"targets\"]\n";
        scene.asked.waived = [Group::Profiles, Group::Identities, Group::Targets].into();
        scene.judge().findings
    };
    assert_eq!(waiving(Scene::pinning(&[])), []);
    let findings = waiving(Scene::new());
    let [told] = findings.as_slice() else {
        panic!("{findings:#?}");
    };
    assert_eq!(told.code, Code::ProfilesUnobserved);
    assert_eq!(told.severity, Severity::Warn);
}

#[test]
fn a_waiver_of_one_group_waives_no_other() {
    let mut scene = Scene::new();
    scene.installed().files.clear();
    scene.asked.waived = [Group::Identities, Group::Targets].into();
    scene.blocked_by(Code::ProfileMissing);
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_reports() {
    let mut scene = Scene::new();
    scene.asked.minimum_revision = Some(9);
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
fn nothing_overflows_at_the_end_of_time() {
    let mut scene = Scene::new();
    scene.facts.now = Timestamp::MAX;
    assert!(scene.rehearse().until().is_none());
    scene.facts.now = Timestamp::MIN;
    scene.judge();
}
