//! The *policy* group: the policy that is there, the one that was expected, and what it allows to waive.

use countersign::base::clock::FixedClock;
use countersign::base::digest::Digest;
use countersign::base::event::Outcome;
use countersign::base::finding::{Code, Group, Severity};
use countersign::context::envelope::{self, NoStatement};
use countersign::context::gate::facts::PlannedFacts;
use countersign::context::gate::{ExpectedDigest, Purpose, Verdict, judge, rehearse};
use countersign::context::policy::Policy;
use countersign::host::node::host_name;
use countersign::host::observation::{ObservationError, Request, observe};
use countersign::host::permit::{NotCleared, OpenPermit};
use support::blocking;

use crate::scene::{NOW, POLICY, Scene, instant};

/// Everything waived that can be, by this policy.
fn judged_by(policy: &Policy, scene: &Scene) -> Verdict {
    let facts =
        observe::<ObservationError>(&Request::default(), &FixedClock(instant(NOW))).unwrap();
    judge(policy, &scene.manifest(), &facts, &scene.asked)
}

fn waiving(purpose: Purpose, waived: impl IntoIterator<Item = Group>) -> Scene {
    let mut scene = Scene::new();
    scene.asked.purpose = purpose;
    scene.asked.waived = waived.into_iter().collect();
    scene
}

#[test]
fn policy_missing_blocks_and_no_waiver_makes_a_clearance_of_it() {
    use Group::{Identities, Targets};
    let builtin = Policy::builtin(None);
    let groups = [Identities, Targets];
    let with = |scene: &Scene| rehearse(&builtin, &scene.manifest(), &planned(scene), &scene.asked);

    let unwaived = with(&waiving(Purpose::Verdict, groups));
    assert_eq!(blocking(&unwaived.judgement().findings), ["policy-missing"]);

    let scene = waiving(Purpose::Verdict, [Identities, Targets, Group::Policy]);
    let waived = with(&scene);
    assert!(waived.judgement().passes());
    assert!(waived.until().is_none(), "it passes and clears nothing");
    assert_eq!(waived.until(), None);
    let codes = waived.judgement().codes(Severity::Warn);
    assert_eq!(codes, [Code::PolicyMissing], "and it is said aloud");

    // A run cannot do without, whatever it waives.
    let run = with(&waiving(Purpose::Run, [Group::Policy]));
    assert_eq!(blocking(&run.judgement().findings), ["policy-missing"]);
}

fn planned(scene: &Scene) -> PlannedFacts {
    PlannedFacts::new(scene.facts.clone())
}

#[test]
fn a_live_verdict_without_a_policy_opens_nothing_and_has_no_envelope() {
    let everything = [
        Group::Profiles,
        Group::Identities,
        Group::Targets,
        Group::Policy,
    ];
    let mut scene = waiving(Purpose::Verdict, everything);
    let mut builtin = Policy::builtin(None);
    builtin.gate = permissive().gate;
    let verdict = judged_by(&builtin, &scene);
    assert!(verdict.judgement().passes(), "{verdict:#?}");
    assert_eq!(verdict.judgement().policy, None);
    assert!(verdict.cleared().is_none());
    let event = verdict.event();
    assert_eq!(event.outcome, Outcome::Done);
    assert!(!event.details.contains_key("policy"), "{event:?}");
    assert!(event.details["waived"].contains("policy"), "{event:?}");
    assert_eq!(
        event.details["warnings"],
        "profiles-unobserved,policy-missing"
    );
    let audit = format!("7:{}", Digest::of(b"a log")).parse().unwrap();
    let statement = envelope::statement(&verdict, &scene.manifest(), "profiles.json", audit, false);
    assert_eq!(statement.unwrap_err(), NoStatement::NotCleared);

    // With the same policy written down, all of it is cleared: it is the policy that makes the difference.
    scene.asked.waived.remove(&Group::Policy);
    let verdict = judged_by(&permissive(), &scene);
    let cleared = verdict.cleared().unwrap();
    assert_eq!(Some(cleared.policy()), permissive().digest());
    assert_eq!(
        verdict.event().details["policy"],
        cleared.policy().to_string()
    );
    assert_eq!(verdict.judgement().policy, permissive().digest());
}

