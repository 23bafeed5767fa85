//! Certificates.

use countersign::base::finding::{Code, Severity};
use countersign::base::ids::CertSha256;
use countersign::context::manifest::ProfileState;
use forge::hierarchy::Hierarchy;
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

#[test]
fn certificate_issuer_missing_names_the_issuer_to_install() {
    let mut scene = Scene::new();
    scene.identities().identities[0].problem = Some("CSSMERR_TP_NOT_TRUSTED".to_owned());
    let verdict = scene.judge();
    let finding = verdict
        .findings
        .iter()
        .find(|finding| finding.code == Code::CertificateIssuerMissing)
        .unwrap();
    assert_eq!(finding.severity, Severity::Block);
    assert!(
        finding.hint.as_deref().unwrap().contains("G3"),
        "{finding:?}"
    );
}
