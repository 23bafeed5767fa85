//! What a clearance says, and how long it holds.

use countersign::base::clock::FixedClock;
use countersign::base::digest::Digest;
use countersign::base::finding::{Code, Finding, Group, Severity};
use countersign::context::envelope;
use countersign::context::gate::facts::{InstalledContent, ObservedClaims};
use countersign::context::gate::{Judgement, Purpose, Verdict, refuse};
use countersign::context::manifest::freeze::Previous;
use countersign::context::manifest::{Manifest, ProfileState};
use countersign::host::node::host_name;
use countersign::host::observation::{ObservationError, Request, observe};
use countersign::host::permit::{NotCleared, OpenPermit};
use countersign::host::state_dir::StateDir;
use jiff::SignedDuration;
use support::{blocking, rocket};

use crate::scene::{HOURS, NOW, SIGNER, Scene, distribution, identity, instant};

#[test]
fn a_clearance_names_what_was_judged() {
    let mut scene = Scene::new();
    scene.asked.region = Some("us-east".parse().unwrap());
    scene.previous = Some(Previous::from_bytes(&scene.manifest().content().to_bytes()).unwrap());
    let cleared = scene.clear();
    assert_eq!(Some(cleared.policy()), scene.live_policy().digest());
    assert_eq!(cleared.manifest(), scene.manifest().digest());
    assert_eq!(cleared.revision(), 2);
    assert_eq!(*cleared.host(), host_name().unwrap());
    assert_eq!(cleared.region().unwrap().as_str(), "us-east");
    assert_eq!(cleared.from(), scene.facts.now);
    let identities = [identity(&distribution()).sha1].into();
    assert_eq!(cleared.identities(), Some(&identities));
}

/// Who waives a group by name gets no word about it, whatever was observed.
#[test]
fn what_is_waived_is_not_judged_even_if_it_was_observed() {
    let mut scene = Scene::new();
    scene.asked.waived = [Group::Identities].into();
    assert_eq!(scene.clear().identities(), None);
    scene.identities().identities.clear();
    assert_eq!(scene.clear().identities(), None);

    let mut scene = Scene::new();
    scene.installed().files.clear();
    scene.blocked_by(Code::ProfileMissing);
    scene.policy += "[gate]\nwaivable = [\"profiles\"]\n";
    scene.asked.waived = [Group::Profiles].into();
    assert!(scene.rehearse().until().is_some());

    // Neither is a file that lies there and is not proven.
    let mut scene = Scene::new();
    let fault =
        Finding::block(Code::ProfileNotTrusted, "the chain does not hold").hint("replace it");
    if let InstalledContent::Read { claims, .. } = &mut scene.installed().files[0].content {
        *claims = ObservedClaims::Unproven(vec![fault]);
    }
    scene.blocked_by(Code::ProfileNotTrusted);
    scene.policy += "[gate]\nwaivable = [\"profiles\"]\n";
    scene.asked.waived = [Group::Profiles].into();
    assert!(scene.rehearse().until().is_some());
}

/// Where the profiles lie and whose roots are believed is what a verdict is worth.
#[test]
fn the_record_of_a_gate_names_the_directories_of_profiles_and_the_roots_besides_apples() {
    let verdict = Scene::new().judge_live();
    let judgement = verdict.judgement();
    let [directory] = judgement.profile_directories.as_slice() else {
        panic!("{judgement:#?}");
    };
    let named = judgement.trust_anchors.iter();
    let named: Vec<String> = named
        .map(|anchor| format!("{} {}", anchor.name, anchor.sha256))
        .collect();
    assert!(!named.is_empty());
    let details = verdict.event().details;
    assert_eq!(
        details["profile-directories"],
        directory.display().to_string()
    );
    assert_eq!(details["trust-anchors"], named.join(","));
    // Where nobody looked, nothing is named.
    let facts =
        observe::<ObservationError>(&Request::default(), &FixedClock(instant(NOW))).unwrap();
    let details = refuse(&facts, Vec::new()).event().details;
    assert!(!details.contains_key("profile-directories"), "{details:?}");
    assert!(!details.contains_key("trust-anchors"), "{details:?}");
}

