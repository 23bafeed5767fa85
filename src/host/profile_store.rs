//! Profiles on disk: the directories that Xcode takes them from, and any others.
//!
//! One bad file does not hide the good ones: a file that cannot be read has a row like the others. Files are read and
//! judged in parallel, and each file's bytes are gone before the next one's verdict is kept, so that a directory of
//! ten thousand needs little more memory than its verdicts. Only files that are *named* like profiles are looked at,
//! and only directly in the directory, as Xcode does it.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, FileMode, ReadError, WriteError};
use super::proofs::Proofs;
use crate::apple::anchors::Anchors;
use crate::apple::match_repository::{self, Content};
use crate::apple::profile::{self, Profile, Unproven};
use crate::apple::signed_message::Verifier;
use crate::base::digest::Digest;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::parallel;
use crate::base::secret::Password;
use crate::context::gate::facts::{
    Family, FileFacts, InstalledClaims, InstalledContent, InstalledFile, InstalledScope,
    ObservedClaims,
};
use crate::context::manifest::{FactsDigest, Manifest, PinnedProfile, ProfileState};

/// What became of one file.
pub enum Examined {
    /// Proven.
    Proven(Box<Profile>),
    /// Read, but not proven.
    Unproven(Box<Unproven>),
    /// Not even read.
    Unreadable(ReadError),
}

/// A directory that could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the directory {}: {error}", .path.display())]
pub struct DirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// Why not.
    pub error: std::io::Error,
}

impl Explain for DirectoryError {
    fn code(&self) -> ErrorCode {
        match self.error.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::FileMissing,
            _ => ErrorCode::FileUnreadable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some("check the path and its permissions".into())
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

/// Whether a file is named like a profile: its name ends so, in whatever case, and may be nothing else.
fn is_named_like_a_profile(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    name.ends_with(".mobileprovision") || name.ends_with(".provisionprofile")
}

/// The files directly in `directory` that are named like profiles, by name.
///
/// # Errors
/// It is missing, no directory, or may not be listed.
pub fn list(directory: &Path) -> Result<Vec<PathBuf>, DirectoryError> {
    let error = |error| DirectoryError {
        path: directory.to_owned(),
        error,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if is_named_like_a_profile(&path) {
            files.push(path);
        }
    }
    // In one directory that is the order of the paths; their parts are not compared one by one.
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// As [`list`] if `path` is a directory; `None` for everything else, whatever it is: whoever reads it says what is wrong.
///
/// # Errors
/// The directory cannot be read.
pub fn list_if_directory(path: &Path) -> Result<Option<Vec<PathBuf>>, DirectoryError> {
    match path.is_dir() {
        true => list(path).map(Some),
        false => Ok(None),
    }
}

/// Proves each file and keeps what `keep` makes of the verdict, in the order of `files`. `done` is called after each. Files
/// that fastlane match encrypted are opened with `password`, in memory alone.
pub fn examine<T: Send>(
    files: &[PathBuf],
    verifier: &Verifier,
    password: Option<&Password>,
    keep: impl Fn(&Path, Examined) -> T + Sync,
    done: impl Fn() + Sync,
) -> Vec<T> {
    parallel::map(files.iter().collect(), 1, |path: &PathBuf| {
        let examined = match files::read_bounded(path, profile::MAX_BYTES) {
            Err(error) => Examined::Unreadable(error),
            Ok(bytes) => examined(&bytes, verifier, password),
        };
        let kept = keep(path, examined);
        done();
        kept
    })
}

/// What becomes of the bytes of one file.
fn examined(bytes: &[u8], verifier: &Verifier, password: Option<&Password>) -> Examined {
    let proven = match match_repository::decrypt(bytes, Content::Profile, password) {
        Ok(Some(opened)) => profile::prove(opened.expose(), verifier),
        Ok(None) => profile::prove(bytes, verifier),
        Err(error) => Err(Box::new(Unproven {
            findings: vec![error.finding()],
            claims: None,
            fields: None,
            sha256: FileSha256::of(bytes),
        })),
    };
    match proven {
        Ok(profile) => Examined::Proven(Box::new(profile)),
        Err(unproven) => Examined::Unproven(unproven),
    }
}

/// What the gate wants to know of each file that the manifest pins: whether its signatures hold, and what it says.
#[derive(Clone, Copy)]
pub struct Pinned<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// What believes the roots.
    pub verifier: &'a Verifier,
    /// What earlier looks proved, if that counts.
    pub proofs: Option<&'a Proofs>,
}

/// Files that were looked at before, by path.
#[derive(Default)]
pub struct KnownFiles<'a>(HashMap<PathBuf, &'a InstalledFile>);

impl<'a> FromIterator<(PathBuf, &'a InstalledFile)> for KnownFiles<'a> {
    fn from_iter<I: IntoIterator<Item = (PathBuf, &'a InstalledFile)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

impl KnownFiles<'_> {
    /// What was found in the file at `path`, if bytes of this digest were.
    fn content(&self, path: &Path, found: &FileSha256) -> Option<InstalledContent> {
        let known = &self.0.get(path)?.content;
        match known {
            InstalledContent::Read { sha256, .. } if sha256 == found => Some(known.clone()),
            _ => None,
        }
    }
}

