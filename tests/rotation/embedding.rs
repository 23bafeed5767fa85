//! A promotion parts no extension from the certificate of the app that holds it.

use std::fs;

use countersign::base::finding::{Code, Finding, Severity};
use countersign::ops::rotate::{
    self, PlanRequest, PromoteRequest, RehearseRequest, RetireRequest, StageRequest,
};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::ProfileSpec;
use jiff::SignedDuration;
use support::blocking;

use crate::site::{
    IDS, LATER, NOW, Site, done, next_certificate, old, renewed, successor, with_a_new_certificate,
    without_targets,
};

fn told(findings: &[Finding], severity: Severity) -> Vec<Finding> {
    let findings = findings.iter();
    let findings = findings.filter(|it| it.code == Code::EmbeddedCertificateDiffers);
    let findings: Vec<Finding> = findings.cloned().collect();
    assert!(findings.iter().all(|it| it.severity == severity));
    findings
}

/// The successors of these alone.
fn some(site: &Site, ids: &[&str]) -> StageRequest {
    StageRequest {
        successors: ids
            .iter()
            .map(|id| site.path(format!("successors/{}", renewed(id).file_name())))
            .collect(),
        dry_run: false,
    }
}

#[test]
fn half_of_a_product_with_a_new_certificate_is_not_promoted() {
    let site = with_a_new_certificate();
    let staged = done(rotate::stage(&some(&site, &IDS[..2]), &site.world(NOW)).unwrap());
    // Two extensions keep the old certificate.
    assert_eq!(told(&staged.findings, Severity::Warn).len(), 2);
    let picture = site.picture();
    let named = vec![IDS[0].to_owned()];
    for (products, dry_run) in [(vec![], false), (vec![], true), (named, false)] {
        let request = PromoteRequest {
            products,
            dry_run,
            ..PromoteRequest::default()
        };
        let document = rotate::promote(&request, &site.world(NOW)).unwrap();
        assert_eq!(
            blocking(&document.findings),
            ["embedded-certificate-differs"]
        );
        assert!(document.revisions.is_empty());
        let found = told(&document.findings, Severity::Block);
        assert_eq!(found.len(), 2, "{found:#?}");
        for (finding, id) in found.iter().zip(&IDS[2..]) {
            assert!(finding.message.contains(id), "{finding:#?}");
            assert!(finding.message.contains(&format!("than {},", IDS[0])));
            // Both certificates have one name, so the serial tells them apart.
            let (expected, found) = (finding.expected.as_deref(), finding.found.as_deref());
            let (expected, found) = (expected.unwrap(), found.unwrap());
            assert!(expected.contains("(serial …") && found.contains("(serial …"));
            assert!(!expected.starts_with(found), "{finding:#?}");
            let hint = finding.hint.as_deref().unwrap();
            assert!(hint.contains(&old(id).uuid), "{hint}");
        }
    }
    assert_eq!(site.picture(), picture);
    // With the others it is well.
    let rest = done(rotate::stage(&some(&site, &IDS[2..]), &site.world(NOW)).unwrap());
    assert_eq!(told(&rest.findings, Severity::Warn), []);
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
}

#[test]
fn extensions_that_get_a_new_certificate_before_their_app_are_not_promoted() {
    let site = with_a_new_certificate();
    done(rotate::stage(&some(&site, &IDS[1..]), &site.world(NOW)).unwrap());
    let document = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    let found = told(&document.findings, Severity::Block);
    assert_eq!(found.len(), 3, "{found:#?}");
    let hint = found[0].hint.as_deref().unwrap();
    assert!(hint.contains(&old(IDS[0]).uuid), "{hint}");
}

#[test]
fn half_of_a_product_with_the_same_certificate_is_promoted() {
    let site = Site::new();
    let request = StageRequest {
        successors: vec![site.path(format!("successors/{}", successor(IDS[0]).file_name()))],
        dry_run: false,
    };
    let staged = done(rotate::stage(&request, &site.world(NOW)).unwrap());
    assert_eq!(told(&staged.findings, Severity::Warn), []);
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
}

#[test]
fn a_difference_that_was_there_before_does_not_stop_a_promotion() {
    let site = with_a_new_certificate();
    done(rotate::stage(&some(&site, &IDS[..1]), &site.world(NOW)).unwrap());
    // Somebody pinned an extension by hand, and its app is the one that is left behind.
    let mut content = site.manifest().content().clone();
    let (new, certificate) = {
        let manifest = site.manifest();
        let (_, new) = manifest
            .profile(&renewed(IDS[0]).uuid.parse().unwrap())
            .unwrap();
        (new.uuid.clone(), new.certificates[0].sha256)
    };
    content.revision += 1;
    let old_uuid = old(IDS[0]).uuid;
    for target in &mut content.targets {
        if target.profile.as_str() == old_uuid {
            target.profile = new.clone();
            target.certificate = certificate;
        }
    }
    for profile in &mut content.profiles {
        profile.state = match profile.uuid.as_str() {
            uuid if uuid == old_uuid => countersign::context::manifest::ProfileState::Retiring,
            _ => countersign::context::manifest::ProfileState::Active,
        };
    }
    site.write("manifests/profiles.json", content.to_bytes());
    done(rotate::stage(&some(&site, &IDS[1..2]), &site.world(NOW)).unwrap());
    let promoted = done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(promoted.revisions.len(), 1);
}