#[test]
fn a_judgement_names_each_code_once_and_by_its_severity() {
    let finding = |code| Finding::block(code, "wrong");
    let mut judgement = Scene::new().judge();
    judgement.findings = vec![
        finding(Code::ProfileMissing),
        finding(Code::ProfileMissing),
        finding(Code::IdentityMissing),
        Finding::warn(Code::ProfileExpiresSoon, "soon"),
    ];
    assert_eq!(
        judgement.codes(Severity::Block),
        [Code::ProfileMissing, Code::IdentityMissing]
    );
    assert_eq!(judgement.codes(Severity::Warn), [Code::ProfileExpiresSoon]);
    assert_eq!(judgement.codes(Severity::Info), []);
}

#[test]
fn a_live_judgement_and_a_rehearsed_one_of_the_same_facts_are_one() {
    let mut scene = Scene::new();
    scene.facts.host = host_name().unwrap();
    scene.policy = scene.policy.replace(SIGNER, scene.facts.host.as_str());
    for (spoiled, code) in [(false, None), (true, Some(Code::IdentityMissing))] {
        if spoiled {
            scene.identities().identities.clear();
        }
        let (live, cleared) = scene.judge_live().into_parts();
        let rehearsal = scene.rehearse();
        let codes = |judgement: &Judgement| blocking(&judgement.findings).join(",");
        assert_eq!(codes(&live), codes(rehearsal.judgement()));
        assert_eq!(codes(&live), code.map_or("", |code: Code| code.as_str()));
        assert_eq!(cleared.is_some(), rehearsal.until().is_some());
        assert_eq!(cleared.map(|cleared| cleared.until()), rehearsal.until());
    }
}

#[test]
fn the_plan_digest_changes_with_the_targets_alone() {
    let mut scene = Scene::new();
    let plan = scene.clear().plan_digest();
    assert_eq!(scene.clear().plan_digest(), plan);
    scene.target(identity(&distribution()).sha256.unwrap());
    assert_ne!(scene.clear().plan_digest(), plan);
}

#[test]
fn a_clearance_does_not_last() {
    let scene = Scene::new();
    let cleared = scene.clear();
    assert_eq!(
        cleared.until().duration_since(scene.facts.now),
        SignedDuration::from_mins(5)
    );
}

#[test]
fn a_clearance_before_its_instant_is_refused() {
    // Next month, by a clock that says so.
    let mut scene = Scene::new();
    scene.asked.purpose = Purpose::Run;
    scene.facts.now = instant("2026-08-03T14:15:00Z");
    let host = host_name().unwrap();
    let plan = scene.manifest().plan_digest();
    let from = scene.facts.now;
    for (now, is_good) in [
        (instant(NOW), false),
        (from - SignedDuration::from_nanos(1), false),
        (from, true),
        (from + SignedDuration::from_mins(5), true),
        (from + SignedDuration::from_secs(301), false),
    ] {
        let permit = OpenPermit::from_clearance(scene.clear(), &host, plan, now);
        match permit {
            Ok(_) => assert!(is_good, "{now}"),
            Err(NotCleared::NotYet { .. }) => assert!(!is_good && now < from, "{now}"),
            Err(NotCleared::Expired { .. }) => assert!(!is_good && now > from, "{now}"),
            Err(other) => panic!("{other}"),
        }
    }
    // A permit is asked again when its turn comes, and the clock may have been set back.
    let permit = OpenPermit::from_clearance(scene.clear(), &host, plan, from).unwrap();
    assert!(matches!(
        permit.check(instant(NOW)),
        Err(NotCleared::NotYet { .. })
    ));
}

#[test]
fn a_machine_that_is_looked_at_is_judged_at_the_second_of_its_clock() {
    let mut scene = Scene::new();
    scene.facts.now = instant("2026-07-06T14:15:00.987654321Z");
    assert_eq!(scene.clear().from(), instant(NOW));
}

