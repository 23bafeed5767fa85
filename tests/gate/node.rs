//! The host, its region, the hour.

use countersign::base::finding::Code;
use countersign::context::gate::facts::Observation;
use jiff::SignedDuration;

use crate::scene::{HOURS, NOW, Scene, instant};

#[test]
fn host_not_allowed_points_at_the_policy_s_line() {
    let mut scene = Scene::new();
    scene.facts.host = "laptop.acme.example".parse().unwrap();
    let finding = scene.blocked_by(Code::HostNotAllowed);
    assert_eq!(finding.place.line, Some(4));
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