/// What the gate wants to know of each file: the digest of its bytes; whether it is proven and what it says, if `pinned`
/// pins its bytes; and else what it claims.
pub fn observe(files: Vec<PathBuf>, pinned: Option<Pinned<'_>>) -> Vec<InstalledFile> {
    observe_but(&KnownFiles::default(), files, pinned)
}

/// As [`observe`]; of a file whose bytes are those that are `known` of it, what is known.
pub fn observe_but(
    known: &KnownFiles<'_>,
    files: Vec<PathBuf>,
    pinned: Option<Pinned<'_>>,
) -> Vec<InstalledFile> {
    // Anchors do not matter to claims.
    let any = Verifier::new(Anchors::apple());
    let pinned = pinned.map(Looking::new);
    parallel::map_with(files, 8, Vec::new, |bytes, path| {
        let content = match files::read_bounded_into(bytes, &path, profile::MAX_BYTES) {
            Err(error) => InstalledContent::Unreadable {
                problem: error.to_string(),
            },
            Ok(()) => {
                let sha256 = FileSha256::of(bytes);
                let known = known.content(&path, &sha256);
                known.unwrap_or_else(|| installed(bytes, sha256, pinned.as_ref(), &any))
            }
        };
        InstalledFile { path, content }
    })
}

/// A look for what a manifest pins.
struct Looking<'a> {
    pinned: Pinned<'a>,
    manifest: Digest,
    /// Whether what is remembered of each file is what the manifest says.
    agrees: bool,
}

impl<'a> Looking<'a> {
    fn new(pinned: Pinned<'a>) -> Self {
        let agrees = |proofs: &Proofs| proofs.agree_with(pinned.manifest);
        Self {
            manifest: pinned.manifest.digest(),
            agrees: pinned.proofs.is_some_and(agrees),
            pinned,
        }
    }

    /// Whether each entry that pins a file with this digest says what has this digest.
    fn is_said(&self, digest: FactsDigest, sha256: &FileSha256) -> bool {
        let manifest = self.pinned.manifest;
        let mut entries = manifest.entries_of(sha256);
        entries.all(|index| manifest.facts(index) == Some(digest))
    }
}

/// What the gate wants to know of one file's bytes.
fn installed(
    bytes: &[u8],
    sha256: FileSha256,
    looking: Option<&Looking<'_>>,
    any: &Verifier,
) -> InstalledContent {
    let looking = looking.filter(|looking| looking.pinned.manifest.has_bytes(&sha256));
    let claims = match looking {
        Some(looking) => proven(bytes, sha256, looking),
        None => claims(&profile::prove_hashed(bytes, sha256, any)),
    };
    InstalledContent::Read { sha256, claims }
}

/// What a file says whose bytes are pinned, if it is proven.
fn proven(bytes: &[u8], sha256: FileSha256, looking: &Looking<'_>) -> ObservedClaims {
    // What is known of the file is its facts in every field only if it is what the manifest says; else they are read.
    let remembered = looking
        .pinned
        .proofs
        .and_then(|proofs| proofs.facts(&sha256));
    let is_said = |digest: &FactsDigest| looking.agrees || looking.is_said(*digest, &sha256);
    if let Some(digest) = remembered.filter(is_said) {
        return ObservedClaims::Proven(FileFacts::remembered(digest, looking.manifest));
    }
    let profile = match profile::prove_hashed(bytes, sha256, looking.pinned.verifier) {
        Ok(profile) => profile,
        Err(unproven) => return ObservedClaims::Unproven(unproven.findings),
    };
    // Of the state no file says anything.
    let says = PinnedProfile::of(&profile, ProfileState::Active);
    let digest = FactsDigest::of(&says);
    ObservedClaims::Proven(match looking.is_said(digest, &sha256) {
        true => FileFacts::as_pinned(digest, looking.manifest),
        false => FileFacts::new(says),
    })
}

