//! A cache of proofs that somebody else writes.
//!
//! Whoever is this user, a job of an earlier hour for example, can write the cache: with it a file counts as proven that nobody
//! signed. What that gets them is the verdict of a plain gate. It says that it did not prove, and it opens nothing and is
//! handed on to nobody.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use countersign::base::digest::sha256;
use countersign::base::ids::FileSha256;
use countersign::context::manifest::{FactsDigest, Manifest};
use forge::hierarchy::Hierarchy;
use rustix::process::geteuid;
use serde_json::Value as Json;
use support::workshop::{Ran, fifo};

use crate::signer::{Signer, codes};

/// A profile that the bundled manifest pins.
const PINNED: &str = "profiles/fb9bc804-ec8d-49a3-88b8-d88b55a879e5.mobileprovision";
const KNOWN: &str = "state/proofs/known";
const LOCK: &str = "state/proofs/lock";

impl Signer {
    /// Whether a plain gate, which clears, relied on what an earlier one proved.
    #[track_caller]
    fn remembers(&self) -> bool {
        let document = self.gate(&["--format", "json"]).exits(0).json();
        document["proofs_remembered"].as_bool().unwrap()
    }

    /// The cache: its first line with the digests of manifests behind it, and the two digests of each file.
    fn cache(&self) -> (Vec<u8>, Vec<[u8; 64]>) {
        let mut heading = fs::read(self.path(KNOWN)).unwrap();
        let end = heading.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let proofs = heading.split_off(end + 8 * 32);
        (heading, proofs.as_chunks().0.to_vec())
    }

    /// Writes the cache as it should be written after these proofs were compared with the manifest that lies here.
    fn write_cache(&self, heading: &[u8], mut proofs: Vec<[u8; 64]>) {
        proofs.sort_unstable();
        let manifest = fs::read(self.path("manifests/profiles.json")).unwrap();
        let mut heading = heading.to_vec();
        let manifests = heading.len() - 8 * 32;
        heading[manifests..].fill(0);
        heading[manifests..manifests + 32].copy_from_slice(&sha256(&manifest));
        fs::write(self.path(KNOWN), [&heading, proofs.as_flattened()].concat()).unwrap();
    }

    /// Changes an installed profile behind its signature, pins it as it is then, and writes into the cache that it is proven.
    fn with_a_lie(&self) {
        let path = self.path(PINNED);
        let mut file = fs::read(&path).unwrap();
        let before = FileSha256::of(&file);
        // Somewhere in the signature of the outer layer, with which a file ends.
        let end = file.len();
        file[end - 100] ^= 1;
        fs::write(&path, &file).unwrap();
        let lied = FileSha256::of(&file);
        let manifest = self.path("manifests/profiles.json");
        let text = fs::read_to_string(&manifest).unwrap();
        let text = text.replace(&before.to_string(), &lied.to_string());
        fs::write(&manifest, &text).unwrap();
        let document = self.gate(&["--format", "json"]).exits(10).json();
        assert!(codes(&document).contains(&"profile-signature-invalid"));

        let facts = facts_of(&text, lied);
        let (heading, mut proofs) = self.cache();
        let known = proofs.iter().any(|proof| proof[..32] == *lied.as_bytes());
        assert!(!known, "what is not proven is not remembered");
        proofs.push(proof(lied, facts));
        self.write_cache(&heading, proofs);
    }
}

/// What a manifest says of the file with these bytes.
fn facts_of(manifest: &str, file: FileSha256) -> FactsDigest {
    let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
    let mut profiles = manifest.profiles().iter();
    let index = profiles.position(|profile| profile.sha256 == file);
    manifest.facts(index.unwrap()).unwrap()
}

fn proof(file: FileSha256, facts: FactsDigest) -> [u8; 64] {
    let mut proof = [0; 64];
    proof[..32].copy_from_slice(file.as_bytes());
    proof[32..].copy_from_slice(facts.as_bytes());
    proof
}

/// Blocked, because the profile is not proven.
#[track_caller]
fn is_found_out(ran: Ran) -> Json {
    let document = ran.exits(10).json();
    assert!(
        codes(&document).contains(&"profile-signature-invalid"),
        "{document:#}"
    );
    document
}

#[test]
fn a_lie_is_believed_by_a_plain_gate_alone_which_says_that_it_did_not_prove() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    assert!(signer.remembers());
    signer.with_a_lie();
    assert!(
        signer.remembers(),
        "the lie is as an honest gate would write it"
    );
    signer
        .gate(&[])
        .exits(0)
        .says(&["proofs of an earlier gate"]);
    let record = signer.records("gate").pop().unwrap();
    assert_eq!(record["details"]["proofs"], "remembered");

    for more in [
        &["--prove"][..],
        &["--envelope", "envelope.json"],
        &["--prove", "--envelope", "envelope.json"],
        &["--host", "signer-01.acme.example"],
        &["--at", "2026-07-06T14:15:00Z"],
    ] {
        let ran = signer.gate(&[&["--format", "json"], more].concat());
        let document = is_found_out(ran);
        assert_eq!(document["proofs_remembered"], false, "{more:?}");
        assert!(!signer.path("envelope.json").exists());
    }
    let plan = [
        "targets",
        "export",
        "--project",
        "Acme.xcodeproj",
        "--as",
        "json",
    ];
    let exported = signer.call(&[&plan[..], &["--configuration", "Release"]].concat());
    assert_eq!(exported.exits(10).out, "");
}

