//! The cache of proofs: what files said that were proven before.
//!
//! To prove a file takes ten times as long as to hash it. So a gate remembers of each file that it proved the SHA-256 of its
//! bytes and the digest of what it says. When a later gate finds the same bytes, it compares that digest with the digest
//! of what the manifest's entry says. Equal digests are equal facts in every field, so the entry is what the file says.
//! If they differ, or if the file is not known, it is proven afresh. So the cache saves time and decides nothing.
//!
//! Nothing in it depends on the time. Both signatures of a profile are verified at the time when they were made, which the
//! file says; and when a profile or a certificate expires is one of the facts, which each gate judges anew.
//!
//! The file holds the proofs of one build of this program and of one set of roots. Another build, or other roots, begin
//! again. A file that is missing, damaged, a link, somebody else's or open to others is no cache. Damage cannot make a proof:
//! only both digests of one file together do.
//!
//! Whoever can write the file can say that a file is proven which is not. That is this user, and root. So only a gate
//! uses it whose verdict opens nothing and is handed on to nobody.

use std::time::Duration;

use super::owned_files::{self, Lock, OwnedFileError};
use super::state_dir::StateDir;
use crate::apple::anchors::Anchors;
use crate::base::digest::{Digest, hex, sha256};
use crate::base::ids::FileSha256;
use crate::context::gate::facts::{InstalledContent, InstalledProfiles, ObservedClaims};
use crate::context::manifest::FactsDigest;

/// How many proofs are remembered: more profiles than anybody installs.
const MAX_PROOFS: usize = 65_536;

/// The digest of a file, and the digest of what it says.
type Proof = [u8; 64];

/// What is known from earlier gates.
#[derive(Debug)]
pub struct Proofs {
    state: StateDir,
    /// The first line of the file: whose proofs these are.
    heading: String,
    known: Known,
}

/// The file as it was found, if it can be used; else empty.
#[derive(Debug, Default)]
struct Known {
    bytes: Vec<u8>,
    heading: usize,
}

impl Known {
    fn load(state: &StateDir, heading: &str) -> Self {
        let path = state.known_proofs();
        let bytes = owned_files::read(&path, heading.len() + MAX_PROOFS * size_of::<Proof>());
        let bytes = bytes.unwrap_or_default();
        let is_usable = |proofs: &[u8]| proofs.len().is_multiple_of(size_of::<Proof>());
        match bytes
            .strip_prefix(heading.as_bytes())
            .is_some_and(is_usable)
        {
            true => Self {
                bytes,
                heading: heading.len(),
            },
            false => Self::default(),
        }
    }

    /// In the order of the files' digests. In any other order some are not found, and are proven again.
    fn proofs(&self) -> &[Proof] {
        let (proofs, _) = self
            .bytes
            .get(self.heading..)
            .unwrap_or_default()
            .as_chunks();
        proofs
    }

    fn facts(&self, sha256: &FileSha256) -> Option<FactsDigest> {
        let proofs = self.proofs();
        let place = proofs.binary_search_by(|proof| file_of(proof).cmp(sha256.as_bytes()));
        let (_, facts) = proofs.get(place.ok()?)?.split_first_chunk::<32>()?;
        Some(FactsDigest::from_bytes(facts.try_into().ok()?))
    }
}

/// The digest of the file that a proof is about.
fn file_of(proof: &Proof) -> &[u8] {
    proof.split_at(32).0
}

impl Proofs {
    /// The proofs that this build remembers in the state directory of profiles that were proven to these roots: none, if the
    /// cache cannot be used.
    pub fn load(state: &StateDir, anchors: &Anchors) -> Self {
        let heading = heading(anchors);
        Self {
            known: Known::load(state, &heading),
            state: state.clone(),
            heading,
        }
    }

    /// The digest of what a file with these bytes says, if it was proven before.
    pub fn facts(&self, sha256: &FileSha256) -> Option<FactsDigest> {
        self.known.facts(sha256)
    }

