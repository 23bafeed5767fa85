//! Profiles to measure with: as many distinct ones as asked for, mixed as a large team's directory is.
//!
//! Three quarters are iOS; half are for the store; those for development and ad hoc distribution name from 3 to 100
//! devices. Each lets one to three certificates of the team's 16 sign. They are made anew by the same label, so a
//! corpus is the same on every machine.

// A user takes what it needs and leaves the rest.
#![allow(dead_code, unreachable_pub)]

use std::io;
use std::path::Path;
use std::thread;

use forge::hierarchy::{Hierarchy, LeafSpec};
use forge::profile::{Family, Kind, ProfileSpec};

/// How many keys the team has; each serves every kind of certificate.
const KEYS: usize = 4;

/// The profile with this number.
pub fn spec(number: usize) -> ProfileSpec {
    let (family, kind, devices) = match number % 8 {
        0 => (Family::Ios, Kind::Development, 100),
        1 => (Family::Ios, Kind::Development, 10),
        2 => (Family::Ios, Kind::AdHoc, 50),
        3..=5 => (Family::Ios, Kind::AppStore, 0),
        6 => (Family::Mac, Kind::AppStore, 0),
        _ => (Family::Mac, Kind::DeveloperId, 0),
    };
    let bundle = format!("com.acme.product-{number}");
    let spec = match family {
        Family::Ios => ProfileSpec::ios(kind, &bundle),
        Family::Mac => ProfileSpec::mac(kind, &bundle),
    };
    let certificates: Vec<_> = (0..=number % 3)
        .map(|offset| {
            let label = format!("member {}", (number + offset) % KEYS);
            let leaf = LeafSpec::new(kind.certificate(family)).labelled(&label);
            Hierarchy::acme().developer(&leaf)
        })
        .collect();
    spec.certificates(&certificates)
        .devices(devices)
        .entitled("aps-environment", "production")
        .entitled("com.apple.developer.associated-domains", "*")
}

/// The roots of a corpus, PEM.
pub fn anchors_pem() -> String {
    Hierarchy::acme().anchors_pem()
}

/// Writes the profiles `0..count` into `directory`, on every core.
///
/// # Errors
/// The directory cannot be written.
pub fn mint(directory: &Path, count: usize) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let workers = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let minting: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    (worker..count).step_by(workers).try_for_each(|number| {
                        let spec = spec(number);
                        std::fs::write(directory.join(spec.file_name()), spec.mint())
                    })
                })
            })
            .collect();
        minting
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap())
    })
}
