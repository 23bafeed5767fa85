//! What the gate does on files that are pinned: reading a manifest, hashing what is installed, judging; and what
//! freezing writes.

// Where a test would panic, so does a measurement.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "support/corpus.rs"]
mod corpus;

use std::path::{Path, PathBuf};

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;
use countersign::base::clock::FixedClock;
use countersign::base::finding::Group;
use countersign::base::ids::FileSha256;
use countersign::context::gate::{self, Asked};
use countersign::context::manifest::freeze::{freeze, ordered};
use countersign::context::manifest::{Content, Manifest, PinnedProfile, ProfileState};
use countersign::context::policy::Policy;
use countersign::host::observation::{
    ObservationError, ProfilePlace, ProfilePlaces, Request, observe,
};
use countersign::host::profile_store;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const COUNTS: [usize; 2] = [20, 1_000];

fn verifier() -> Verifier {
    let anchors = certificates_from_pem(corpus::anchors_pem().as_bytes()).unwrap();
    Verifier::new(Anchors::with_extra(anchors))
}

fn content(files: &[PathBuf]) -> Content {
    let verifier = verifier();
    let pinned = files.iter().map(|path| {
        let profile = profile::prove(&std::fs::read(path).unwrap(), &verifier).unwrap();
        PinnedProfile::of(&profile, ProfileState::Active)
    });
    freeze(ordered(pinned).unwrap(), None, Vec::new(), None)
}

/// A directory of profiles and the manifest that pins them.
fn pinned(count: usize) -> (tempfile::TempDir, Vec<PathBuf>, Content) {
    let directory = tempfile::tempdir().unwrap();
    corpus::mint(directory.path(), count).unwrap();
    let files = profile_store::list(directory.path()).unwrap();
    let content = content(&files);
    (directory, files, content)
}

fn observe_and_judge(directory: &Path, manifest: &Manifest, policy: &Policy) -> gate::Verdict {
    let request: Request<'_, ObservationError> = Request {
        manifest: Some(manifest),
        profiles: Some(ProfilePlaces {
            directories: &[ProfilePlace {
                path: directory.to_owned(),
                must_exist: true,
            }],
            temporary: &[],
            checkouts: &[],
            with_access: false,
            verifier: &verifier(),
            proofs: None,
        }),
        ..Request::default()
    };
    let now = FixedClock("2027-01-01T12:00:00Z".parse().unwrap());
    let facts = observe(&request, &now).unwrap();
    let asked = Asked {
        waived: [Group::Identities, Group::Targets].into(),
        ..Asked::default()
    };
    gate::judge(policy, manifest, &facts, &asked)
}

fn gate(criterion: &mut Criterion) {
    let policy = Policy::parse("version = 1\n", Path::new("signing.toml"), None).unwrap();
    for count in COUNTS {
        let (directory, files, content) = pinned(count);
        let bytes = content.to_bytes();
        let manifest = Manifest::parse(&bytes).unwrap();
        let verdict = observe_and_judge(directory.path(), &manifest, &policy);
        assert!(
            verdict.cleared().is_some(),
            "{:?}",
            verdict.judgement().findings
        );

        criterion.bench_with_input(BenchmarkId::new("gate", count), &count, |bencher, _| {
            bencher.iter(|| observe_and_judge(directory.path(), &manifest, &policy));
        });
        criterion.bench_with_input(
            BenchmarkId::new("files-sha256", count),
            &count,
            |bencher, _| {
                bencher.iter(|| {
                    files
                        .iter()
                        .map(|path| FileSha256::of(&std::fs::read(path).unwrap()))
                        .collect::<Vec<_>>()
                });
            },
        );
        let mut group = criterion.benchmark_group("manifest");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("parse", count),
            &bytes,
            |bencher, bytes| {
                bencher.iter(|| Manifest::parse(bytes).unwrap());
            },
        );
        group.bench_with_input(
            BenchmarkId::new("freeze", count),
            &content,
            |bencher, content| {
                bencher.iter(|| {
                    let profiles = ordered(content.profiles.iter().cloned()).unwrap();
                    freeze(profiles, None, Vec::new(), None).to_bytes()
                });
            },
        );
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = gate
}
criterion_main!(benches);
