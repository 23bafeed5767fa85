//! The cache of proofs: what files said that were proven before.
//!
//! To prove a file takes ten times as long as to hash it. So a gate remembers of each file that it proved the SHA-256 of its
//! bytes and the digest of what it says. When a later gate finds the same bytes, it compares that digest with the digest
//! of what the manifest's entry says. Equal digests are equal facts in every field, so the entry is what the file says.
//! If they differ, or if the file is not known, it is proven afresh. So the cache saves time and decides nothing.
//!
//! To compute the digests of all entries takes longer than all else that a gate does beside hashing files. So the digests of
//! the latest manifests are remembered too whose every entry says what is remembered of its file. When a proof is added, only
//! the manifest that it was added for stays.
//!
//! Nothing in it depends on the time. Both signatures of a profile are verified at the time when they were made, which the
//! file says; and when a profile or a certificate expires is one of the facts, which each gate judges anew.
//!
//! The file holds the proofs of one build of this program and of one set of roots. Another build, or other roots, begin
//! again. A file that is missing, damaged, a link, somebody else's or open to others is no cache. Damage cannot make a proof:
//! only the digest of a file does.
//!
//! Whoever can write the file can say that a file is proven which is not. That is this user, and root. So only a gate
//! uses it whose verdict opens nothing and is handed on to nobody.

use std::time::Duration;

use super::owned_files::{self, Lock, OwnedFileError};
use super::state_dir::StateDir;
use crate::apple::anchors::Anchors;
use crate::base::digest::{Digest, hex, sha256};
use crate::base::hash_index::HashIndex;
use crate::base::ids::FileSha256;
use crate::context::gate::facts::{InstalledContent, InstalledProfiles, ObservedClaims};
use crate::context::manifest::{FactsDigest, Manifest};

/// How many proofs are remembered: more profiles than anybody installs.
const MAX_PROOFS: usize = 65_536;

/// The digest of a file, and the digest of what it says.
type Proof = [u8; 64];

/// How many manifests are remembered: more than one machine builds with in turn.
const MAX_MANIFESTS: usize = 8;

/// The digests of manifests, the latest first; what is not used is zero.
type Manifests = [[u8; 32]; MAX_MANIFESTS];

/// What is known from earlier gates.
#[derive(Debug)]
pub struct Proofs {
    state: StateDir,
    /// The first line of the file: whose proofs these are.
    heading: String,
    known: Known,
}

/// The file as it was found, if it can be used; else empty. Behind its heading stand the manifests, then the proofs.
#[derive(Debug, Default)]
struct Known {
    bytes: Vec<u8>,
    /// Where the proofs begin.
    proofs: usize,
    /// Where to look among them.
    index: HashIndex,
    manifests: Manifests,
}

impl Known {
    fn load(state: &StateDir, heading: &str) -> Self {
        let path = state.known_proofs();
        let before = heading.len() + size_of::<Manifests>();
        let bytes = owned_files::read(&path, before + MAX_PROOFS * size_of::<Proof>());
        let bytes = bytes.unwrap_or_default();
        let Some(manifests) = Self::manifests_of(&bytes, heading) else {
            return Self::default();
        };
        let mut known = Self {
            proofs: before,
            manifests,
            bytes,
            ..Self::default()
        };
        known.index = index_of(known.proofs());
        known
    }

    /// The manifests, if this is a file with such a heading and nothing in it is half.
    fn manifests_of(bytes: &[u8], heading: &str) -> Option<Manifests> {
        let behind = bytes.strip_prefix(heading.as_bytes())?;
        let (manifests, proofs) = behind.split_first_chunk::<{ size_of::<Manifests>() }>()?;
        let mut read = Manifests::default();
        read.as_flattened_mut().copy_from_slice(manifests);
        proofs
            .len()
            .is_multiple_of(size_of::<Proof>())
            .then_some(read)
    }

    /// In the order of the files' digests. In any other order some are not found, and are proven again.
    fn proofs(&self) -> &[Proof] {
        let (proofs, _) = self
            .bytes
            .get(self.proofs..)
            .unwrap_or_default()
            .as_chunks();
        proofs
    }

    fn agree_with(&self, manifest: Digest) -> bool {
        matches!(manifest, Digest::Sha256(digest) if self.manifests.contains(&digest))
    }

    fn facts(&self, sha256: &FileSha256) -> Option<FactsDigest> {
        facts_among(self.proofs(), &self.index, sha256)
    }
}

fn index_of(proofs: &[Proof]) -> HashIndex {
    HashIndex::new(proofs.iter().map(|proof| file_of(proof).leading()))
}