fn permissive() -> Policy {
    let text = "version = 1\n[gate]\nwaivable = ['profiles', 'identities', 'targets']\n";
    Policy::parse(text, std::path::Path::new("signing.toml"), None).unwrap()
}

#[test]
fn a_policy_that_is_there_is_not_waived() {
    let scene = waiving(Purpose::Verdict, [Group::Policy]);
    let finding = scene.blocked_by(Code::WaiverNotAllowed);
    assert!(finding.message.contains("nothing switches it off"));
    let scene = waiving(Purpose::Run, [Group::Policy]);
    scene.blocked_by(Code::WaiverNotAllowed);
}

#[test]
fn policy_digest_mismatch_blocks_in_either_algorithm() {
    let mut scene = Scene::new();
    let edited = format!("{POLICY}\n");
    for reviewed in [Digest::of(POLICY.as_bytes()), sha1_of(POLICY)] {
        scene.asked.policy = Some(ExpectedDigest::new(reviewed, POLICY.as_bytes()));
        assert!(scene.judge().passes());
        scene.asked.policy = Some(ExpectedDigest::new(reviewed, edited.as_bytes()));
        let finding = scene.blocked_by(Code::PolicyDigestMismatch);
        assert_eq!(finding.expected, Some(reviewed.to_string()));
        let found = reviewed.same_algorithm_over(edited.as_bytes());
        assert_eq!(finding.found, Some(found.to_string()));
        assert_eq!(finding.place.file.as_deref(), Some("signing.toml"));
    }
}

fn sha1_of(text: &str) -> Digest {
    Digest::Sha1(countersign::base::digest::sha1(text.as_bytes()))
}

#[test]
fn waiver_not_allowed_blocks_for_every_group_that_the_policy_does_not_name() {
    use Group::{Identities, Profiles, Targets};
    use Purpose::{Run, Verdict};
    for (gate, purpose, allowed) in [
        ("", Verdict, [false, true, true]),
        ("", Run, [false, false, false]),
        ("waivable = []", Verdict, [false, false, false]),
        ("waivable = ['profiles']", Verdict, [true, false, false]),
        // What a verdict may waive says nothing about a run, and the other way round.
        (
            "waivable = ['profiles', 'identities', 'targets']",
            Run,
            [false, false, false],
        ),
        ("run_waivable = ['targets']", Run, [false, false, true]),
        (
            "waivable = []\nrun_waivable = ['targets']",
            Verdict,
            [false, false, false],
        ),
    ] {
        for (group, is_allowed) in [Profiles, Identities, Targets].into_iter().zip(allowed) {
            let mut scene = waiving(purpose, [group]);
            scene.policy = format!("{POLICY}[gate]\n{gate}\n");
            if is_allowed {
                assert!(scene.judge().passes(), "{gate} {purpose:?} {group}");
                continue;
            }
            let finding = scene.blocked_by(Code::WaiverNotAllowed);
            assert_eq!(finding.found.as_deref(), Some(group.as_str()));
            let key = match purpose {
                Verdict => "gate.waivable",
                Run => "gate.run_waivable",
            };
            assert_eq!(finding.place.pointer.as_deref(), Some(key));
            assert!(finding.place.line.is_some_and(|line| line >= 9));
            assert!(finding.hint.unwrap().contains(key));
        }
    }
}

#[test]
fn every_waiver_that_is_not_allowed_is_told() {
    let scene = waiving(
        Purpose::Run,
        [Group::Profiles, Group::Identities, Group::Targets],
    );
    let findings = scene.judge().findings;
    let refused: Vec<_> = findings
        .iter()
        .filter(|finding| finding.code == Code::WaiverNotAllowed)
        .filter_map(|finding| finding.found.as_deref())
        .collect();
    assert_eq!(refused, ["profiles", "identities", "targets"]);
    assert_eq!(blocking(&findings), ["waiver-not-allowed"]);
}

#[test]
fn a_clearance_for_a_verdict_opens_nothing() {
    let mut scene = Scene::new();
    let permit = |scene: &Scene| {
        let plan = scene.manifest().plan_digest();
        let host = host_name().unwrap();
        OpenPermit::from_clearance(scene.clear(), &host, plan, scene.facts.now)
    };
    assert!(matches!(
        permit(&scene).unwrap_err(),
        NotCleared::ForVerdict
    ));
    scene.asked.purpose = Purpose::Run;
    assert!(permit(&scene).is_ok());
}
