//! The host, its region, the hour, and the process that looks.

use countersign::base::finding::{Code, Severity};
use countersign::context::gate::facts::{Namespace, Observation};
use jiff::SignedDuration;

use crate::scene::{HOURS, NOW, Scene, instant};

#[test]
fn host_not_allowed_points_at_the_policy_s_line() {
    let mut scene = Scene::new();
    scene.facts.host = "laptop.acme.example".parse().unwrap();
    let finding = scene.blocked_by(Code::HostNotAllowed);
    assert_eq!(finding.place.line, Some(4));
    let hint = finding.hint.unwrap();
    assert!(hint.contains("or add laptop.acme.example to"), "{hint}");
    // One machine under two names.
    scene.facts.host = "signer-01.local".parse().unwrap();
    let hint = scene.blocked_by(Code::HostNotAllowed).hint.unwrap();
    assert!(
        hint.contains("scutil --set HostName signer-01.acme.example"),
        "{hint}"
    );
}

#[test]
fn a_policy_without_regions_asks_for_them() {
    let mut scene = Scene::new();
    scene.policy = "version = 1\n".to_owned();
    scene.asked.region = Some("us-east".parse().unwrap());
    let hint = scene.blocked_by(Code::RegionMismatch).hint.unwrap();
    assert!(
        hint.starts_with("name the region and its hosts in"),
        "{hint}"
    );
}

#[test]
fn region_mismatch_is_a_known_region_elsewhere_or_an_unknown_one() {
    let mut scene = Scene::new();
    scene.asked.region = Some("eu-west".parse().unwrap());
    scene.blocked_by(Code::RegionMismatch);
    scene.asked.region = Some("us-eats".parse().unwrap());
    assert!(
        scene
            .blocked_by(Code::RegionMismatch)
            .hint
            .unwrap()
            .contains("us-east")
    );
    scene.asked.region = Some("antarctica".parse().unwrap());
    let hint = scene.blocked_by(Code::RegionMismatch).hint.unwrap();
    assert!(hint.starts_with("ask for one of these regions"), "{hint}");
    scene.asked.region = Some("us-east".parse().unwrap());
    assert!(scene.rehearse().until().is_some());
}

#[test]
fn window_not_allowed_now_says_when_the_next_one_opens() {
    let mut scene = Scene::new();
    scene.policy.push_str(HOURS);
    assert!(scene.rehearse().until().is_some());
    scene.facts.now = instant("2026-07-05T14:15:00Z");
    let finding = scene.blocked_by(Code::WindowNotAllowedNow);
    assert!(finding.hint.unwrap().contains("Mon 2026-07-06 06:00"));
}

#[test]
fn the_clock_may_be_a_minute_behind_the_last_record_and_no_more() {
    let mut scene = Scene::new();
    let ahead =
        |seconds| Observation::Observed(Some(instant(NOW) + SignedDuration::from_secs(seconds)));
    for fine in [-9_999, 0, 60] {
        scene.facts.last_record = ahead(fine);
        assert!(scene.rehearse().until().is_some(), "{fine}");
    }
    scene.facts.last_record = ahead(61);
    let finding = scene.blocked_by(Code::ClockBehindRecord);
    assert_eq!(
        finding.expected.as_deref(),
        Some("2026-07-06T14:16:01Z or later")
    );
    assert_eq!(finding.found.as_deref(), Some(NOW));
    scene.facts.last_record = Observation::unobserved("it is damaged");
    let finding = scene.blocked_by(Code::RecordUnobserved);
    assert!(finding.message.contains("it is damaged"));
}

/// The findings of a code, with what they say of their weight.
fn severities(scene: &Scene, code: Code) -> Vec<Severity> {
    let rehearsal = scene.rehearse();
    let findings = rehearsal.judgement().findings.iter();
    findings
        .filter(|finding| finding.code == code)
        .map(|finding| finding.severity)
        .collect()
}

fn blocking_on(words: &str) -> Scene {
    let mut scene = Scene::new();
    scene
        .policy
        .push_str(&format!("[gate]\nblock_on = [{words}]\n"));
    scene
}

#[test]
fn library_preloaded_blocks_unless_the_policy_says_otherwise_and_is_always_told() {
    let preloaded = vec!["LD_PRELOAD=/a.so".to_owned(), "/b.so".to_owned()];
    let mut scene = Scene::new();
    scene.facts.evidence.preloaded = Some(preloaded.clone());
    let finding = scene.blocked_by(Code::LibraryPreloaded);
    assert_eq!(finding.found.as_deref(), Some("LD_PRELOAD=/a.so; /b.so"));
    for (words, severity) in [
        ("", Severity::Warn),
        ("\"namespace\"", Severity::Warn),
        ("\"preload\"", Severity::Block),
    ] {
        let mut scene = blocking_on(words);
        scene.facts.evidence.preloaded = Some(preloaded.clone());
        assert_eq!(severities(&scene, Code::LibraryPreloaded), [severity]);
        let rehearsal = scene.rehearse();
        let finding = &rehearsal.judgement().findings[0];
        assert!(finding.place.line.is_some(), "{finding:?}");
    }
}

#[test]
fn libraries_that_nobody_could_look_at_pass_only_where_nobody_asks() {
    let mut scene = Scene::new();
    scene.facts.evidence.preloaded = None;
    scene.blocked_by(Code::LibraryPreloaded);
    let mut scene = blocking_on("");
    scene.facts.evidence.preloaded = None;
    assert!(scene.rehearse().until().is_some());
}

#[test]
fn host_in_namespace_is_told_and_blocks_where_the_policy_asks_for_it() {
    for change in [
        |scene: &mut Scene| scene.facts.evidence.user_namespace = Namespace::Other,
        |scene: &mut Scene| scene.facts.evidence.uts_namespace = Namespace::Other,
    ] {
        // Every container is one, so by default it passes.
        let mut scene = Scene::new();
        change(&mut scene);
        assert_eq!(severities(&scene, Code::HostInNamespace), [Severity::Info]);
        assert!(scene.rehearse().until().is_some());
        let mut scene = blocking_on("\"namespace\"");
        assert!(scene.rehearse().until().is_some());
        change(&mut scene);
        scene.blocked_by(Code::HostInNamespace);
    }
}

#[test]
fn a_namespace_that_could_not_be_told_is_not_the_first() {
    let mut scene = Scene::new();
    scene.facts.evidence.uts_namespace = Namespace::Unknown;
    assert_eq!(severities(&scene, Code::HostInNamespace), []);
    let mut scene = blocking_on("\"namespace\"");
    scene.facts.evidence.uts_namespace = Namespace::Unknown;
    scene.blocked_by(Code::HostInNamespace);
    // A system without namespaces has no other one.
    scene.facts.evidence.uts_namespace = Namespace::None;
    scene.facts.evidence.user_namespace = Namespace::None;
    assert!(scene.rehearse().until().is_some());
}