/// What these proofs, which are in order, know of a file.
fn facts_among(proofs: &[Proof], index: &HashIndex, sha256: &FileSha256) -> Option<FactsDigest> {
    let proofs = proofs.get(index.range(sha256.leading()))?;
    let place = proofs.binary_search_by(|proof| file_of(proof).cmp(sha256));
    let (_, facts) = proofs.get(place.ok()?)?.split_first_chunk::<32>()?;
    Some(FactsDigest::from_bytes(facts.try_into().ok()?))
}

/// The digest of the file that a proof is about.
fn file_of(proof: &Proof) -> FileSha256 {
    FileSha256::from_bytes(proof.first_chunk().copied().unwrap_or_default())
}

/// Whether each entry of the manifest says what these proofs, which are in order, know of its file, if they know it.
fn agree(proofs: &[Proof], manifest: &Manifest) -> bool {
    let index = index_of(proofs);
    let mut entries = manifest.files().iter();
    entries.all(|(sha256, entry)| {
        let known = facts_among(proofs, &index, sha256);
        known.is_none_or(|facts| manifest.facts(*entry) == Some(facts))
    })
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

    /// Whether each entry of the manifest says what is remembered of its file, if anything is.
    pub fn agree_with(&self, manifest: &Manifest) -> bool {
        self.known.agree_with(manifest.digest())
    }

    /// Remembers the profiles that were found proven, if there are new ones among them, and that the manifest agrees with them.
    /// Where there is no room for all, those of earlier gates are forgotten. While another gate does the same nothing is
    /// remembered: the next gate proves again.
    ///
    /// # Errors
    /// The cache cannot be written; it is as it was.
    pub fn remember(
        &self,
        installed: &InstalledProfiles,
        manifest: &Manifest,
    ) -> Result<(), OwnedFileError> {
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
        let is_more = !proofs.is_empty();
        let agrees_anew = || !self.agree_with(manifest) && agree(self.known.proofs(), manifest);
        if !is_more && !agrees_anew() {
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
        proofs.sort_by_key(file_of);
        proofs.dedup_by_key(|proof| file_of(proof));
        proofs.truncate(MAX_PROOFS);
        let digest = match manifest.digest() {
            Digest::Sha256(digest) if agree(&proofs, manifest) => Some(digest),
            _ => None,
        };
        // The others were compared with other proofs.
        let others = known.manifests.into_iter().filter(|_| !is_more);
        let others = others.filter(|other| Some(*other) != digest);
        let mut manifests = Manifests::default();
        for (place, manifest) in manifests.iter_mut().zip(digest.into_iter().chain(others)) {
            *place = manifest;
        }
        let parts = [
            self.heading.as_bytes(),
            manifests.as_flattened(),
            proofs.as_flattened(),
        ];
        owned_files::replace(&path, &parts.concat())
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
        "countersign proofs v2 {}\n",
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
        let empty = pinning([]).digest();
        let files = numbers.into_iter().map(|(file, says)| InstalledFile {
            path: PathBuf::from(format!("/profiles/{file}.mobileprovision")),
            content: InstalledContent::Read {
                sha256: file_digest(file),
                claims: ObservedClaims::Proven(FileFacts::as_pinned(facts(says), empty)),
            },
        });
        InstalledProfiles {
            files: files.collect(),
            ..InstalledProfiles::default()
        }
    }

    /// A manifest that pins these files; each number is a file, and what the manifest says of it.
    fn pinning(entries: impl IntoIterator<Item = (u32, u8)>) -> Manifest {
        let bundled = include_bytes!("../../manifests/profiles.json");
        let mut content = Manifest::parse(bundled).unwrap().content().clone();
        content.targets.clear();
        let one = content.profiles.remove(0);
        content.profiles.clear();
        for (file, says) in entries {
            let mut entry = one.clone();
            let copies = content
                .profiles
                .iter()
                .filter(|other| other.sha256 == file_digest(file));
            let number = 10 * file as usize + copies.count();
            entry.uuid = format!("00000000-0000-0000-0000-{number:012}")
                .parse()
                .unwrap();
            entry.sha256 = file_digest(file);
            entry.device_count = says.into();
            content.profiles.push(entry);
        }
        content.profiles.sort_by(|a, b| a.uuid.cmp(&b.uuid));
        Manifest::parse(&content.to_bytes()).unwrap()
    }

    /// The files of a manifest, found proven and as it says.
    fn proven_as(manifest: &Manifest) -> InstalledProfiles {
        let entries = manifest.profiles().iter();
        let files = entries.enumerate().map(|(index, entry)| InstalledFile {
            path: PathBuf::from(&entry.filename),
            content: InstalledContent::Read {
                sha256: entry.sha256,
                claims: ObservedClaims::Proven(FileFacts::as_pinned(
                    manifest.facts(index).unwrap(),
                    manifest.digest(),
                )),
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
        proofs
            .remember(&proven([(1, 7), (2, 8)]), &pinning([]))
            .unwrap();
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
        proofs
            .remember(&proven([(2, 9), (3, 1)]), &pinning([]))
            .unwrap();
        assert_eq!(known(&state), [Some(facts(7)), Some(facts(9))]);
        let size = fs::metadata(state.known_proofs()).unwrap().len();
        assert_eq!(
            size as usize,
            heading(&Anchors::apple()).len() + size_of::<Manifests>() + 3 * size_of::<Proof>()
        );
    }

    #[test]
    fn what_is_known_already_is_not_written_again() {
        let (_directory, state) = remembering();
        let proofs = Proofs::load(&state, &Anchors::apple());
        fs::remove_file(state.known_proofs()).unwrap();
        proofs.remember(&proven([(2, 8)]), &pinning([])).unwrap();
        proofs.remember(&proven([]), &pinning([])).unwrap();
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
        proofs.remember(&installed, &pinning([])).unwrap();
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
            proofs.remember(&proven([(1, 7)]), &pinning([])).unwrap();
            assert_eq!(known(&state), [Some(facts(7)), None], "{number}");
        }
        // Nothing is written into a directory that others may enter.
        let (_directory, state) = remembering();
        fs::remove_file(state.known_proofs()).unwrap();
        fs::set_permissions(state.path(), Permissions::from_mode(0o755)).unwrap();
        let proofs = Proofs::load(&state, &Anchors::apple());
        proofs
            .remember(&proven([(1, 7)]), &pinning([]))
            .unwrap_err();
        assert!(!state.known_proofs().exists());
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for_and_what_is_new_comes_first() {
        let remember = |state: &StateDir, count: usize| {
            let many = (10..).take(count).map(|file| (file, 1));
            let proofs = Proofs::load(state, &Anchors::apple());
            proofs.remember(&proven(many), &pinning([])).unwrap();
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

    #[test]
    fn a_manifest_is_known_to_agree_exactly_if_it_says_what_is_remembered_of_each_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::new(directory.path().join("state")).unwrap();
        let load = || Proofs::load(&state, &Anchors::apple());
        let remember = |manifest: &Manifest, found: &Manifest| {
            load().remember(&proven_as(found), manifest).unwrap();
            load().agree_with(manifest)
        };
        let first = pinning([(1, 1), (2, 2)]);
        assert!(!load().agree_with(&first));
        assert!(remember(&first, &first));
        // Another one of the same files, and one that pins a file of which nothing is known.
        let [second, third] = [pinning([(2, 2)]), pinning([(1, 1), (9, 9)])];
        assert!(remember(&second, &pinning([])) && remember(&third, &pinning([])));
        assert!(load().agree_with(&first));
        // One that says something else of one file, wherever it stands, never does.
        for lying in [
            pinning([(1, 1), (2, 3)]),
            pinning([(1, 3), (2, 2)]),
            pinning([(2, 2), (1, 1), (2, 3)]),
        ] {
            let before = fs::read(state.known_proofs()).unwrap();
            assert!(!remember(&lying, &pinning([])));
            assert_eq!(fs::read(state.known_proofs()).unwrap(), before);
        }
        // A new proof: what the third says of the file is something else, and nobody compared the others with it.
        let fourth = pinning([(9, 8)]);
        assert!(remember(&fourth, &fourth));
        for other in [&first, &second, &third] {
            assert!(!load().agree_with(other));
        }
        assert!(remember(&first, &pinning([])) && !remember(&third, &pinning([])));
        // A look that finds a file to say something else than the manifest.
        assert!(!remember(&first, &pinning([(1, 7)])));
        assert!(!load().agree_with(&fourth));
    }

    #[test]
    fn the_latest_manifests_are_remembered() {
        let (_directory, state) = remembering();
        let manifests: Vec<Manifest> = (0..=MAX_MANIFESTS as u8)
            .map(|n| pinning([(9, n)]))
            .collect();
        for manifest in &manifests {
            let proofs = Proofs::load(&state, &Anchors::apple());
            proofs.remember(&proven([]), manifest).unwrap();
        }
        let proofs = Proofs::load(&state, &Anchors::apple());
        let agreeing: Vec<bool> = manifests.iter().map(|one| proofs.agree_with(one)).collect();
        assert_eq!(agreeing.iter().filter(|agrees| !**agrees).count(), 1);
        assert!(!agreeing[0], "the oldest");
        assert_eq!(known(&state), [Some(facts(7)), Some(facts(8))]);
    }
}
