//! A run whose password another user's helper holds, and what a process begins with on either side.
//!
//! The helper says by which policy and manifest the gate judges, which keychain is opened, and where state lies: a job could
//! name others, or set another home. What a person names besides must be the same.

use std::io;
use std::path::{Path, PathBuf};

use super::selected::{Selection, absolute};
use crate::base::error::ErrorCode;
use crate::host::directories;
use crate::host::node::Account;
use crate::host::password_service::{Connection, Listener, Offer, PasswordServiceError, Terms};
use crate::host::process::{drop_set_group_id, has_set_group_id};
use crate::ops::error::Error;
use crate::ops::world::World;

/// Where the helper listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSocket {
    /// Here.
    Named(PathBuf),
    /// Where it usually does, if it does, and if this program may ask it.
    Usual,
}

/// What a process does with the right of a set-group-ID program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    None,
    /// It asks a helper for a password.
    Ask(PasswordSocket),
    /// It is the helper.
    Serve {
        /// The user whose runs may ask: a name of `/etc/passwd`, or a number.
        user: String,
        /// Where it listens; without it, where that user's runs look.
        socket: Option<PathBuf>,
    },
}

/// What a process has begun with.
#[derive(Debug)]
pub enum Begun {
    /// Nothing.
    Plain,
    /// The offer of a helper.
    Offered(Offer),
    /// A socket, as a helper.
    Listening(Listener),
}

impl Begun {
    /// The offer of a helper, if there is one.
    pub fn offer(self) -> Option<Offer> {
        match self {
            Self::Offered(offer) => Some(offer),
            Self::Plain | Self::Listening(_) => None,
        }
    }

    /// The socket of a helper.
    ///
    /// # Errors
    /// The process did not begin as one: a defect.
    pub fn listener(self) -> Result<Listener, Error> {
        match self {
            Self::Listening(listener) => Ok(listener),
            Self::Plain | Self::Offered(_) => Err(Error::unexpected("there is no socket")),
        }
    }
}

/// Uses the right of a set-group-ID program for the one thing that it is for, and gives it up. Every process begins with this:
/// it may have read nothing of a job's and started nothing yet.
///
/// # Errors
/// The helper cannot be asked, or the socket not be made; or the right stays, and then the process must end.
pub fn begin(role: Role) -> Result<Begun, Error> {
    enum Right {
        Unused,
        Connected(Connection),
        Listening(Listener),
    }
    let used = match role {
        Role::None => Ok(Right::Unused),
        Role::Ask(socket) => connect(socket)
            .map(|connection| connection.map_or(Right::Unused, Right::Connected))
            .map_err(Error::from),
        Role::Serve { user, socket } => listen(&user, socket).map(Right::Listening),
    };
    drop_set_group_id().map_err(|error| {
        let message = format!("the group of the program cannot be given up: {error}");
        Error::new(ErrorCode::SessionUnguarded, message)
            .hint("install the program with mode 755, or set-group-ID as the documentation says")
    })?;
    Ok(match used? {
        Right::Unused => Begun::Plain,
        Right::Connected(connection) => Begun::Offered(connection.hear_terms()?),
        Right::Listening(listener) => Begun::Listening(listener),
    })
}