#[test]
fn a_refusal_clears_nothing_whatever_it_says() {
    let facts =
        observe::<ObservationError>(&Request::default(), &FixedClock(instant(NOW))).unwrap();
    for findings in [
        Vec::new(),
        vec![Finding::block(Code::PolicyInvalid, "a typo").hint("mend it")],
    ] {
        let verdict = refuse(&facts, findings);
        assert!(verdict.cleared().is_none());
        assert_eq!(
            verdict.event().outcome,
            countersign::base::event::Outcome::Refused
        );
    }
}

#[test]
fn a_remark_that_blocks_takes_the_clearance_away() {
    let remark =
        |severity| vec![Finding::new(Code::PolicyUnused, severity, "a remark").hint("read it")];
    let scene = Scene::new();
    let informed = scene.judge_live().with_remarks(remark(Severity::Info));
    assert!(informed.cleared().is_some());
    let blocked = scene.judge_live().with_remarks(remark(Severity::Block));
    assert!(blocked.cleared().is_none());
    let rehearsed = scene.rehearse().with_remarks(remark(Severity::Block));
    assert!(rehearsed.until().is_none());
}

#[test]
fn only_a_cleared_verdict_on_this_manifest_has_an_envelope() {
    let mut scene = Scene::new();
    let audit: countersign::base::event::Checkpoint =
        format!("7:{}", Digest::of(b"a log")).parse().unwrap();
    let statement = |verdict: &Verdict, manifest: &Manifest| {
        envelope::statement(verdict, manifest, "profiles.json", audit, false)
    };
    let manifest = scene.manifest();
    let verdict = scene.judge_live();
    let stated = statement(&verdict, &manifest).unwrap();
    assert_eq!(stated.predicate.manifest, manifest.digest());
    assert_eq!(stated.predicate.judged_at, instant(NOW));
    assert!(!stated.predicate.signed);
    scene.target(identity(&distribution()).sha256.unwrap());
    assert_eq!(
        statement(&verdict, &scene.manifest()).unwrap_err(),
        envelope::NoStatement::OtherManifest {
            judged: manifest.digest(),
            here: scene.manifest().digest(),
        }
    );
    scene.identities().identities.clear();
    let refused = statement(&scene.judge_live(), &scene.manifest()).unwrap_err();
    assert_eq!(refused, envelope::NoStatement::NotCleared);
}

#[test]
fn what_an_earlier_look_proved_is_enough_for_a_verdict_and_not_for_a_run_or_an_envelope() {
    let directory = tempfile::tempdir().unwrap();
    let state = StateDir::new(directory.path().join("state")).unwrap();
    let mut scene = Scene::new();
    let manifest = scene.manifest();
    let audit = format!("7:{}", Digest::of(b"a log")).parse().unwrap();
    let statement =
        |verdict: &Verdict| envelope::statement(verdict, &manifest, "profiles.json", audit, true);
    let afresh = scene.judge_live_after(Some(&state));
    assert!(!afresh.judgement().proofs_are_remembered);
    statement(&afresh).unwrap();
    let remembered = scene.judge_live_after(Some(&state));
    assert!(remembered.judgement().proofs_are_remembered);
    assert!(remembered.cleared().is_some());
    assert_eq!(
        statement(&remembered).unwrap_err(),
        envelope::NoStatement::ProofsRemembered
    );
    scene.asked.purpose = Purpose::Run;
    assert!(scene.judge_live().cleared().is_some());
    let run = scene.judge_live_after(Some(&state));
    assert!(run.cleared().is_none());
    assert_eq!(blocking(&run.judgement().findings), ["profiles-unobserved"]);
}

#[test]
fn a_clearance_ends_when_the_hours_do() {
    let mut scene = Scene::new();
    scene.policy.push_str(HOURS);
    scene.facts.now = instant("2026-07-07T01:58:00Z");
    assert_eq!(scene.clear().until(), instant("2026-07-07T02:00:00Z"));
}

#[test]
fn a_clearance_does_not_outlive_a_profile() {
    let spec = rocket().valid("2026-01-01T10:00:00Z", "2026-07-06T14:16:00Z");
    let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
    scene.policy = scene
        .policy
        .replace("\"7d\"", "\"0d\"")
        .replace("\"30d\"", "\"0d\"");
    assert_eq!(scene.clear().until(), instant("2026-07-06T14:16:00Z"));
}
