//! What commands with a memory share: the state directory, the audit log, and the keychain that is meant.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::password::KeychainPasswordArguments;
use super::world::World;
use crate::base::clock::SystemClock;
use crate::base::event::Actor;
use crate::base::ids::RegionName;
use crate::base::secret::Password;
use crate::context::gate::facts::{Identities, Identity};
use crate::context::policy::Policy;
use crate::host::keychain::{
    BackendChoice, BackendKind, KeychainBackend, KeychainError, KeychainPath,
};
use crate::host::node::{self, OsFamily, User};
use crate::host::run_id::RunId;
use crate::host::session::KeychainWork;
use crate::host::state_dir::StateDir;
use crate::host::{directories, owned_files};
use crate::ledger::audit::AuditLog;

/// Where the audit log, journals and locks lie, as an absolute path.
///
/// # Errors
/// Nothing says where.
pub fn directory(world: &World) -> Result<StateDir, Failure> {
    let named = world.global.state_dir.clone().or_else(|| {
        directories::state(
            OsFamily::current(),
            world.home.as_deref(),
            world.xdg_state_home.as_deref(),
        )
    });
    let path = named.ok_or_else(|| {
        Failure::input("no home directory is known to keep state in: name one with --state-dir")
    })?;
    let path = std::path::absolute(&path)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
    StateDir::new(path).map_err(Failure::usage)
}

/// The audit log's path.
///
/// # Errors
/// Nothing says where the state directory is.
pub fn audit_path(world: &World) -> Result<PathBuf, Failure> {
    Ok(directory(world)?.audit_log())
}

/// In whose name this process records.
///
/// # Errors
/// The machine has no usable name.
pub fn actor(world: &World, region: Option<RegionName>) -> Result<Actor, Failure> {
    Ok(Actor {
        who: User::current(world.login_name.as_deref()).to_string(),
        host: node::host_name().map_err(Failure::input)?,
        region,
        job: world.job.clone(),
    })
}

/// The audit log at `path`, written in the name of `actor`.
pub fn audit_log_at(path: PathBuf, actor: Actor) -> AuditLog {
    AuditLog::new(path, actor, Box::new(SystemClock))
}

/// The audit log; its directory is made if it is not there.
///
/// # Errors
/// The directory cannot be made, or is not ours alone.
pub fn audit_log(world: &World, region: Option<RegionName>) -> Result<AuditLog, Failure> {
    owned_files::make_directory(directory(world)?.path()).map_err(Failure::input)?;
    Ok(audit_log_at(audit_path(world)?, actor(world, region)?))
}

/// Which keychain is meant.
#[derive(Debug, Args)]
pub struct KeychainArguments {
    /// The keychain [default: the policy's `keychain.path`].
    #[arg(long, value_name = "PATH", help_heading = "Keychain")]
    pub keychain: Option<PathBuf>,
    /// What kind of keychain it is [default: macos on a Mac, unless PATH ends in .p12; portable elsewhere].
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Keychain")]
    pub backend: Option<Backend>,
    /// A directory with another `security` and `codesign` than Apple's, for rehearsals.
    #[arg(long, value_name = "DIR", hide = true)]
    pub tools: Option<PathBuf>,
}

/// Kinds of keychains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A macOS keychain, through Apple's `security`.
    Macos,
    /// A PKCS#12 file, on any system.
    Portable,
}

/// A keychain with its backend.
pub struct Chosen {
    /// Where.
    pub path: KeychainPath,
    /// Which backend, for another process.
    pub choice: BackendChoice,
    /// The backend.
    pub backend: Box<dyn KeychainBackend>,
    /// The state directory.
    pub state: StateDir,
}