/// What a file claims, whether or not it is proven.
fn claims(proven: &Result<Profile, Box<Unproven>>) -> ObservedClaims {
    let scope = |fields: &profile::Fields| InstalledScope {
        team_id: fields.team_id.clone(),
        bundle_id: fields.bundle_id.clone(),
        kind: fields.kind,
        family: Family::of(&fields.platforms),
        created: fields.created,
        expires: fields.expires,
    };
    match proven {
        Ok(profile) => {
            let fields = profile.fields();
            ObservedClaims::Read(InstalledClaims {
                uuid: Some(fields.uuid.clone()),
                name: Some(fields.name.clone()),
                signs: Some(scope(fields)),
            })
        }
        Err(unproven) => match &unproven.claims {
            Some(claims) => ObservedClaims::Read(InstalledClaims {
                uuid: claims.uuid.as_deref().and_then(|uuid| uuid.parse().ok()),
                name: claims.name.clone(),
                // What was picked out of a file that cannot be read is for display: another reader may find something else.
                signs: unproven
                    .fields
                    .as_deref()
                    .filter(|_| unproven.is_readable())
                    .map(scope),
            }),
            None => ObservedClaims::Unreadable,
        },
    }
}

/// What installing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The file is new.
    New,
    /// The same bytes were there already.
    Already,
    /// Other bytes had its name; they are gone.
    Replaced,
}

/// Where a proven profile lies once it is installed in `directory`, as `UUID.<ext>`, and what installing it there does.
pub fn installation(profile: &Profile, bytes: &[u8], directory: &Path) -> (PathBuf, Installed) {
    let destination = directory.join(profile.fields().file_name());
    let installed = match files::read_bounded(&destination, profile::MAX_BYTES) {
        Ok(there) if there == bytes => Installed::Already,
        Ok(_) => Installed::Replaced,
        // Not there, or so damaged that it cannot be read: either way the replacement settles it.
        Err(_) => Installed::New,
    };
    (destination, installed)
}

/// Installs a proven profile as `UUID.<ext>` into `directory`, which is made if it is not there: all of it or nothing.
///
/// # Errors
/// The directory or the file cannot be written.
pub fn install(profile: &Profile, bytes: &[u8], directory: &Path) -> Result<(), WriteError> {
    files::create_directories(directory)?;
    let destination = directory.join(profile.fields().file_name());
    files::replace_atomically(&destination, bytes, FileMode::Exactly(0o644))
}

/// Which files prune may remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PruneRules {
    /// Expired ones.
    pub expired: bool,
    /// Ones that the manifest does not pin.
    pub unpinned: bool,
}

/// What prune makes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pruning {
    /// It stays.
    Keep,
    /// It goes, for this reason.
    Remove(PruneReason),
}

/// Why prune removes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneReason {
    /// It has expired.
    Expired,
    /// The manifest does not pin it.
    Unpinned,
}

impl PruneReason {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unpinned => "not pinned",
        }
    }
}

/// Decides about one file. A pinned one stays, whatever the rules: neither its bytes nor its UUID may vanish under a
/// manifest that names them.
pub fn pruning(
    file: &InstalledFile,
    rules: PruneRules,
    pinned_bytes: impl Fn(&FileSha256) -> bool,
    pinned_uuids: &BTreeSet<ProfileUuid>,
    now: jiff::Timestamp,
) -> Pruning {
    let InstalledContent::Read {
        sha256,
        claims: ObservedClaims::Read(claims),
    } = &file.content
    else {
        // A file that cannot be read as a profile may be anything: it stays.
        return Pruning::Keep;
    };
    if pinned_bytes(sha256)
        || claims
            .uuid
            .as_ref()
            .is_some_and(|uuid| pinned_uuids.contains(uuid))
    {
        return Pruning::Keep;
    }
    let has_expired = claims
        .signs
        .as_ref()
        .is_some_and(|scope| scope.expires < now);
    if rules.expired && has_expired {
        Pruning::Remove(PruneReason::Expired)
    } else if rules.unpinned {
        Pruning::Remove(PruneReason::Unpinned)
    } else {
        Pruning::Keep
    }
}
