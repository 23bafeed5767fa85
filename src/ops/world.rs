//! The world as one verb sees it: what was said where things lie, and what is known of the process around it.
//!
//! A [`World`] is made of values that somebody hands in, once: `cli` from its arguments and environment, a test from
//! nothing at all. Verbs look at the machine only through it and through `host` and `ledger`.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

use super::error::{Error, Failure};
use super::notice::{Listener, Notice};
use crate::apple::anchors::{Anchors, certificates_from_pem};
use crate::base::clock::Clock;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;
use crate::context::gate::clock::NO_STATE_DIRECTORY;
use crate::context::manifest::{self, Manifest};
use crate::context::policy::{self, Policy};
use crate::host::directories;
use crate::host::files::{self, ReadErrorKind};
use crate::host::inputs::Inputs;
use crate::host::match_tree::MatchTree;
use crate::host::nearest::{self, Foreign};
use crate::host::node::OsFamily;
use crate::host::observation::ProfilePlace;
use crate::host::profile_store;
use crate::host::state_dir::StateDir;

/// Where the policy lies unless somebody says otherwise: in the working directory, or above it in its repository.
pub const DEFAULT_POLICY: &str = "manifests/signing.toml";
/// Where the manifest lies unless somebody says otherwise, likewise.
pub const DEFAULT_MANIFEST: &str = "manifests/profiles.json";
/// Anchors are a handful of certificates.
const MAX_ANCHORS: usize = 1024 * 1024;

/// Where things lie, as far as somebody said so.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The policy.
    pub policy: Option<PathBuf>,
    /// The manifest.
    pub manifest: Option<PathBuf>,
    /// The directories of installed profiles.
    pub profiles: Vec<PathBuf>,
    /// The state directory.
    pub state_dir: Option<PathBuf>,
}

/// The process that a verb runs in, and its user.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The user's login name, as the environment has it.
    pub login_name: Option<String>,
    /// What the CI system calls this job.
    pub job: Option<String>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// Directories that hold temporary files.
    pub temporary: Vec<PathBuf>,
    /// Directories that CI checks sources out into.
    pub checkouts: Vec<PathBuf>,
    /// Every environment variable: what a command inherits, and where a password may stand.
    pub variables: Vec<(OsString, OsString)>,
    /// What starts our own program, which is also the watchdog's: its path, and the words before its own arguments. Empty
    /// where the path is unknown.
    pub program: Vec<OsString>,
    /// A directory with another `security` and `codesign` than Apple's: only a program made for development has one.
    pub tools: Option<PathBuf>,
    /// Where a stand-in for App Store Connect listens on this machine: only a program made for development has one.
    pub portal: Option<SocketAddr>,
}

/// What a verb may know.
pub struct World {
    /// Where things lie.
    pub places: Places,
    /// The process.
    pub surroundings: Surroundings,
    /// What time it is.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The whole second in which the verb was called.
    pub now: Timestamp,
    /// Who hears what is said before the answer.
    pub listener: Box<dyn Listener>,
    /// The password of the match repositories that are read, where somebody gave it
    /// ([`password::give_match_password`](super::password::give_match_password)).
    pub match_password: Option<Password>,
    /// The environment variable that this password came in: nothing that is started inherits it.
    pub match_password_variable: Option<String>,
    /// The policy that nobody named, once it was looked for.
    policy_at_hand: OnceLock<AtHand>,
    /// The manifest, likewise.
    manifest_at_hand: OnceLock<AtHand>,
}

/// A file that nobody named: where it lies, or would lie; and that it belongs to somebody else, if so.
#[derive(Debug)]
struct AtHand {
    path: PathBuf,
    foreign: Option<Foreign>,
}

/// A policy that was read, and its bytes.
#[derive(Debug)]
pub struct LoadedPolicy {
    /// The policy.
    pub policy: Policy,
    /// The bytes of its file.
    pub bytes: Vec<u8>,
}