#[test]
fn a_lie_opens_no_keychain() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    signer.with_a_lie();
    assert!(signer.remembers());
    let mut run = signer.run_with(&[]);
    let ran = support::workshop::ran(run.args(["touch", "ran"]));
    ran.exits(10).says(&["profile-signature-invalid"]);
    assert!(!signer.path("ran").exists());
    let unlock = ["keychain", "unlock", "--project", "Acme.xcodeproj"];
    let ran = signer.call(&unlock).exits(10);
    ran.says(&["profile-signature-invalid"]);
    signer.was_never_opened();
    assert!(signer.remembers(), "the lie stood there all the time");
}

#[test]
fn a_run_leaves_no_proofs_for_later_gates_and_relies_on_none() {
    let signer = Signer::new();
    let run = || {
        let mut run = signer.run_with(&[]);
        support::workshop::ran(run.arg("true")).exits(0);
        let verdict = signer.records("gate").pop().unwrap();
        assert_eq!(verdict["details"]["proofs"], Json::Null);
    };
    run();
    assert!(!signer.remembers());
    assert!(signer.remembers());
    run();
}

#[test]
fn what_another_build_or_another_set_of_roots_proved_is_proven_again() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    let (heading, proofs) = signer.cache();
    let mut other = heading.clone();
    let digit = other.iter().position(|byte| *byte == b'\n').unwrap() - 1;
    other[digit] = if other[digit] == b'0' { b'1' } else { b'0' };
    signer.write_cache(&other, proofs);
    assert!(!signer.remembers());
    assert_eq!(
        signer.cache().0,
        heading,
        "and the cache is this build's now"
    );
    // One more root, which signed none of the files.
    let anchors = fs::read_to_string(signer.path("anchors.pem")).unwrap();
    let root = Hierarchy::rival().anchors_pem();
    signer.write("anchors.pem", &format!("{anchors}{root}"));
    assert!(!signer.remembers());
    assert_ne!(signer.cache().0, heading);
}

#[test]
fn a_proof_is_of_one_file_and_of_what_it_says() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    let (heading, proofs) = signer.cache();
    // The facts of each file stand beside the digest of another one.
    let mut files: Vec<[u8; 64]> = proofs.clone();
    files.rotate_left(1);
    let crossed = proofs.iter().zip(&files).map(|(one, other)| {
        let mut crossed = *one;
        crossed[32..].copy_from_slice(&other[32..]);
        crossed
    });
    let crossed: Vec<[u8; 64]> = crossed.collect();
    let compared_with_none = [&heading[..heading.len() - 8 * 32], &[0; 8 * 32]].concat();
    let cache = [&compared_with_none, crossed.as_flattened()].concat();
    fs::write(signer.path(KNOWN), cache).unwrap();
    assert!(!signer.remembers());
    assert_eq!(signer.cache(), (heading, proofs), "each was proven again");
}

/// Puts something where the cache, or its lock, should be.
type Plant = fn(&Path);

#[test]
fn what_is_no_file_of_ours_alone_is_no_cache_and_nobody_waits_for_it() {
    let plants: [Plant; 6] = [
        |path| fifo(path),
        |path| fs::create_dir(path).unwrap(),
        |path| {
            let elsewhere = path.with_extension("elsewhere");
            fs::copy(path.with_extension("copy"), &elsewhere).unwrap();
            symlink(elsewhere, path).unwrap();
        },
        |path| {
            fs::copy(path.with_extension("copy"), path).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o660)).unwrap();
        },
        // A hole of a terabyte.
        |path| {
            let file = File::create(path).unwrap();
            file.set_permissions(Permissions::from_mode(0o600)).unwrap();
            file.set_len(1 << 40).unwrap();
        },
        |path| {
            fs::copy(path.with_extension("copy"), path).unwrap();
            if geteuid().is_root() {
                chown(path, Some(65534), None).unwrap();
            } else {
                eprintln!("only root may give a file to another user");
                fs::remove_file(path).unwrap();
            }
        },
    ];
    for place in [KNOWN, LOCK] {
        for (number, plant) in plants.iter().enumerate() {
            let signer = Signer::new();
            assert!(!signer.remembers());
            let path = signer.path(place);
            fs::rename(&path, path.with_extension("copy")).unwrap();
            plant(&path);
            // The lock is not asked for where nothing is new.
            assert_eq!(signer.remembers(), place == LOCK, "{place}, {number}");
            fs::remove_file(signer.path(KNOWN)).ok();
            assert!(!signer.remembers(), "{place}, {number}");
        }
    }
}

#[test]
fn who_holds_the_lock_of_the_cache_delays_no_gate() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    let held = File::open(signer.path(LOCK)).unwrap();
    held.lock().unwrap();
    fs::remove_file(signer.path(KNOWN)).unwrap();
    assert!(!signer.remembers());
    assert!(
        !signer.path(KNOWN).exists(),
        "nothing is remembered meanwhile"
    );
    drop(held);
    assert!(!signer.remembers());
    assert!(signer.remembers());
}

#[test]
fn what_a_killed_gate_left_half_written_is_no_cache_and_is_removed() {
    let signer = Signer::new();
    assert!(!signer.remembers());
    let whole = fs::read(signer.path(KNOWN)).unwrap();
    let half = signer.path("state/proofs/.countersign-known-x1y2z3");
    fs::write(&half, &whole[..whole.len() - 32]).unwrap();
    assert!(signer.remembers());
    fs::rename(&half, signer.path(KNOWN)).unwrap();
    fs::set_permissions(signer.path(KNOWN), Permissions::from_mode(0o600)).unwrap();
    fs::write(&half, b"").unwrap();
    assert!(!signer.remembers());
    assert!(!half.exists());
    assert_eq!(fs::read(signer.path(KNOWN)).unwrap(), whole);
}

#[test]
fn gates_that_run_at_once_leave_one_whole_cache() {
    let signer = Signer::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| signer.gate(&[]).exits(0));
        }
    });
    assert!(signer.remembers());
    let left: Vec<_> = fs::read_dir(signer.path("state/proofs")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
