//! Nothing grows faster than its input: counted in allocations, because a count is the same on every machine.
//!
//! Sizes grow by sixteen. A vector or a map that doubles its memory when it is full doubles it four times on that way, so
//! that what is linear grows by sixteen in count and in bytes, and not by ten or twenty as the sizes happen to fall. Loops
//! that allocate nothing are not seen here: `scripts/bench-growth` measures those in CPU time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::sync::Arc;

use countersign::context::gate::facts::{
    FileFacts, Identities, Identity, InstalledContent, InstalledFile, InstalledProfiles,
    Observation, Observed, ObservedArchive, ObservedClaims, ObservedTargets, PlannedFacts,
    TargetSelection,
};
use countersign::context::gate::{Asked, rehearse};
use countersign::context::manifest::Manifest;
use countersign::context::policy::Policy;

use allocations::{Allocations, count};

#[path = "growth/allocations.rs"]
mod allocations;
#[path = "growth/project.rs"]
mod project;

/// How much larger the large size is.
const FACTOR: u64 = 16;

/// Holds that what took `small` takes at most [`FACTOR`] times as much on the large size, and a twentieth for what does
/// not divide evenly.
fn assert_linear(what: &str, small: Allocations, large: Allocations) {
    for (unit, small, large) in [
        ("allocations", small.number, large.number),
        ("bytes", small.bytes, large.bytes),
    ] {
        let limit = small * FACTOR * 21 / 20 + 1_000;
        assert!(
            large <= limit,
            "{what}: {small} {unit} became {large}, more than {limit}"
        );
    }
}

#[test]
fn resolving_targets_is_linear() {
    let of = |targets: usize| {
        let text = project::project_text(targets);
        let (resolved, allocations) = count(|| project::resolved(&text));
        assert_eq!(resolved.rows.len(), 2 * targets);
        assert_eq!(resolved.findings, []);
        allocations
    };
    assert_linear("resolving", of(256), of(4_096));
}

#[test]
fn planning_is_linear() {
    let of = |targets: usize| {
        let text = project::project_text(targets);
        let bytes = project::manifest_bytes(targets, 1);
        let manifest = Manifest::parse(&bytes).unwrap();
        let (resolved, sources) = (project::resolved(&text), project::sources());
        let (plan, allocations) = count(|| project::planned(&resolved, &manifest, &sources));
        assert!(plan.rows.iter().all(|row| row.choice.is_some()));
        assert_eq!(plan.findings, []);
        allocations
    };
    assert_linear("planning", of(256), of(4_096));
}

#[test]
fn planning_where_every_target_is_wrong_is_linear() {
    let of = |targets: usize| {
        let text = project::project_text(targets).replace("= \"Profile ", "= \"Other ");
        let bytes = project::manifest_bytes(targets, 1);
        let manifest = Manifest::parse(&bytes).unwrap();
        let (resolved, sources) = (project::resolved(&text), project::sources());
        let (plan, allocations) = count(|| project::planned(&resolved, &manifest, &sources));
        assert_eq!(plan.findings.len(), plan.rows.len());
        allocations
    };
    assert_linear("planning", of(256), of(4_096));
}

#[test]
fn parsing_a_manifest_is_linear() {
    let of = |profiles: usize| {
        let bytes = project::manifest_bytes(profiles, 2);
        let (manifest, allocations) = count(|| Manifest::parse(&bytes).unwrap());
        assert_eq!(manifest.profiles().len(), profiles);
        let (is_frozen, comparing) = count(|| manifest.content().equals_bytes(&bytes));
        assert!(is_frozen);
        [allocations, comparing]
    };
    let ([small, small_comparing], [large, large_comparing]) = (of(128), of(2_048));
    assert_linear("parsing", small, large);
    assert_linear("comparing", small_comparing, large_comparing);
}

#[test]
fn a_gate_of_profiles_that_share_a_certificate_is_linear() {
    let of = |profiles: usize| {
        let manifest = Manifest::parse(&project::manifest_bytes(profiles, 1)).unwrap();
        let policy =
            Policy::parse("version = 1\n", std::path::Path::new("signing.toml"), None).unwrap();
        let facts = facts(&manifest, &project::project_text(profiles));
        let (rehearsal, allocations) =
            count(|| rehearse(&policy, &manifest, &facts, &Asked::default()));
        assert!(
            rehearsal.until().is_some(),
            "{:#?}",
            rehearsal.judgement().findings
        );
        allocations
    };
    assert_linear("the gate", of(256), of(4_096));
}

/// A world in which everything that `manifest` pins is where it should be.
fn facts(manifest: &Manifest, project: &str) -> PlannedFacts {
    let certificate = &manifest.profiles()[0].certificates[0];
    let files = manifest.profiles().iter().map(|profile| InstalledFile {
        path: format!("/profiles/{}", profile.filename).into(),
        content: InstalledContent::Read {
            sha256: profile.sha256,
            claims: ObservedClaims::Proven(FileFacts::new(profile.clone())),
        },
    });
    let resolved = project::resolved(project);
    PlannedFacts::new(Observed {
        now: "2026-02-01T12:00:00Z".parse().unwrap(),
        last_record: Observation::Observed(None),
        host: "signer-01.example.com".parse().unwrap(),
        evidence: support::evidence(),
        profiles: Observation::Observed(InstalledProfiles {
            directories: Vec::new(),
            files: files.collect(),
            trust_anchors: Vec::new(),
        }),
        identities: Observation::Observed(Identities {
            source: "a test".to_owned(),
            identities: vec![Identity {
                sha1: certificate.sha1,
                sha256: Some(certificate.sha256),
                label: certificate.common_name.clone(),
                problem: None,
                expires: Some(certificate.expires),
            }],
            compatible: None,
        }),
        targets: Observation::Observed(Arc::new(ObservedTargets {
            projects: vec!["Large.xcodeproj".to_owned()],
            targets: resolved.rows,
            findings: resolved.findings,
            selection: TargetSelection::default(),
            archive: ObservedArchive::default(),
            sources: Arc::new(project::sources()),
        })),
        products: Vec::new(),
    })
}
