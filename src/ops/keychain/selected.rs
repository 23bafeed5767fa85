//! Which keychain is meant, and its password.

use std::path::{Component, Path, PathBuf};

use crate::base::error::ErrorCode;
use crate::base::ids::RegionName;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;
use crate::context::gate::facts::{Identities, Identity};
use crate::context::policy::Policy;
use crate::host::keychain::{
    BackendKind, Backends, KeptPassword, KeychainBackend, KeychainError, KeychainPath,
    PasswordSource,
};
use crate::host::node::{OsFamily, User};
use crate::host::process::Tool;
use crate::host::run_id::RunId;
use crate::host::secret_source::SecretSource;
use crate::host::session::KeychainWork;
use crate::host::state_dir::StateDir;
use crate::ledger::audit::AuditLog;
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;
use crate::ops::{audit_log, password};

/// What somebody says about which keychain is meant. The default is the policy's.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Where it lies; without it, where the policy says.
    pub path: Option<PathBuf>,
    /// Of what kind it is; without it, the path and the operating system tell.
    pub backend: Option<BackendKind>,
}

/// A keychain with its backend.
pub struct SelectedKeychain {
    /// Where.
    pub path: KeychainPath,
    /// The backend.
    pub backend: Box<dyn KeychainBackend>,
    /// The state directory.
    pub state: StateDir,
}

/// The keychain that `selection` means under `policy`.
///
/// # Errors
/// Nothing names a keychain, its path cannot be one, or the system's keychain service cannot be had.
pub fn select(
    selection: &Selection,
    policy: &Policy,
    world: &World,
) -> Result<SelectedKeychain, Error> {
    let named = selection.path.as_ref().or(policy.keychain.path.as_ref());
    let path = named.ok_or_else(|| {
        Error::new(ErrorCode::Usage, "no keychain is named")
            .hint("name a keychain, or set keychain.path in the policy")
            .remedy(Remedy::NameKeychain)
    })?;
    let path = KeychainPath::new(&without_parents(&absolute(path)?))
        .map_err(|error| Error::from(error).with_code(ErrorCode::Usage))?;
    let state = world.state_directory()?;
    let kind = selection.backend.unwrap_or_else(|| kind_of(&path));
    let backend = backends(world)?.build(kind, &state)?;
    Ok(SelectedKeychain {
        path,
        backend,
        state,
    })
}

/// As [`select`] under the policy in force. Where the keychain is named, the policy is not read: a broken policy must not
/// keep a keychain open.
///
/// # Errors
/// As there; without a name also if the policy cannot be used.
pub fn select_without_policy(
    selection: &Selection,
    world: &World,
) -> Result<SelectedKeychain, Failure> {
    let policy = match selection.path {
        Some(_) => Policy::builtin(world.home()),
        None => world.policy_or_defaults()?,
    };
    Ok(select(selection, &policy, world)?)
}

/// What this process makes backends of.
///
/// # Errors
/// The home directory is not absolute, or the login name is none.
pub fn backends(world: &World) -> Result<Backends, Error> {
    let home = world.home().unwrap_or(Path::new("/"));
    let tools = world.surroundings.tools.clone();
    Ok(Backends::new(home, &login_name(world), tools)?)
}

fn login_name(world: &World) -> String {
    let user = User::current(world.surroundings.login_name.as_deref());
    user.name.unwrap_or_else(|| user.id.to_string())
}

pub(super) fn kind_of(path: &KeychainPath) -> BackendKind {
    // No keychain of macOS is called so.
    if path.as_str().ends_with(".p12") || OsFamily::current() != OsFamily::MacOs {
        BackendKind::Portable
    } else {
        BackendKind::MacOs
    }
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| {
        Error::new(
            ErrorCode::FileUnreadable,
            format!("{}: {error}", path.display()),
        )
    })
}

/// An absolute path without `..`: a policy names its keychain relative to itself.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

impl SelectedKeychain {
    /// What the gate judges of this keychain.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn identities(&self) -> Result<Identities, Error> {
        let certificates = self.backend.identities(&self.path)?;
        let identities: Result<Vec<Identity>, KeychainError> = certificates
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
            identities: identities?,
            compatible: None,
        })
    }

    /// What a session works with: this keychain, as `run`, in this process's name.
    ///
    /// # Errors
    /// The machine has no usable name, or our own program is unknown.
    pub fn work<'a>(
        &'a self,
        run: &RunId,
        log: &'a AuditLog,
        region: Option<RegionName>,
        world: &'a World,
    ) -> Result<KeychainWork<'a>, Error> {
        let [program, words @ ..] = world.surroundings.program.as_slice() else {
            return Err(Error::new(
                ErrorCode::SessionUnguarded,
                "the path of this program is unknown, so no watchdog can be started",
            ));
        };
        let watchdog = Tool::new(program)
            .args(words)
            .arg("watchdog")
            .env("HOME", world.home().unwrap_or(Path::new("/")))
            .env("USER", login_name(world));
        Ok(KeychainWork {
            run: run.clone(),
            keychain: self.path.clone(),
            backend: self.backend.as_ref(),
            state: &self.state,
            actor: audit_log::actor(world, region)?,
            watchdog,
            witness: log,
            clock: world.clock.as_ref(),
        })
    }

    /// The file in which the password is kept that countersign makes for this keychain.
    pub fn kept_password(&self) -> KeptPassword {
        KeptPassword {
            path: self.state.password(&self.path),
        }
    }

    /// The password, handed in or kept, and which of the two.
    ///
    /// # Errors
    /// Neither.
    pub fn password(
        &self,
        handed_in: Option<&SecretSource>,
        world: &World,
    ) -> Result<(Password, PasswordSource), Error> {
        if let Some(source) = handed_in {
            return Ok((password::read_for_keychain(source, world)?, source.into()));
        }
        let kept = self.kept_password().read()?;
        let kept = kept.map(|password| (password, PasswordSource::KeptFile));
        kept.ok_or_else(|| {
            Error::new(
                ErrorCode::KeychainFailed,
                format!("no password is kept for {}", self.path),
            )
            .hint("pass the password; if nobody knows it, destroy the keychain, create it again and import its identities")
            .remedy(Remedy::GiveKeychainPassword)
        })
    }
}
