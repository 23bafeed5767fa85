//! Who may ask for the password: this program, started by one user, as the kernel tells it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::os::unix::net::UnixStream;
use std::path::Path;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::other as system;
use super::error::PasswordServiceError;

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// The number of its process, as far as it is known: for the record alone, since a number may be another's by now.
    pub(super) process: Option<i32>,
    /// Why it is not admitted.
    pub(super) refused: Option<String>,
}

/// Who is admitted.
#[derive(Debug)]
pub(super) struct Admission {
    user: u32,
    program: system::ProgramMark,
}

impl Admission {
    /// This program, started by `user`.
    ///
    /// # Errors
    /// The system does not tell this program from others: it is not installed as it must be.
    pub(super) fn new(user: u32) -> Result<Self, PasswordServiceError> {
        let program = system::ProgramMark::new(user)?;
        Ok(Self { user, program })
    }

    /// Lets those connect to `socket`, which is this user's alone, who may be admitted.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn open_socket(&self, socket: &Path) -> std::io::Result<()> {
        self.program.open_socket(socket)
    }

    /// Who is at the other end, and whether it is admitted.
    ///
    /// # Errors
    /// The system does not say.
    pub(super) fn peer(&self, stream: &UnixStream) -> std::io::Result<Peer> {
        let (user, process, is_program) = self.program.look_at(stream)?;
        let refused = if user != self.user {
            Some(format!("it was started by user {user}"))
        } else {
            is_program.err()
        };
        Ok(Peer { process, refused })
    }

    /// Admits the processes of this very user and group, which the kernel tells apart from no other.
    #[cfg(test)]
    #[cfg(target_os = "linux")]
    pub(super) fn of_this_process() -> Self {
        Self {
            user: rustix::process::geteuid().as_raw(),
            program: system::ProgramMark::of_this_process(),
        }
    }
}