fn connect(socket: PasswordSocket) -> Result<Option<Connection>, PasswordServiceError> {
    let user = rustix::process::getuid().as_raw();
    match socket {
        PasswordSocket::Named(socket) => Connection::open(&socket).map(Some),
        PasswordSocket::Usual if !has_set_group_id() => Ok(None),
        PasswordSocket::Usual => match Connection::open(&directories::password_socket(user)) {
            // No helper is set up for this user.
            Err(PasswordServiceError::NotConnected { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            connection => connection.map(Some),
        },
    }
}

fn listen(user: &str, socket: Option<PathBuf>) -> Result<Listener, Error> {
    let account = Account::find(user).ok_or_else(|| {
        let message = format!("there is no user {user} in /etc/passwd");
        Error::new(ErrorCode::Usage, message).hint("name the user by number")
    })?;
    let socket = match socket {
        Some(socket) => absolute(&socket)?,
        None => directories::password_socket(account.id),
    };
    Ok(Listener::bind(&socket, account.id)?)
}

/// Makes the helper's terms those of `world`.
///
/// # Errors
/// Somebody named something else.
pub fn accept(terms: &Terms, world: &mut World) -> Result<(), Error> {
    let places = &mut world.places;
    for (what, named, served) in [
        ("policy", &mut places.policy, &terms.policy),
        ("manifest", &mut places.manifest, &terms.manifest),
    ] {
        agree(what, named.as_deref(), served)?;
        *named = Some(served.clone());
    }
    agree(
        "state directory",
        places.state_dir.as_deref(),
        terms.state.path(),
    )?;
    places.state_dir = Some(terms.state.path().to_owned());
    if world.surroundings.tools.is_some() {
        return Err(disagree("the helper's password is for Apple's own tools"));
    }
    if !places.profiles.is_empty() {
        return Err(disagree(
            "the policy of the helper names the directories of profiles",
        ));
    }
    world.surroundings.home = Some(terms.home.clone());
    world.surroundings.xdg_state_home = None;
    Ok(())
}

/// The keychain of the terms. What `selection` names must be the same.
///
/// # Errors
/// It names something else.
pub fn select(selection: &Selection, terms: &Terms) -> Result<Selection, Error> {
    agree("keychain", selection.path.as_deref(), &terms.keychain)?;
    if selection.backend.is_some_and(|kind| kind != terms.backend) {
        return Err(disagree(&format!(
            "the helper's keychain is a {} one",
            terms.backend
        )));
    }
    Ok(Selection {
        path: Some(terms.keychain.clone()),
        backend: Some(terms.backend),
    })
}

fn agree(what: &str, named: Option<&Path>, served: &Path) -> Result<(), Error> {
    match named {
        Some(named) if absolute(named)? != served => Err(disagree(&format!(
            "the helper that holds the password is for the {what} {}, but {} is named",
            served.display(),
            named.display()
        ))),
        _ => Ok(()),
    }
}

fn disagree(message: &str) -> Error {
    Error::new(ErrorCode::Usage, message).hint("leave the option out: the helper says what applies")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::keychain::BackendKind;
    use crate::host::state_dir::StateDir;

    fn terms() -> Terms {
        Terms {
            keychain: "/home/ci/ci.p12".into(),
            backend: BackendKind::Portable,
            policy: "/etc/countersign/signing.toml".into(),
            manifest: "/etc/countersign/profiles.json".into(),
            state: StateDir::new("/home/ci/state").unwrap(),
            home: "/home/ci".into(),
        }
    }

    #[test]
    fn only_the_keychain_of_the_terms_is_opened() {
        let selection = Selection::default();
        let selected = select(&selection, &terms()).unwrap();
        assert_eq!(selected.path.as_deref(), Some(Path::new("/home/ci/ci.p12")));
        assert_eq!(selected.backend, Some(BackendKind::Portable));
        let same = Selection {
            path: Some("/home/ci/ci.p12".into()),
            backend: Some(BackendKind::Portable),
        };
        assert!(select(&same, &terms()).is_ok());
        for other in [
            Selection {
                path: Some("/home/ci/other.p12".into()),
                ..Selection::default()
            },
            Selection {
                backend: Some(BackendKind::MacOs),
                ..Selection::default()
            },
        ] {
            let error = select(&other, &terms()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Usage, "{error}");
        }
    }

    #[test]
    fn without_a_right_the_usual_helper_is_not_looked_for() {
        let usual = Role::Ask(PasswordSocket::Usual);
        assert!(matches!(begin(usual).unwrap(), Begun::Plain));
        assert!(matches!(begin(Role::None).unwrap(), Begun::Plain));
        let nowhere = PathBuf::from("/nonexistent/socket");
        let error = begin(Role::Ask(PasswordSocket::Named(nowhere))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PasswordUnavailable);
    }
}
