//! The permit: which keychain a clearance opens.

use countersign::apple::certificate::Certificate;
use countersign::base::digest::Digest;
use countersign::base::error::{ErrorCode, Explain};
use countersign::base::finding::Group;
use countersign::base::remedy::Remedy;
use countersign::context::gate::Purpose;
use countersign::host::node::host_name;
use countersign::host::permit::{NotCleared, OpenPermit};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};

use crate::scene::{Scene, distribution, instant};

fn certificate(leaf: &LeafSpec) -> Certificate {
    Certificate::from_der(&Hierarchy::acme().developer(leaf).der).unwrap()
}

fn permit(scene: &Scene) -> OpenPermit {
    let plan = scene.manifest().plan_digest();
    let host = host_name().unwrap();
    OpenPermit::from_clearance(scene.clear(), &host, plan, scene.facts.now).unwrap()
}

#[test]
fn a_keychain_is_opened_only_with_the_identities_that_were_judged() {
    let mut scene = Scene::new();
    scene.asked.purpose = Purpose::Run;
    let judged = certificate(&distribution());
    let stranger = certificate(&LeafSpec::new(LeafKind::AppleDevelopment));
    let of_judged = permit(&scene);
    assert!(of_judged.is_for_identities());
    // One that is gone since matters to nobody: what is there was judged.
    for there in [&[][..], std::slice::from_ref(&judged)] {
        of_judged.check_identities(there).unwrap();
    }
    for there in [
        vec![stranger.clone()],
        vec![judged.clone(), stranger.clone()],
        vec![stranger.clone(), judged],
    ] {
        let refused = of_judged.check_identities(&there).unwrap_err();
        let expected = NotCleared::OtherIdentity {
            certificate: stranger.sha1,
            name: stranger.common_name.clone(),
        };
        assert_eq!(refused, expected);
        assert!(refused.to_string().contains(&stranger.common_name));
    }
    // Waived identities are waived, by name and in every record.
    scene.policy += "[gate]\nrun_waivable = [\"identities\"]\n";
    scene.asked.waived = [Group::Identities].into();
    let of_waived = permit(&scene);
    assert!(!of_waived.is_for_identities());
    of_waived.check_identities(&[stranger]).unwrap();
}

#[test]
fn a_clearance_that_opens_nothing_says_what_to_do() {
    let now = instant("2026-07-06T14:15:00Z");
    let host = host_name().unwrap();
    let plan = Digest::of(b"a plan");
    for (refused, hint) in [
        (
            NotCleared::NotYet { from: now, now },
            "check this machine's clock, then run the gate again",
        ),
        (
            NotCleared::Expired { until: now, now },
            "run the gate again",
        ),
        (
            NotCleared::OtherHost {
                cleared: host.clone(),
                here: host.clone(),
            },
            "run the gate on this host",
        ),
        (NotCleared::ForVerdict, "ask the gate for a run"),
        (
            NotCleared::OtherPlan {
                cleared: plan,
                here: plan,
            },
            "run the gate on this plan",
        ),
    ] {
        assert_eq!(refused.hint().as_deref(), Some(hint));
        assert_eq!(refused.remedy(), None, "{refused}");
        assert_eq!(refused.code(), ErrorCode::ClearanceRefused);
    }
    let stranger = certificate(&distribution());
    let refused = NotCleared::OtherIdentity {
        certificate: stranger.sha1,
        name: stranger.common_name,
    };
    let hint = "run the gate with the identities of the keychain itself";
    assert_eq!(refused.hint().as_deref(), Some(hint));
    assert_eq!(refused.remedy(), Some(Remedy::JudgeKeychain));
}
