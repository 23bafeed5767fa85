//! What proving one profile costs, and what of it is the floor: the signatures, digests and parses that nobody can
//! leave out.

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
#[path = "support/floor.rs"]
mod floor;

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// A profile for the store, one for ten devices and one for a hundred.
const SHAPES: [(&str, usize); 3] = [
    ("app-store", 3),
    ("development-10", 1),
    ("development-100", 8),
];

fn verifier() -> Verifier {
    let anchors = certificates_from_pem(corpus::anchors_pem().as_bytes()).unwrap();
    Verifier::new(Anchors::with_extra(anchors))
}

fn prove(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("prove");
    for (name, number) in SHAPES {
        let file = corpus::spec(number).mint();
        group.throughput(Throughput::Bytes(file.len() as u64));
        // In a directory the chain is known after the first file.
        let known = verifier();
        profile::prove(&file, &known).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| profile::prove(&file, &known).unwrap());
        });
        group.bench_function(format!("{name}/first"), |bencher| {
            bencher.iter_batched(
                verifier,
                |fresh| profile::prove(&file, &fresh).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn floor_under_proving(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    for (name, number) in SHAPES {
        let mut floor = floor::Floor::default();
        floor.add(corpus::spec(number).mint());
        floor.forget_what_is_shared();
        for part in floor::PARTS {
            let part_name = format!("{part:?}").to_lowercase();
            group.bench_function(format!("{name}/{part_name}"), |bencher| {
                bencher.iter(|| floor.run(part));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, prove, floor_under_proving);
criterion_main!(benches);
