//! What docs/performance.md promises and no clock can hold: how often a file is read and hashed, and how often the program
//! writes.
//!
//! Times depend on the machine, so benchmarks measure them. How much work is done does not: the kernel counts the calls of
//! `read` and `write` of a process, and builds with debug assertions count the bytes that go into a digest.

#![cfg(all(target_os = "linux", debug_assertions))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::signed_message::Verifier;
use countersign::base::digest::bytes_hashed;
use countersign::context::gate::facts::{InstalledContent, InstalledProfiles, ObservedClaims};
use countersign::context::manifest::Manifest;
use countersign::host::profile_store::{self, Pinned};
use countersign::host::proofs::Proofs;
use countersign::host::state_dir::StateDir;
use forge::hierarchy::Hierarchy;
use forge::profile::{Kind, ProfileSpec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use support::workshop::Workshop;

/// A workshop with so many profiles, frozen.
fn stocked(profiles: usize) -> Workshop {
    let workshop = Workshop::new();
    for number in 0..profiles {
        let bundle = format!("example.acme.app{number}");
        let spec = ProfileSpec::ios(Kind::AppStore, &bundle);
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
}

#[test]
fn a_blocked_gate_is_written_in_pages_and_not_in_lines() {
    let workshop = stocked(60);
    fs::remove_dir_all(workshop.path("profiles")).unwrap();
    fs::create_dir(workshop.path("profiles")).unwrap();
    // A pipe in packet mode keeps every write apart: what one read gives is what one write gave.
    let (reader, writer) = pipe_with(PipeFlags::DIRECT | PipeFlags::CLOEXEC).unwrap();
    let mut child = workshop
        .command(&["gate", "--without", "identities,targets"])
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = fs::File::from(reader);
    let mut packets = 0;
    let mut bytes = 0;
    let mut page = [0; 4_096];
    loop {
        match reader.read(&mut page).unwrap() {
            0 => break,
            count => {
                packets += 1;
                bytes += count;
            }
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(10));
    assert!(bytes > 20_000, "{bytes} bytes are no long report");
    let pages = bytes.div_ceil(4_096);
    assert!(
        packets <= 2 * pages + 2,
        "{packets} writes for {pages} pages"
    );
}

/// How often the gate calls `read` (proc(5), `syscr`) in a workshop.
fn reads_of_a_gate(workshop: &Workshop) -> u64 {
    let mut child = workshop
        .command(&["gate", "--without", "identities,targets"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    // What has ended keeps its counters until it is waited for.
    waitid(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    )
    .unwrap();
    let counters = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("syscr: "));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_gate_reads_each_profile_in_one_call_the_first_time_and_later() {
    let (few, many) = (stocked(20), stocked(60));
    // The first gate proves; the second one reads what was proven, in as many calls for few as for many.
    for time in ["first", "second"] {
        let (few, many) = (reads_of_a_gate(&few), reads_of_a_gate(&many));
        assert_eq!(
            many - few,
            40,
            "{time}: {few} calls for 20 profiles, {many} for 60"
        );
    }
}

#[test]
fn a_gate_hashes_each_profile_once_and_proves_it_once_as_long_as_it_is_remembered() {
    let workshop = stocked(20);
    let files: Vec<PathBuf> = workshop
        .list("profiles")
        .into_iter()
        .map(|name| workshop.path("profiles").join(name))
        .collect();
    let bytes: u64 = files
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    let manifest = Manifest::parse(&workshop.read("manifests/profiles.json")).unwrap();
    let state = StateDir::new(workshop.path("state")).unwrap();
    let anchors = Hierarchy::acme().anchors_pem();
    let anchors = Anchors::with_extra(certificates_from_pem(anchors.as_bytes()).unwrap());
    let look = |proofs: Option<&Proofs>| {
        let verifier = Verifier::new(anchors.clone());
        let pinned = Pinned {
            manifest: &manifest,
            verifier: &verifier,
            proofs,
        };
        let before = bytes_hashed();
        let files = profile_store::observe(files.clone(), Some(pinned));
        let hashed = bytes_hashed() - before;
        let remembered = files.iter().map(|file| match &file.content {
            InstalledContent::Read {
                claims: ObservedClaims::Proven(facts),
                ..
            } => facts.is_remembered(),
            content => panic!("{content:?}"),
        });
        let remembered = remembered.filter(|is_remembered| *is_remembered).count();
        let installed = InstalledProfiles {
            files,
            ..InstalledProfiles::default()
        };
        (installed, hashed, remembered)
    };
    // Beside the files only what they say, and their certificates, each once.
    let (installed, hashed, remembered) = look(None);
    let proving = bytes + 1..bytes * 3 / 2;
    assert!(proving.contains(&hashed), "{hashed} of {bytes}");
    assert_eq!(remembered, 0);

    let load = || Proofs::load(&state, &anchors);
    let nothing = load();
    assert_eq!(look(Some(&nothing)).2, 0);
    nothing.remember(&installed, &manifest).unwrap();
    let (_, hashed, remembered) = look(Some(&load()));
    assert_eq!(hashed, bytes, "a proof would hash a certificate");
    assert_eq!(remembered, 20);
}
