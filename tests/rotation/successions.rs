//! Which profile replaces which, and what is not right about that.

use countersign::base::finding::{Code, Finding, Severity};
use countersign::context::manifest::{PinnedProfile, ProfileState};
use countersign::context::rotation::succession::{self, Successions};
use forge::hierarchy::Hierarchy;
use forge::profile::{Kind, ProfileSpec};
use support::proven;

use crate::site::{IDS, NOW, Site, next_certificate, old, successor};

fn found(specs: &[ProfileSpec]) -> Successions {
    let candidates: Vec<PinnedProfile> = specs
        .iter()
        .map(|spec| PinnedProfile::of(&proven(spec), ProfileState::Incoming))
        .collect();
    succession::find(&Site::new().manifest(), &candidates, NOW.parse().unwrap())
}

#[track_caller]
fn only(found: &Successions, code: Code, severity: Severity) -> Finding {
    assert_eq!(found.findings.len(), 1, "{:#?}", found.findings);
    assert_eq!(found.findings[0].code, code);
    assert_eq!(found.findings[0].severity, severity);
    let finding = found.findings[0].clone();
    assert!(
        finding.expected.is_some() && finding.found.is_some(),
        "both sides are named"
    );
    assert!(finding.hint.is_some());
    finding
}

#[test]
fn a_newer_profile_of_the_same_app_replaces_the_old_one() {
    let found = found(&[successor(IDS[0]), successor(IDS[1])]);
    assert!(found.findings.is_empty(), "{:#?}", found.findings);
    let pairs: Vec<(&str, &str)> = found
        .pairs
        .iter()
        .map(|pair| (pair.old.uuid.as_str(), pair.new.uuid.as_str()))
        .collect();
    for id in &IDS[..2] {
        assert!(pairs.contains(&(&old(id).uuid, &successor(id).uuid)));
    }
    assert_eq!(found.without.len(), 2);
}

#[test]
fn an_older_profile_another_kind_and_the_old_one_itself_replace_nothing() {
    let older = old(IDS[0])
        .named("older")
        .valid("2025-01-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let of_kind =
        ProfileSpec::ios(Kind::AdHoc, IDS[0]).valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let mac = ProfileSpec::mac(Kind::AppStore, IDS[0])
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let found = found(&[older, of_kind, mac, old(IDS[0])]);
    assert!(found.findings.is_empty() && found.pairs.is_empty());
    assert_eq!(found.without.len(), IDS.len());
}

#[test]
fn copies_of_one_successor_are_one() {
    let found = found(&[successor(IDS[0]), successor(IDS[0])]);
    assert_eq!(found.pairs.len(), 1);
}

#[test]
fn of_two_successors_somebody_must_say_which() {
    let other = successor(IDS[0]).named("the other one");
    let found = found(&[successor(IDS[0]), other]);
    assert!(found.pairs.is_empty());
    only(&found, Code::SuccessorAmbiguous, Severity::Block);
}

#[test]
fn a_successor_of_another_team_is_none() {
    let foreign = successor(IDS[0]).team("RIVAL12345", "RIVAL12345");
    let found = found(&[foreign]);
    assert!(found.pairs.is_empty());
    let finding = only(&found, Code::SuccessorTeamMismatch, Severity::Block);
    assert!(finding.found.unwrap().contains("RIVAL12345"));
}

#[test]
fn a_successor_lives_longer() {
    let short = successor(IDS[0]).valid("2026-06-01T10:00:00Z", "2045-01-01T00:00:00Z");
    only(
        &found(&[short]),
        Code::SuccessorExpiresEarlier,
        Severity::Block,
    );
}

#[test]
fn a_successor_grants_what_the_old_profile_grants() {
    let mut poor = successor(IDS[0]);
    poor.entitlements.remove("aps-environment");
    let found = found(&[poor]);
    let finding = only(&found, Code::SuccessorLacksEntitlement, Severity::Block);
    assert!(finding.message.contains("aps-environment"));
}

#[test]
fn a_successor_embeds_a_certificate_that_signs() {
    let without = successor(IDS[0]).certificates(&[]);
    only(
        &found(&[without]),
        Code::SuccessorLacksCertificate,
        Severity::Block,
    );
    let renewed = Hierarchy::acme().developer(&next_certificate());
    let found = found(&[successor(IDS[0]).certificates(&[renewed])]);
    assert!(found.findings.is_empty(), "{:#?}", found.findings);
    let pair = &found.pairs[0];
    assert_eq!(pair.certificates_that_come().len(), 1);
    assert_eq!(pair.certificates_that_go().len(), 1);
    let signs = pair.old.certificates[0].sha256;
    let next = pair.certificate_for(&signs, NOW.parse().unwrap()).unwrap();
    assert_eq!(next.sha256, pair.new.certificates[0].sha256);
}

#[test]
fn a_successor_with_fewer_devices_is_told() {
    // The manifest counts devices; a successor of a profile without any cannot have fewer.
    let old = PinnedProfile::of(
        &proven(&ProfileSpec::ios(Kind::AdHoc, "com.acme.beta").devices(5)),
        ProfileState::Active,
    );
    let new = ProfileSpec::ios(Kind::AdHoc, "com.acme.beta")
        .named("beta 2047")
        .devices(3)
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let new = PinnedProfile::of(&proven(&new), ProfileState::Incoming);
    let content = countersign::context::manifest::freeze::freeze(vec![old], None, Vec::new(), None);
    let manifest = countersign::context::manifest::Manifest::parse(&content.to_bytes()).unwrap();
    let found = succession::find(&manifest, &[new], NOW.parse().unwrap());
    assert_eq!(found.pairs.len(), 1, "it may be meant");
    only(&found, Code::SuccessorLacksDevices, Severity::Warn);
}
