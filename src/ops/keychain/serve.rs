//! Holds a keychain's password for the runs of another user.

use std::io;
use std::path::{Path, PathBuf};

use super::selected::{Selection, absolute, kind_of};
use super::work;
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event, Outcome, Witness as _};
use crate::base::remedy::Remedy;
use crate::context::manifest::Manifest;
use crate::context::policy::{self, Policy};
use crate::host::directories;
use crate::host::files::read_bounded;
use crate::host::keychain::KeychainPath;
use crate::host::node::{Account, OsFamily};
use crate::host::password_service::{Listener, Server, Terms};
use crate::host::secret_source::SecretSource;
use crate::host::state_dir::StateDir;
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;
use crate::ops::{audit_log, password};

/// What is served, and to whom. The policy and the manifest are those of the world, and its state directory keeps the
/// server's own audit log.
#[derive(Debug)]
pub struct ServeRequest {
    /// Where runs of the user ask.
    pub listener: Listener,
    /// The user's home directory; without it, the one of `/etc/passwd`.
    pub home: Option<PathBuf>,
    /// Their keychain.
    pub keychain: Selection,
    /// The state directory of their runs; without it, the usual one of that home.
    pub run_state: Option<PathBuf>,
    /// Where the password comes from.
    pub password: SecretSource,
}

/// A server that listens.
#[derive(Debug)]
pub struct Serving<'a> {
    /// Where.
    pub socket: &'a Path,
    /// What the password is given for.
    pub terms: &'a Terms,
}

/// Serves until the process ends; `announce` is called once runs can ask.
///
/// # Errors
/// The jobs of that user could read the password or steer what it is given for; or the server cannot listen.
pub fn serve(
    request: ServeRequest,
    world: &World,
    announce: &mut dyn FnMut(&Serving<'_>) -> io::Result<()>,
) -> Result<(), Failure> {
    work::prepare_process()?;
    password::keep_from_commands(Some(&request.password))?;
    let terms = terms(&request, world)?;
    check(&terms, world)?;
    let log = audit_log::open(world, None)?;
    let password = password::read(&request.password, world)?;
    let (socket, user) = (
        request.listener.socket().to_owned(),
        request.listener.user(),
    );
    let server = Server::new(request.listener, terms.clone())?;
    let event = Event::new(Action::PasswordServe, Outcome::Intended);
    log.record(
        &event
            .detail("keychain", terms.keychain.display())
            .detail("user", user),
    )?;
    let serving = Serving {
        socket: &socket,
        terms: &terms,
    };
    let failed = |error: io::Error| Error::new(ErrorCode::PasswordNotServed, error.to_string());
    announce(&serving).map_err(|error| {
        failed(error).preceded_by("the password is not served: the output cannot be written")
    })?;
    let served = server.serve(&password, &log);
    Ok(served.map_err(|error| failed(error).preceded_by("the password is not served any more"))?)
}

fn terms(request: &ServeRequest, world: &World) -> Result<Terms, Error> {
    let named = |what: &str, path: Option<&PathBuf>, remedy| {
        let path = path.ok_or_else(|| {
            Error::new(ErrorCode::Usage, format!("no {what} is named"))
                .hint(format!("name the {what} by which the gate judges"))
                .remedy(remedy)
        })?;
        absolute(path)
    };
    let user = request.listener.user();
    let home = request.home.clone();
    let home = home.or_else(|| Account::find(&user.to_string())?.home);
    let home = home.ok_or_else(|| {
        let message = format!("the home directory of user {user} is unknown");
        Error::new(ErrorCode::Usage, message).hint("name the home directory")
    })?;
    let home = absolute(&home)?;
    let usual = || directories::state(OsFamily::current(), Some(&home), None);
    let state = request.run_state.clone().or_else(usual);
    let state = absolute(&state.unwrap_or_else(|| home.clone()))?;
    let keychain = request.keychain.path.as_ref().ok_or_else(|| {
        Error::new(ErrorCode::Usage, "no keychain is named")
            .hint("name the keychain")
            .remedy(Remedy::NameKeychain)
    })?;
    let keychain = absolute(keychain)?;
    let as_ours = KeychainPath::new(&keychain)
        .map_err(|error| Error::from(error).with_code(ErrorCode::Usage))?;
    Ok(Terms {
        backend: match request.keychain.backend {
            Some(kind) => kind,
            None => kind_of(&as_ours),
        },
        keychain,
        policy: named("policy", world.places.policy.as_ref(), Remedy::NamePolicy)?,
        manifest: named(
            "manifest",
            world.places.manifest.as_ref(),
            Remedy::NameManifest,
        )?,
        state: StateDir::new(state)?,
        home,
    })
}

/// Whether policy and manifest can be used at all: better now than at night.
fn check(terms: &Terms, world: &World) -> Result<(), Failure> {
    let bytes = read_bounded(&terms.policy, policy::MAX_BYTES)?;
    Policy::parse_bytes(&bytes, &terms.policy, Some(&terms.home)).map_err(Failure::Blocked)?;
    let (_, _): (Manifest, Vec<u8>) = world.manifest_at(&terms.manifest)?;
    Ok(())
}