impl World {
    /// A world in which it is what `clock` says.
    pub fn new(
        places: Places,
        surroundings: Surroundings,
        clock: Arc<dyn Clock + Send + Sync>,
        listener: Box<dyn Listener>,
    ) -> Self {
        let now = clock.now();
        Self {
            places,
            surroundings,
            // Certificates, profiles and people know no finer time.
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
            clock,
            listener,
            match_password: None,
            match_password_variable: None,
            policy_at_hand: OnceLock::new(),
            manifest_at_hand: OnceLock::new(),
        }
    }

    /// Says something before the answer.
    pub fn notify(&self, notice: &Notice<'_>) {
        self.listener.hear(notice);
    }

    /// The user's home directory.
    pub fn home(&self) -> Option<&Path> {
        self.surroundings.home.as_deref()
    }

    /// The value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        let mut variables = self.surroundings.variables.iter();
        variables
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    /// The environment without the variables that passwords came in: what something that we start may know of it.
    pub fn variables_without(&self, secrets: &[Option<&str>]) -> Vec<(OsString, OsString)> {
        let of_match = self.match_password_variable.as_deref();
        let is_secret = |name: &OsString| {
            let mut secrets = secrets.iter().flatten().copied().chain(of_match);
            secrets.any(|secret| name == secret)
        };
        let variables = self.surroundings.variables.iter();
        variables
            .filter(|(name, _)| !is_secret(name))
            .cloned()
            .collect()
    }

    /// Where the policy lies.
    pub fn policy_path(&self) -> &Path {
        match &self.places.policy {
            Some(named) => named,
            None => &self.policy_at_hand().path,
        }
    }

    fn policy_at_hand(&self) -> &AtHand {
        let otherwise = || PathBuf::from(DEFAULT_POLICY);
        let look = || self.at_hand(DEFAULT_POLICY, otherwise);
        self.policy_at_hand.get_or_init(look)
    }

    fn manifest_at_hand(&self) -> &AtHand {
        // Where there is none yet, it will lie beside the policy.
        let otherwise = || match &self.places.policy {
            Some(_) => PathBuf::from(DEFAULT_MANIFEST),
            None => {
                let name = Path::new(DEFAULT_MANIFEST).file_name().unwrap_or_default();
                self.policy_at_hand().path.with_file_name(name)
            }
        };
        let look = || self.at_hand(DEFAULT_MANIFEST, otherwise);
        self.manifest_at_hand.get_or_init(look)
    }

    /// The nearest file of this name, or else where it would lie.
    fn at_hand(&self, name: &str, otherwise: impl FnOnce() -> PathBuf) -> AtHand {
        match nearest::find(Path::new("."), Path::new(name), self.home()) {
            Ok(found) => AtHand {
                path: found.unwrap_or_else(otherwise),
                foreign: None,
            },
            Err(foreign) => AtHand {
                path: foreign.path.clone(),
                foreign: Some(foreign),
            },
        }
    }

