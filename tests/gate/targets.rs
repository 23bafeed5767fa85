//! Targets, as the projects describe them.

use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::remedy::Remedy;
use countersign::context::gate::facts::Observation;
use forge::project::{Product, ProjectSpec, TargetSpec};

use crate::scene::{Scene, distribution, identity, project, targets_of};

#[test]
fn the_gate_itself_plans_what_the_targets_ask_for() {
    let mut scene = Scene::new();
    let another = TargetSpec::new("Rocket", Product::App, "com.acme.another");
    scene.facts.targets =
        Observation::Observed(targets_of(&ProjectSpec::new("Rocket").target(another)).into());
    let finding = scene.blocked_by(Code::TargetUnmapped);
    assert_eq!(finding.place.target.as_deref(), Some("Rocket"));
}

#[test]
fn the_kind_that_is_asked_for_is_planned_for() {
    let mut scene = Scene::new();
    scene.asked.kind = Some(countersign::apple::profile::ProfileKind::AdHoc);
    scene.blocked_by(Code::TargetKindMismatch);
    scene.asked.kind = Some(countersign::apple::profile::ProfileKind::AppStore);
    assert!(scene.rehearse().until().is_some());
}

#[test]
fn findings_of_projects_count_as_they_are() {
    let mut scene = Scene::new();
    let finding =
        Finding::block(Code::ProjectInconsistent, "a target stands twice").hint("remove one");
    scene.observed_targets().findings.push(finding);
    scene.blocked_by(Code::ProjectInconsistent);
}

#[test]
fn an_observation_without_targets_is_none() {
    let mut scene = Scene::new();
    scene.observed_targets().targets.clear();
    let finding = scene.blocked_by(Code::TargetsUnobserved);
    assert_eq!(finding.remedy, Some(Remedy::NameProject));
    // An empty workspace names no project either.
    scene.observed_targets().projects.clear();
    scene.blocked_by(Code::TargetsUnobserved);
    // Whoever selects nothing is told to select something else.
    scene.observed_targets().selection.platform =
        Some(countersign::xcode::platform::Platform::Tvos);
    let hint = scene.blocked_by(Code::TargetsUnobserved).hint.unwrap();
    assert!(hint.contains("select targets"), "{hint}");
}

/// No archive holds it, so only who names it wants it signed.
#[test]
fn a_test_bundle_blocks_only_where_somebody_names_it() {
    let mut scene = Scene::new();
    let tests = TargetSpec::new("RocketUITests", Product::UiTests, "com.acme.tests");
    scene.facts.targets = Observation::Observed(targets_of(&project().target(tests)).into());
    scene.cleared_with(Code::TargetUnmapped, Severity::Info);
    scene.observed_targets().selection.targets =
        vec!["Rocket".to_owned(), "RocketUITests".to_owned()];
    let finding = scene.blocked_by(Code::TargetUnmapped);
    assert_eq!(finding.place.target.as_deref(), Some("RocketUITests"));
}

#[test]
fn a_pinned_target_that_the_project_does_not_have_blocks() {
    let mut scene = Scene::new();
    scene.target(identity(&distribution()).sha256.unwrap());
    let mut removed = scene.targets[0].clone();
    removed.target = "Zeppelin".parse().unwrap();
    scene.targets.push(removed);
    let finding = scene.blocked_by(Code::TargetUnmapped);
    assert_eq!(finding.place.pointer.as_deref(), Some("/targets/1"));
    // Who selects targets by name wants those.
    scene.observed_targets().selection.targets = vec!["Rocket".to_owned()];
    scene.cleared_with(Code::TargetsUnobserved, Severity::Warn);
}

#[test]
fn a_pinned_project_that_nobody_named_blocks() {
    let mut scene = Scene::new();
    scene.target(identity(&distribution()).sha256.unwrap());
    let mut elsewhere = scene.targets[0].clone();
    elsewhere.project = "Zeppelin.xcodeproj".to_owned();
    scene.targets.push(elsewhere);
    let finding = scene.blocked_by(Code::TargetsUnobserved);
    assert!(
        finding.message.contains("Zeppelin.xcodeproj"),
        "{}",
        finding.message
    );
}

/// Everything is printed but the files, which may be large and are not ours.
#[test]
fn what_was_observed_of_targets_prints_without_the_files() {
    let printed = format!("{:?}", targets_of(&project()));
    assert!(printed.starts_with("ObservedTargets {"), "{printed}");
    assert!(printed.contains("Rocket.xcodeproj"), "{printed}");
    assert!(!printed.contains("sources"), "{printed}");
}
