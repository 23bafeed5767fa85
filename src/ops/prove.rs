//! Proving profile files: the one loop over them, and what each file gives.

use std::path::{Path, PathBuf};

use super::error::{Error, Failure};
use super::notice::Notice;
use super::world::World;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::error::Explain as _;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::ProfileUuid;
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::policy::Policy;
use crate::host::files::ReadError;
use crate::host::match_tree::MatchTree;
use crate::host::profile_store::{self, Examined};

/// How files should be called so that a directory of them is read.
const NAME_FILES: &str =
    "name files ending in .mobileprovision or .provisionprofile, or directories of them";

/// The policy in force, and what believes the roots that it names.
///
/// # Errors
/// The policy or an anchor file cannot be used.
pub(super) fn verifier(world: &World) -> Result<(Policy, Verifier), Failure> {
    let policy = world.policy_or_defaults()?;
    let verifier = Verifier::new(world.anchors(&policy)?);
    Ok((policy, verifier))
}

/// Files as they are, directories as the profiles in them, match repositories as the profiles that they store.
///
/// # Errors
/// A directory cannot be listed, or has no profiles.
pub(super) fn named_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let Some(found) = profile_store::list_if_directory(path)? else {
            files.push(path.clone());
            continue;
        };
        let found = match found.is_empty() {
            true => match_profiles(path)?,
            false => found,
        };
        if found.is_empty() {
            let message = format!("{}: the directory holds no profiles", path.display());
            return Err(Error::new(ErrorCode::FileMissing, message)
                .hint(NAME_FILES)
                .in_file(path));
        }
        files.extend(found);
    }
    Ok(files)
}

/// The profiles of the match repository at `path`, decrypted or not; none if it is no match repository.
///
/// # Errors
/// It cannot be listed, or it is one that holds nothing: a branch on which match stored nothing.
pub(super) fn match_profiles(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let tree = MatchTree::find(path)?;
    Ok(tree.map(|tree| tree.profiles).unwrap_or_default())
}

/// The files and directories that were named, or the installed files if none was.
///
/// # Errors
/// A directory cannot be listed, or there are no profiles.
pub(super) fn named_or_installed(
    paths: &[PathBuf],
    policy: &Policy,
    world: &World,
) -> Result<Vec<PathBuf>, Error> {
    if !paths.is_empty() {
        return named_files(paths);
    }
    let files = world.profile_files(policy)?;
    if files.is_empty() {
        return Err(
            Error::new(ErrorCode::FileMissing, "no profiles are installed").hint(NAME_FILES),
        );
    }
    Ok(files)
}

/// Proves each file and keeps what `keep` makes of it, in the order of `files`.
pub(super) fn prove<T: Send>(
    files: &[PathBuf],
    verifier: &Verifier,
    world: &World,
    keep: impl Fn(&Path, Examined) -> T + Sync,
) -> Vec<T> {
    world.notify(&Notice::Begun {
        what: "proving",
        files: files.len(),
    });
    let password = world.match_password.as_ref();
    let done = || world.notify(&Notice::FileDone);
    let kept = profile_store::examine(files, verifier, password, keep, done);
    world.notify(&Notice::Ended);
    kept
}

/// What is wrong with a file, or worth knowing of a proven one.
pub(super) fn findings(path: &Path, examined: &Examined) -> Vec<Finding> {
    match examined {
        Examined::Proven(profile) => in_file(path, profile.remarks()),
        Examined::Unproven(unproven) => in_file(path, &unproven.findings),
        Examined::Unreadable(error) => vec![unreadable(path, error)],
    }
}

/// The findings, in this file.
pub(super) fn in_file(path: &Path, findings: &[Finding]) -> Vec<Finding> {
    let findings = findings.iter().cloned();
    findings.map(|finding| finding.in_file(path)).collect()
}

/// A file that could not even be read, as a finding among those of the others.
fn unreadable(path: &Path, error: &ReadError) -> Finding {
    Finding::block(
        Code::ProfileUnreadable,
        format!("the file cannot be read: {}", error.kind),
    )
    .hint(error.hint().unwrap_or_default())
    .in_file(path)
}

/// What came of proving files that are to be pinned, or planned with.
pub(super) struct Pinnable {
    /// What is pinned of those that are proven.
    pub(super) profiles: Vec<PinnedProfile>,
    /// The file of each of them, in the same order.
    pub(super) files: Vec<PathBuf>,
    /// What is wrong with the others, or worth knowing.
    pub(super) findings: Vec<Finding>,
    /// Some could not even be read: an error rather than a verdict.
    pub(super) has_unread: bool,
}

impl Pinnable {
    /// Makes warnings of what is wrong with files that nobody named, but their directory: they sign nothing. A target that
    /// needs one of them has no profile, and that blocks.
    pub(super) fn skip_faults_besides(&mut self, named: &[PathBuf]) {
        let is_named = |finding: &Finding| {
            let mut named = named.iter();
            named.any(|path| finding.place.file.as_deref() == Some(&*path.to_string_lossy()))
        };
        for finding in &mut self.findings {
            if !is_named(finding) {
                finding.severity = finding.severity.max(Severity::Warn);
            }
        }
        self.has_unread &= finding::any_blocks(&self.findings);
    }
}

/// Proves each file; `state` says which state its profile has.
pub(super) fn pinnable(
    files: &[PathBuf],
    verifier: &Verifier,
    world: &World,
    state: impl Fn(&ProfileUuid) -> ProfileState + Sync,
) -> Pinnable {
    let results = prove(files, verifier, world, |path, examined| {
        let findings = findings(path, &examined);
        match examined {
            Examined::Proven(profile) => {
                let state = state(&profile.fields().uuid);
                let pinned = PinnedProfile::of(&profile, state);
                (Some((pinned, path.to_owned())), findings, false)
            }
            Examined::Unproven(_) => (None, findings, false),
            Examined::Unreadable(_) => (None, findings, true),
        }
    });
    let mut pinnable = Pinnable {
        profiles: Vec::with_capacity(results.len()),
        files: Vec::with_capacity(results.len()),
        findings: Vec::new(),
        has_unread: false,
    };
    for (profile, findings, is_unread) in results {
        if let Some((profile, file)) = profile {
            pinnable.profiles.push(profile);
            pinnable.files.push(file);
        }
        pinnable.findings.extend(findings);
        pinnable.has_unread |= is_unread;
    }
    pinnable
}
