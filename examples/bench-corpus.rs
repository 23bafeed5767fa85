//! What `scripts/bench` needs besides the product: profiles to measure with, and the floor under proving them.
//!
//! ```text
//! bench-corpus mint DIRECTORY COUNT    writes COUNT distinct profiles, and beside them anchors.pem and signing.toml
//! bench-corpus floor DIRECTORY RUNS    prints the CPU time of the floor, the median of RUNS, in milliseconds
//! bench-corpus product DIRECTORY MB HASHES
//!                                      writes an app of MB megabytes, signed under these hash types (`sha1,sha256`), and beside it
//!                                      anchors.pem and signing.toml
//! ```

// A tool of the measurements: where a test would panic, so does it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../benches/support/corpus.rs"]
mod corpus;
#[path = "../benches/support/floor.rs"]
mod floor;

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

use countersign::host::profile_store;
use forge::bundle::write_large;
use forge::code_directory::HashType;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["mint", directory, count] => mint(Path::new(directory), count.parse().expect("a number")),
        ["floor", directory, runs] => floor(Path::new(directory), runs.parse().expect("a number")),
        ["product", directory, megabytes, kinds] => {
            let kinds: Vec<HashType> = kinds.split(',').map(hash_type).collect();
            product(
                Path::new(directory),
                megabytes.parse().expect("a number"),
                &kinds,
            );
        }
        _ => {
            eprintln!(
                "usage: bench-corpus mint DIRECTORY COUNT | floor DIRECTORY RUNS | product DIRECTORY MB HASHES"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn mint(directory: &Path, count: usize) {
    corpus::mint(directory, count).expect("the directory can be written");
    trust(directory);
}

/// A policy that believes the corpus' roots.
fn trust(directory: &Path) {
    std::fs::write(directory.join("anchors.pem"), corpus::anchors_pem()).unwrap();
    std::fs::write(
        directory.join("signing.toml"),
        "version = 1\n\n[profiles]\ntrust_anchors = [\"anchors.pem\"]\n",
    )
    .unwrap();
}

fn hash_type(name: &str) -> HashType {
    match name {
        "sha1" => HashType::Sha1,
        "sha256" => HashType::Sha256,
        "sha384" => HashType::Sha384,
        other => panic!("no such hash type: {other}"),
    }
}

/// A deep bundle, signed under these hash types, nine tenths of it resources.
fn product(directory: &Path, megabytes: u64, kinds: &[HashType]) {
    std::fs::create_dir_all(directory).unwrap();
    let signer = SigningIdentity::acme(LeafKind::DeveloperIdApplication);
    write_large(directory, &signer, megabytes * 1_000_000, kinds)
        .expect("the directory can be written");
    trust(directory);
}

fn floor(directory: &Path, runs: usize) {
    let mut floor = floor::Floor::default();
    for path in profile_store::list(directory).expect("a directory") {
        floor.add(std::fs::read(path).unwrap());
    }
    let mut total = 0.0;
    for part in floor::PARTS {
        let mut times: Vec<f64> = (0..runs)
            .map(|_| {
                let start = cpu_milliseconds();
                black_box(floor.run(part));
                cpu_milliseconds() - start
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!("{} {median:.2}", format!("{part:?}").to_lowercase());
        total += median;
    }
    println!("total {total:.2}");
}

/// User and system time of this process.
fn cpu_milliseconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