    /// Remembers the profiles that were found proven, if there are new ones among them. Where there is no room for all, those
    /// of earlier gates are forgotten. While another gate does the same nothing is remembered: the next gate proves again.
    ///
    /// # Errors
    /// The cache cannot be written; it is as it was.
    pub fn remember(&self, installed: &InstalledProfiles) -> Result<(), OwnedFileError> {
        let mut proofs: Vec<Proof> = installed
            .files
            .iter()
            .filter_map(|file| match &file.content {
                InstalledContent::Read {
                    sha256,
                    claims: ObservedClaims::Proven(facts),
                } if self.facts(sha256) != Some(facts.digest()) => {
                    Some(proof(sha256, facts.digest()))
                }
                _ => None,
            })
            .collect();
        if proofs.is_empty() {
            return Ok(());
        }
        owned_files::make_directory(self.state.path())?;
        owned_files::make_directory(&self.state.proofs())?;
        let path = self.state.known_proofs();
        let _lock = match Lock::acquire(&self.state.proofs_lock(), Duration::ZERO) {
            Err(OwnedFileError::Locked { .. }) => return Ok(()),
            lock => lock?,
        };
        // What was left by whoever died here: nobody else writes now.
        for half in owned_files::half_written(&path) {
            owned_files::remove(&half)?;
        }
        // What others remembered since this gate began stays; what is new comes first, and so counts.
        let known = Known::load(&self.state, &self.heading);
        let is_room = proofs.len() + known.proofs().len() <= MAX_PROOFS;
        if is_room {
            proofs.extend_from_slice(known.proofs());
        }
        proofs.sort_by(|a, b| file_of(a).cmp(file_of(b)));
        proofs.dedup_by(|a, b| file_of(a) == file_of(b));
        proofs.truncate(MAX_PROOFS);
        let bytes = [self.heading.as_bytes(), proofs.as_flattened()].concat();
        owned_files::replace(&path, &bytes)
    }
}

fn proof(sha256: &FileSha256, facts: FactsDigest) -> Proof {
    let mut proof = [0; 64];
    let (file, says) = proof.split_at_mut(32);
    file.copy_from_slice(sha256.as_bytes());
    says.copy_from_slice(facts.as_bytes());
    proof
}