#[test]
fn a_plan_tells_it_before_anything_is_staged() {
    let site = with_a_new_certificate();
    let plan = |successors, due: Option<i64>| {
        let request = PlanRequest {
            successors,
            due: due.map(|days| SignedDuration::from_hours(24 * days)),
            ..PlanRequest::default()
        };
        rotate::plan(&request, &site.world(NOW)).unwrap().findings
    };
    let half = some(&site, &IDS[..2]).successors;
    assert_eq!(told(&plan(half.clone(), None), Severity::Warn).len(), 2);
    assert_eq!(told(&plan(half, Some(1)), Severity::Block).len(), 2);
    let all = some(&site, &IDS).successors;
    assert_eq!(told(&plan(all, Some(1)), Severity::Block), []);
    fs::remove_dir_all(site.path("successors")).unwrap();
    assert_eq!(told(&plan(Vec::new(), Some(1)), Severity::Block), []);
}

#[test]
fn a_product_without_targets_is_one_by_the_bundle_ids_of_its_profiles() {
    let site = with_a_new_certificate();
    without_targets(&site);
    let request = PlanRequest {
        successors: some(&site, &IDS).successors,
        ..PlanRequest::default()
    };
    let plan = rotate::plan(&request, &site.world(NOW)).unwrap();
    assert_eq!(plan.order.len(), 1, "{:#?}", plan.order);
    assert_eq!(plan.order[0].product, IDS[0]);
    let last = plan.order[0].profiles.last().unwrap();
    assert_eq!(last.as_str(), old(IDS[0]).uuid, "extensions come first");
    // Half of it is not promoted.
    done(rotate::stage(&some(&site, &IDS[..2]), &site.world(NOW)).unwrap());
    let half = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&half.findings), ["embedded-certificate-differs"]);
    assert_eq!(told(&half.findings, Severity::Block).len(), 2);
    let rehearsed = rotate::rehearse(&RehearseRequest::default(), &site.world(NOW)).unwrap();
    assert!(blocking(&rehearsed.findings).contains(&"rotation-gate-misses"));
    // All of it is, in one revision.
    done(rotate::stage(&some(&site, &IDS[2..]), &site.world(NOW)).unwrap());
    let rehearsed = rotate::rehearse(&RehearseRequest::default(), &site.world(NOW)).unwrap();
    assert!(!blocking(&rehearsed.findings).contains(&"rotation-gate-misses"));
    let all = done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(all.revisions.len(), 1, "{:#?}", all.revisions);
    assert_eq!(all.revisions[0].product.as_deref(), Some(IDS[0]));
    done(rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap());
}

#[test]
fn of_profiles_with_several_certificates_nobody_knows_which_signs() {
    let both = |id: &str| {
        let hierarchy = Hierarchy::acme();
        let today = hierarchy.developer(&LeafSpec::new(LeafKind::AppleDistribution));
        let next = hierarchy.developer(&next_certificate());
        successor(id).certificates(&[today, next])
    };
    let site = Site::new();
    without_targets(&site);
    let new = both(IDS[0]);
    site.write(&format!("successors/{}", new.file_name()), new.mint());
    let request = StageRequest {
        successors: vec![site.path(format!("successors/{}", new.file_name()))],
        dry_run: false,
    };
    let staged = done(rotate::stage(&request, &site.world(NOW)).unwrap());
    assert_eq!(told(&staged.findings, Severity::Warn), []);
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
}

#[test]
fn a_wildcard_that_nothing_is_pinned_to_stays_alone() {
    let wildcard = |spec: fn(&str) -> ProfileSpec| spec("com.acme.*");
    let mut pairs: Vec<_> = IDS.iter().map(|id| (old(id), successor(id))).collect();
    pairs.push((wildcard(old), wildcard(successor)));
    let site = Site::of(&pairs);
    without_targets(&site);
    let request = PlanRequest {
        successors: vec![site.path("successors")],
        ..PlanRequest::default()
    };
    let plan = rotate::plan(&request, &site.world(NOW)).unwrap();
    let products: Vec<&str> = plan.order.iter().map(|it| it.product.as_str()).collect();
    assert_eq!(products, ["com.acme.*", IDS[0]]);
}