    /// The policy if there is one at its path.
    ///
    /// # Errors
    /// The file is there and cannot be used: every finding in it. It cannot be read, or was named and is not there: an error.
    pub fn policy_if_any(&self) -> Result<Option<LoadedPolicy>, Failure> {
        let path = self.policy_path();
        let is_named = self.places.policy.is_some();
        if !is_named && let Some(foreign) = &self.policy_at_hand().foreign {
            return Err(foreign_file(foreign, Some(Remedy::NamePolicy)).into());
        }
        let bytes = match files::read_bounded(path, policy::MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if !is_named && matches!(error.kind, ReadErrorKind::Missing) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        match Policy::parse_bytes(&bytes, path, self.home()) {
            Ok(policy) => Ok(Some(LoadedPolicy { policy, bytes })),
            Err(findings) => Err(Failure::Blocked(findings)),
        }
    }

    /// How long before an end somebody wants to know of it: `profiles.warn_before` of the policy at hand. Where none can be used,
    /// the built-in default: a list says how things stand whether or not there is a policy.
    pub fn warn_before(&self) -> SignedDuration {
        let policy = self.policy_if_any().ok().flatten();
        let policy = policy.map_or_else(|| Policy::builtin(self.home()), |loaded| loaded.policy);
        policy.profiles.warn_before
    }

    /// The policy, or the built-in defaults, which is said: for verbs that decide nothing about signing.
    ///
    /// # Errors
    /// As [`World::policy_if_any`].
    pub fn policy_or_defaults(&self) -> Result<Policy, Failure> {
        Ok(match self.policy_if_any()? {
            Some(loaded) => loaded.policy,
            None => {
                self.notify(&Notice::NoPolicy {
                    looked_for: self.policy_path(),
                });
                Policy::builtin(self.home())
            }
        })
    }

    /// The policy, or the built-in defaults for a verb that deletes what `is_named` says that somebody named: a default is
    /// no order to delete.
    ///
    /// # Errors
    /// As [`World::policy_if_any`]; and there is no policy, and nobody named it.
    pub fn policy_for_deleting(
        &self,
        is_named: bool,
        what: &str,
        remedy: Remedy,
    ) -> Result<Policy, Failure> {
        match self.policy_if_any()? {
            Some(loaded) => Ok(loaded.policy),
            None if is_named => Ok(Policy::builtin(self.home())),
            None => {
                let message = format!("no policy names {what}, so nothing is deleted");
                Err(Error::new(ErrorCode::Usage, message)
                    .hint(format!("name {what}, or the policy"))
                    .remedy(remedy)
                    .into())
            }
        }
    }

    /// Where the manifest lies.
    pub fn manifest_path(&self) -> &Path {
        match &self.places.manifest {
            Some(named) => named,
            None => &self.manifest_at_hand().path,
        }
    }

    /// The manifest and its bytes.
    ///
    /// # Errors
    /// It cannot be read, or is no manifest.
    pub fn manifest(&self) -> Result<(Manifest, Vec<u8>), Error> {
        if self.places.manifest.is_none()
            && let Some(foreign) = &self.manifest_at_hand().foreign
        {
            return Err(foreign_file(foreign, Some(Remedy::NameManifest)));
        }
        self.manifest_at(self.manifest_path())
    }

    /// A manifest and its bytes.
    ///
    /// # Errors
    /// It cannot be read, or is no manifest.
    pub fn manifest_at(&self, path: &Path) -> Result<(Manifest, Vec<u8>), Error> {
        let bytes = files::read_bounded(path, manifest::MAX_BYTES).map_err(|error| {
            let is_missing = matches!(error.kind, ReadErrorKind::Missing);
            match is_missing && self.places.manifest.is_none() {
                true => Error::from(error)
                    .hint("freeze the profiles into a manifest, or name the manifest")
                    .remedy(Remedy::FreezeManifest),
                false => error.into(),
            }
        })?;
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            Error::from(error)
                .preceded_by(&path.display().to_string())
                .in_file(path)
        })?;
        Ok((manifest, bytes))
    }

    /// The manifest if there is one at its path.
    ///
    /// # Errors
    /// There is one, and it cannot be used; or one was named and is not there.
    pub fn manifest_if_any(&self) -> Result<Option<Manifest>, Error> {
        let is_named = self.places.manifest.is_some();
        match self.manifest() {
            Err(error) if !is_named && error.code() == ErrorCode::FileMissing => Ok(None),
            read => read.map(|(manifest, _)| Some(manifest)),
        }
    }

    /// The roots that are believed: Apple's, and those that the policy names.
    ///
    /// # Errors
    /// An anchor file cannot be read or holds no certificates.
    pub fn anchors(&self, policy: &Policy) -> Result<Anchors, Error> {
        self.anchors_noting(policy, None)
    }

    /// As [`World::anchors`], and notes every file that is read.
    ///
    /// # Errors
    /// As there.
    pub fn anchors_noting(
        &self,
        policy: &Policy,
        inputs: Option<&Inputs>,
    ) -> Result<Anchors, Error> {
        let mut extra = Vec::new();
        for path in &policy.profiles.trust_anchors {
            let pem = files::read_bounded(path, MAX_ANCHORS)?;
            if let Some(inputs) = inputs {
                inputs.note(path, &pem);
            }
            let certificates = certificates_from_pem(&pem).map_err(|error| {
                Error::new(
                    ErrorCode::FileMalformed,
                    format!("{}: {error}", path.display()),
                )
                .hint("name a file of PEM certificates")
                .in_file(path)
            })?;
            extra.extend(certificates);
        }
        Ok(Anchors::with_extra(extra))
    }

    /// The directories of installed profiles: named, by the policy, or Xcode's own. What a person named must exist,
    /// Xcode's two need not; they are unknown, and so left out, where the home directory is.
    pub fn profile_directories(&self, policy: &Policy) -> Vec<ProfilePlace> {
        let place = |path, must_exist| ProfilePlace { path, must_exist };
        let named = if self.places.profiles.is_empty() {
            &policy.profiles.directories
        } else {
            &self.places.profiles
        };
        if named.is_empty() {
            let of_home = self.home().map(directories::xcode_profiles);
            of_home
                .into_iter()
                .flatten()
                .map(|path| place(path, false))
                .collect()
        } else {
            named.iter().map(|path| place(path.clone(), true)).collect()
        }
    }

    /// The installed files that are named like profiles.
    ///
    /// # Errors
    /// A directory that somebody named cannot be listed; or nobody named one, and the home directory is unknown.
    pub fn installed_files(&self, policy: &Policy) -> Result<Vec<PathBuf>, Error> {
        self.check_home_of_profiles(policy)?;
        let mut files = Vec::new();
        for ProfilePlace { path, must_exist } in self.profile_directories(policy) {
            match profile_store::list(&path) {
                Ok(found) => files.extend(found),
                Err(error) if !must_exist && error.error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(files)
    }

    /// The files that profiles can be frozen from: the installed ones, and those that the match repositories store which somebody
    /// named as directories.
    ///
    /// # Errors
    /// As [`World::installed_files`]; and a match repository cannot be listed, or stores nothing.
    pub fn profile_files(&self, policy: &Policy) -> Result<Vec<PathBuf>, Error> {
        let mut files = self.installed_files(policy)?;
        for place in self.profile_directories(policy) {
            let is_flat = files.iter().any(|file| file.parent() == Some(&*place.path));
            if place.must_exist && !is_flat {
                files.extend(MatchTree::find(&place.path)?.unwrap_or_default().profiles);
            }
        }
        Ok(files)
    }

    /// Whether it is known where profiles are installed.
    ///
    /// # Errors
    /// Nobody named a directory, and the home directory is unknown, so Xcode's are too.
    pub fn check_home_of_profiles(&self, policy: &Policy) -> Result<(), Error> {
        let is_named = !self.places.profiles.is_empty() || !policy.profiles.directories.is_empty();
        if is_named || self.home().is_some() {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::FileMissing,
            "the home directory is unknown, so nobody knows where profiles are installed",
        )
        .hint("set HOME, or name a directory of profiles")
        .remedy(Remedy::NameProfileDirectory))
    }

    /// The state directory.
    ///
    /// # Errors
    /// Nothing says where.
    pub fn state_directory(&self) -> Result<StateDir, Error> {
        let named = self.places.state_dir.clone().or_else(|| {
            directories::state(
                OsFamily::current(),
                self.home(),
                self.surroundings.xdg_state_home.as_deref(),
            )
        });
        let path = named.ok_or_else(|| {
            Error::new(ErrorCode::FileMissing, NO_STATE_DIRECTORY)
                .hint("set HOME, or name a state directory")
                .remedy(Remedy::NameStateDirectory)
        })?;
        let path = std::path::absolute(&path).map_err(|error| {
            Error::new(
                ErrorCode::FileUnreadable,
                format!("{}: {error}", path.display()),
            )
        })?;
        Ok(StateDir::new(path)?)
    }

    /// Where the audit log lies.
    ///
    /// # Errors
    /// Nothing says where the state directory is.
    pub fn audit_path(&self) -> Result<PathBuf, Error> {
        Ok(self.state_directory()?.audit_log())
    }
}

/// That a file which nobody named belongs to somebody else.
pub(super) fn foreign_file(foreign: &Foreign, remedy: Option<Remedy>) -> Error {
    let error = Error::new(ErrorCode::FileUnreadable, foreign.to_string())
        .hint("check who put the file there, and name it if it is meant")
        .in_file(&foreign.path);
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}