/// The line that names this build and these roots.
fn heading(anchors: &Anchors) -> String {
    let maker = format!(
        "{} {} {}",
        env!("CARGO_PKG_VERSION"),
        env!("COUNTERSIGN_SOURCES"),
        hex(&anchors.digest())
    );
    format!(
        "countersign proofs v1 {}\n",
        Digest::Sha256(sha256(maker.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;
    use crate::apple::anchors::certificates_from_pem;
    use crate::context::gate::facts::{FileFacts, InstalledFile};

    /// Profiles that were found proven; each number is a file, and what it says.
    fn proven(numbers: impl IntoIterator<Item = (u32, u8)>) -> InstalledProfiles {
        let files = numbers.into_iter().map(|(file, says)| InstalledFile {
            path: PathBuf::from(format!("/profiles/{file}.mobileprovision")),
            content: InstalledContent::Read {
                sha256: file_digest(file),
                claims: ObservedClaims::Proven(FileFacts::as_pinned(facts(says))),
            },
        });
        InstalledProfiles {
            files: files.collect(),
            ..InstalledProfiles::default()
        }
    }

    fn file_digest(file: u32) -> FileSha256 {
        FileSha256::of(&file.to_le_bytes())
    }

    fn facts(says: u8) -> FactsDigest {
        FactsDigest::from_bytes([says; 32])
    }

    /// A state directory in which two proofs are remembered.
    fn remembering() -> (tempfile::TempDir, StateDir) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::new(directory.path().join("state")).unwrap();
        let proofs = Proofs::load(&state, &Anchors::apple());
        assert_eq!(proofs.facts(&file_digest(1)), None);
        proofs.remember(&proven([(1, 7), (2, 8)])).unwrap();
        (directory, state)
    }

    fn known(state: &StateDir) -> [Option<FactsDigest>; 2] {
        let proofs = Proofs::load(state, &Anchors::apple());
        [1, 2].map(|file| proofs.facts(&file_digest(file)))
    }

    #[test]
    fn what_is_remembered_is_known_and_what_is_new_is_added() {
        let (_directory, state) = remembering();
        owned_files::check_file(&state.known_proofs()).unwrap();
        assert_eq!(known(&state), [Some(facts(7)), Some(facts(8))]);
        let proofs = Proofs::load(&state, &Anchors::apple());
        proofs.remember(&proven([(2, 9), (3, 1)])).unwrap();
        assert_eq!(known(&state), [Some(facts(7)), Some(facts(9))]);
        let size = fs::metadata(state.known_proofs()).unwrap().len();
        assert_eq!(
            size as usize,
            heading(&Anchors::apple()).len() + 3 * size_of::<Proof>()
        );
    }

    #[test]
    fn what_is_known_already_is_not_written_again() {
        let (_directory, state) = remembering();
        let proofs = Proofs::load(&state, &Anchors::apple());
        fs::remove_file(state.known_proofs()).unwrap();
        proofs.remember(&proven([(2, 8)])).unwrap();
        proofs.remember(&proven([])).unwrap();
        assert!(!state.known_proofs().exists());
    }

    #[test]
    fn what_is_not_proven_is_not_remembered() {
        let (_directory, state) = remembering();
        let proofs = Proofs::load(&state, &Anchors::apple());
        let mut installed = proven([(3, 1), (4, 1), (5, 1)]);
        let claims = [
            ObservedClaims::Unproven(Vec::new()),
            ObservedClaims::Unreadable,
        ];
        for (file, claims) in installed.files.iter_mut().zip(claims) {
            let sha256 = file_digest(3);
            file.content = InstalledContent::Read { sha256, claims };
        }
        proofs.remember(&installed).unwrap();
        let proofs = Proofs::load(&state, &Anchors::apple());
        let known = [3, 4, 5].map(|file| proofs.facts(&file_digest(file)).is_some());
        assert_eq!(known, [false, false, true]);
    }

    #[test]
    fn other_roots_begin_again() {
        let (_directory, state) = remembering();
        let pem = include_bytes!("../../fixtures/acme/anchors.pem");
        let others = Anchors::with_extra(certificates_from_pem(pem).unwrap());
        assert_eq!(Proofs::load(&state, &others).facts(&file_digest(1)), None);
        // The order of the roots, and one that is named twice, make no other set.
        let mut twice = certificates_from_pem(pem).unwrap();
        twice.extend(certificates_from_pem(pem).unwrap());
        twice.reverse();
        assert_eq!(heading(&others), heading(&Anchors::with_extra(twice)));
        assert_ne!(heading(&others), heading(&Anchors::apple()));
    }

    #[test]
    fn a_file_that_is_not_as_it_should_be_is_no_cache_and_is_replaced() {
        type Spoil = fn(&std::path::Path);
        let spoils: [Spoil; 8] = [
            |path| fs::write(path, b"").unwrap(),
            |path| fs::write(path, &fs::read(path).unwrap()[..100]).unwrap(),
            |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes[30] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            |path| fs::write(path, vec![b'x'; 5 * 1024 * 1024]).unwrap(),
            |path| fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap(),
            |path| {
                let away = path.with_extension("away");
                fs::rename(path, &away).unwrap();
                std::os::unix::fs::symlink(&away, path).unwrap();
            },
            |path| fs::remove_file(path).unwrap(),
            |path| fs::write(path, vec![0; 100 * size_of::<Proof>()]).unwrap(),
        ];
        for (number, spoil) in spoils.iter().enumerate() {
            let (_directory, state) = remembering();
            spoil(&state.known_proofs());
            assert_eq!(known(&state), [None, None], "{number}");
            let proofs = Proofs::load(&state, &Anchors::apple());
            proofs.remember(&proven([(1, 7)])).unwrap();
            assert_eq!(known(&state), [Some(facts(7)), None], "{number}");
        }
        // Nothing is written into a directory that others may enter.
        let (_directory, state) = remembering();
        fs::remove_file(state.known_proofs()).unwrap();
        fs::set_permissions(state.path(), Permissions::from_mode(0o755)).unwrap();
        let proofs = Proofs::load(&state, &Anchors::apple());
        proofs.remember(&proven([(1, 7)])).unwrap_err();
        assert!(!state.known_proofs().exists());
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for_and_what_is_new_comes_first() {
        let remember = |state: &StateDir, count: usize| {
            let many = (10..).take(count).map(|file| (file, 1));
            let proofs = Proofs::load(state, &Anchors::apple());
            proofs.remember(&proven(many)).unwrap();
            Proofs::load(state, &Anchors::apple())
        };
        let (_directory, state) = remembering();
        let proofs = remember(&state, MAX_PROOFS - 2);
        assert_eq!(proofs.known.proofs().len(), MAX_PROOFS);
        assert_eq!(known(&state), [Some(facts(7)), Some(facts(8))]);
        // One too many.
        let (_directory, state) = remembering();
        let proofs = remember(&state, MAX_PROOFS - 1);
        assert_eq!(proofs.known.proofs().len(), MAX_PROOFS - 1);
        assert_eq!(known(&state), [None, None]);
        assert_eq!(proofs.facts(&file_digest(10)), Some(facts(1)));
        let proofs = remember(&state, MAX_PROOFS + 5);
        assert_eq!(proofs.known.proofs().len(), 6, "the others were known");
    }
}
