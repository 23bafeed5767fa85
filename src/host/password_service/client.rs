//! The client: a run that asks for the keychain's password.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::PasswordServiceError;
use super::line;
use super::protocol::{Answer, Question, Terms};
use crate::base::secret::Password;
use crate::context::gate::Cleared;
use crate::host::run_id::RunId;

/// A connection to the helper; nothing has been said yet.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    socket: PathBuf,
}

impl Connection {
    /// Connects to the helper at `socket`. No process that is started inherits the connection.
    ///
    /// # Errors
    /// Nobody listens there, or this process may not connect.
    pub fn open(socket: &Path) -> Result<Self, PasswordServiceError> {
        match UnixStream::connect(socket) {
            Ok(stream) => Ok(Self {
                stream,
                socket: socket.to_owned(),
            }),
            Err(source) => Err(PasswordServiceError::NotConnected {
                socket: socket.to_owned(),
                source,
            }),
        }
    }

    /// Hears for what the helper gives the password.
    ///
    /// # Errors
    /// It does not admit this process, or says something else.
    pub fn hear_terms(self) -> Result<Offer, PasswordServiceError> {
        let terms = self.read()?;
        Ok(Offer {
            connection: self,
            terms,
        })
    }

    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, PasswordServiceError> {
        line::read(&self.stream, PATIENCE).map_err(|source| self.lost(source))
    }

    fn lost(&self, source: std::io::Error) -> PasswordServiceError {
        PasswordServiceError::Lost {
            socket: self.socket.clone(),
            source,
        }
    }
}

/// The helper's offer: the password, once, for what the gate clears by its terms.
#[derive(Debug)]
pub struct Offer {
    connection: Connection,
    terms: Terms,
}

impl Offer {
    /// What the password is given for.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Where the helper listens.
    pub fn socket(&self) -> &Path {
        &self.connection.socket
    }

    /// Asks for the password, in the name of `run`, with the clearance that the gate gave by the terms.
    ///
    /// # Errors
    /// The helper refuses, or is gone.
    pub fn ask(self, run: &RunId, cleared: &Cleared) -> Result<Password, PasswordServiceError> {
        let question = Question {
            run: run.clone(),
            policy: cleared.policy(),
            manifest: cleared.manifest(),
            plan: cleared.plan_digest(),
            cleared_until: cleared.until(),
        };
        let connection = self.connection;
        line::write(&connection.stream, &question).map_err(|source| connection.lost(source))?;
        match connection.read()? {
            Answer::Password(text) => Ok(Password::new(text)),
            Answer::Refused(why) => Err(PasswordServiceError::Refused {
                socket: connection.socket,
                why,
            }),
        }
    }
}

/// How long the helper may take to say something; it waits for a disk at most.
const PATIENCE: Duration = Duration::from_secs(20);
