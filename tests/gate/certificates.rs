//! Certificates.

use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::ids::CertSha256;
use countersign::context::gate::certificates::by_sha1_as_pinned;
use countersign::context::manifest::ProfileState;
use forge::hierarchy::Hierarchy;
use jiff::{SignedDuration, Timestamp};
use support::{blocking, rocket};

use crate::scene::{Scene, distribution, identity};

#[test]
fn certificate_not_in_profile_names_the_target() {
    let mut scene = Scene::new();
    scene.target(CertSha256::of(b"another certificate"));
    let finding = scene.blocked_by(Code::CertificateNotInProfile);
    assert_eq!(finding.place.target.as_deref(), Some("Rocket"));
    assert_eq!(
        finding.place.pointer.as_deref(),
        Some("/targets/0/certificate")
    );
}

#[test]
fn certificate_expired_and_expires_soon_follow_the_margins() {
    let ending = |expires: &str| {
        let leaf = distribution().valid("2026-01-01T00:00:00Z", expires);
        let spec = rocket().certificates(&[Hierarchy::acme().developer(&leaf)]);
        let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
        scene.identities().identities = vec![identity(&leaf)];
        scene
    };
    ending("2026-07-01T00:00:00Z").blocked_by(Code::CertificateExpired);
    ending("2026-07-10T00:00:00Z").blocked_by(Code::CertificateExpiresSoon);
    ending("2026-07-20T00:00:00Z").cleared_with(Code::CertificateExpiresSoon, Severity::Warn);
}

#[test]
fn an_expired_certificate_beside_a_lasting_one_does_not_matter_until_a_target_is_pinned_to_it() {
    let old = distribution()
        .labelled("old")
        .valid("2025-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let acme = Hierarchy::acme();
    let minted = [acme.developer(&distribution()), acme.developer(&old)];
    let mut scene = Scene::pinning(&[(rocket().certificates(&minted), ProfileState::Active)]);
    assert_eq!(scene.judge().findings, []);
    scene.target(CertSha256::of(&minted[1].der));
    let verdict = scene.judge();
    assert!(
        blocking(&verdict.findings).contains(&"certificate-expired"),
        "{:#?}",
        verdict.findings
    );
}

/// The words of `find-identity` for a chain that ends early, and others that are not about the chain.
#[test]
fn certificate_issuer_missing_names_the_issuer_to_install() {
    let told = |scene: &Scene| {
        let findings = scene.judge().findings;
        let is_it = |finding: &&Finding| finding.code == Code::CertificateIssuerMissing;
        findings.iter().find(is_it).cloned()
    };
    for problem in [
        "CSSMERR_TP_NOT_TRUSTED",
        "not among the valid identities: not valid",
        "incomplete chain",
    ] {
        let mut scene = Scene::new();
        scene.identities().identities[0].problem = Some(problem.to_owned());
        let finding = told(&scene).unwrap();
        assert_eq!(finding.severity, Severity::Block);
        assert!(finding.hint.unwrap().contains("G3"));
        assert_eq!(finding.found.as_deref(), Some(problem));
        // A certificate that ended is reported as such, and its chain is not to blame.
        scene.facts.now = leaf_end();
        assert!(told(&scene).is_none());
        scene.facts.now = leaf_end() - SignedDuration::from_secs(1);
        assert!(told(&scene).is_some());
    }
    let mut scene = Scene::new();
    scene.identities().identities[0].problem = Some("CSSMERR_TP_CERT_REVOKED".to_owned());
    assert!(told(&scene).is_none());
}

/// The end of the certificate that every scene is signed with.
fn leaf_end() -> Timestamp {
    let scene = Scene::new();
    scene.manifest().profiles()[0].certificates[0].expires
}

#[test]
fn a_certificate_that_no_profile_in_use_relies_on_may_expire() {
    let old = distribution().valid("2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let replaced = rocket().certificates(&[Hierarchy::acme().developer(&old)]);
    let mut scene = Scene::with_retiring(replaced);
    assert!(!blocking(&scene.judge().findings).contains(&"certificate-expired"));
    scene.pinned[1].1 = ProfileState::Active;
    assert!(blocking(&scene.judge().findings).contains(&"certificate-expired"));
}

#[test]
fn a_certificate_near_its_end_names_who_relies_on_it() {
    let leaf = distribution().valid("2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let minted = [Hierarchy::acme().developer(&leaf)];
    let uuids = [
        "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c22",
        "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c23",
        "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c24",
    ];
    let specs = uuids.map(|uuid| {
        let mut spec = rocket().certificates(&minted);
        spec.uuid = uuid.to_owned();
        (spec, ProfileState::Active)
    });
    for (count, said) in [
        (1, "relies on it"),
        (2, "and 1 more rely"),
        (3, "and 2 more rely"),
    ] {
        let scene = Scene::pinning(&specs[..count]);
        let findings = scene.judge().findings;
        let told: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.code == Code::CertificateExpired)
            .collect();
        let [finding] = told.as_slice() else {
            panic!("{findings:#?}");
        };
        assert!(finding.message.contains(said), "{}", finding.message);
    }
}

#[test]
fn certificates_are_found_by_the_digest_that_find_identity_prints() {
    let manifest = Scene::new().manifest();
    let found = by_sha1_as_pinned(&manifest);
    let certificate = identity(&distribution());
    assert_eq!(Some(found[&certificate.sha1].sha256), certificate.sha256);
    assert_eq!(found.len(), 1);
}