impl KeychainArguments {
    /// The backend that is asked for.
    ///
    /// # Errors
    /// There is no home directory, or the system's keychain service cannot be had.
    pub fn choose(&self, policy: &Policy, world: &World) -> Result<Chosen, Failure> {
        let named = self.keychain.as_ref().or(policy.keychain.path.as_ref());
        let path = named.ok_or_else(|| {
            Failure::usage("no keychain is named: give --keychain, or keychain.path in the policy")
        })?;
        let path = std::path::absolute(path)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
        let path = KeychainPath::new(&without_parents(&path)).map_err(Failure::usage)?;
        let state = directory(world)?;
        let kind = match self.backend {
            Some(Backend::Macos) => BackendKind::MacOs,
            Some(Backend::Portable) => BackendKind::Portable,
            // No keychain of macOS is called so.
            None if path.as_str().ends_with(".p12") => BackendKind::Portable,
            None if OsFamily::current() == OsFamily::MacOs => BackendKind::MacOs,
            None => BackendKind::Portable,
        };
        let user = User::current(world.login_name.as_deref());
        let tools = self.tools.as_ref().map(std::path::absolute).transpose();
        let choice = BackendChoice::new(
            kind,
            tools.map_err(|error| Failure::input(format!("--tools: {error}")))?,
            world.home.clone().unwrap_or_else(|| "/".into()),
            &user.name.unwrap_or_else(|| user.id.to_string()),
        )
        .map_err(Failure::usage)?;
        let backend = choice.build(&state).map_err(Failure::keychain)?;
        Ok(Chosen {
            path,
            choice,
            backend,
            state,
        })
    }

    /// The identities of the keychain, where one was named on the command line.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn identities_if_named(&self, world: &World) -> Result<Option<Identities>, Failure> {
        if self.keychain.is_none() {
            return Ok(None);
        }
        // Where a keychain is named, nothing of the policy is needed to find it.
        let policy = Policy::builtin(world.home.as_deref());
        self.choose(&policy, world)?.identities().map(Some)
    }
}

impl Chosen {
    /// What the gate judges of this keychain.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn identities(&self) -> Result<Identities, Failure> {
        let certificates = self
            .backend
            .identities(&self.path)
            .map_err(Failure::keychain)?;
        let identities: Result<Vec<Identity>, _> = certificates
            .into_iter()
            .map(|certificate| {
                Ok(Identity {
                    sha1: certificate.sha1,
                    sha256: Some(certificate.sha256),
                    problem: self.backend.problem(&certificate)?,
                    expires: Some(certificate.validity.not_after),
                    label: certificate.common_name,
                })
            })
            .collect();
        Ok(Identities {
            source: self.path.to_string(),
            identities: identities.map_err(|error: KeychainError| Failure::keychain(error))?,
            compatible: None,
        })
    }

    /// What a session works with: this keychain, as `run`, in this process's name.
    ///
    /// # Errors
    /// The machine has no usable name, or our own program cannot be found.
    pub fn work<'a>(
        &'a self,
        run: &RunId,
        log: &'a AuditLog,
        region: Option<RegionName>,
        world: &World,
    ) -> Result<KeychainWork<'a>, Failure> {
        Ok(KeychainWork {
            run: run.clone(),
            keychain: self.path.clone(),
            backend: self.backend.as_ref(),
            choice: self.choice.clone(),
            state: &self.state,
            actor: actor(world, region)?,
            program: std::env::current_exe().map_err(|error| {
                Failure::keychain(format!("cannot find our own program: {error}"))
            })?,
            witness: log,
            clock: &SystemClock,
        })
    }

    /// Where `keychain create` keeps the password that it makes: one file for each keychain.
    pub fn password_path(&self) -> PathBuf {
        self.state.password(&self.path)
    }

    /// The password: handed in, or kept.
    ///
    /// # Errors
    /// Neither.
    pub fn password(&self, handed_in: &KeychainPasswordArguments) -> Result<Password, Failure> {
        if let Some(password) = handed_in.read()? {
            return Ok(password);
        }
        self.kept_password(&self.password_path())
    }

    fn kept_password(&self, path: &Path) -> Result<Password, Failure> {
        let bytes = owned_files::read(path, MAX_PASSWORD).map_err(|error| {
            if error.is_not_found() {
                Failure::keychain(format!(
                    "no password is kept for {}: hand it in with --keychain-password-file, --keychain-password-fd or \
                     --keychain-password-env; if nobody knows it, make the keychain anew with `countersign keychain \
                     destroy`, `create` and `import`",
                    self.path
                ))
            } else {
                Failure::keychain(error)
            }
        })?;
        Password::from_file_bytes(bytes)
            .map_err(|error| Failure::keychain(format!("{}: {error}", path.display())))
    }
}

/// An absolute path without `..`: a policy names its keychain relative to itself.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The longest password file that is ours.
const MAX_PASSWORD: usize = 4_096;
