//! The socket on which a helper listens.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use super::admission::Admission;
use super::error::PasswordServiceError;
use crate::host::owned_files::check_unsteerable;

/// A socket on which runs of one user ask. It goes with its value.
#[derive(Debug)]
pub struct Listener {
    pub(super) listener: UnixListener,
    socket: PathBuf,
    pub(super) admission: Admission,
    user: u32,
}

impl Listener {
    /// Listens at `socket` for runs of `user`. Whoever may not ask cannot connect either. Until a `Server` serves, they wait.
    ///
    /// # Errors
    /// The system does not tell who is at the other end of a socket; jobs of the user could steer the program or the socket; or
    /// something listens there.
    pub fn bind(socket: &Path, user: u32) -> Result<Self, PasswordServiceError> {
        if rustix::process::geteuid().as_raw() == user {
            return Err(PasswordServiceError::Unsafe {
                why: format!("it would be held by user {user}, whose own jobs ask for it"),
                hint: "start the helper as another user".into(),
            });
        }
        let admission = Admission::new(user)?;
        check_unsteerable(socket.parent().unwrap_or(Path::new("/")), user)?;
        match bind(socket, &admission) {
            Ok(listener) => Ok(Self {
                listener,
                socket: socket.to_owned(),
                admission,
                user,
            }),
            Err(source) => Err(PasswordServiceError::NotListening {
                socket: socket.to_owned(),
                source,
            }),
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The user whose runs may ask.
    pub fn user(&self) -> u32 {
        self.user
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
impl Listener {
    /// One that admits this very process, which no program would make.
    #[allow(clippy::unwrap_used, reason = "a test")]
    pub(super) fn of_this_process(socket: &Path, user: u32) -> Self {
        let admission = Admission::of_this_process();
        Self {
            listener: bind(socket, &admission).unwrap(),
            socket: socket.to_owned(),
            admission,
            user,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

/// Listens at `socket`, which nobody may connect to before its permissions are right.
fn bind(socket: &Path, admission: &Admission) -> io::Result<UnixListener> {
    match fs::symlink_metadata(socket) {
        Ok(metadata) => {
            let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
            if !is_ours || !metadata.file_type().is_socket() {
                return Err(io::Error::other("something else is there"));
            }
            if UnixStream::connect(socket).is_ok() {
                return Err(io::Error::other("another server listens there"));
            }
            // Its server was killed.
            fs::remove_file(socket)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let bound = UnixListener::bind(socket);
    umask(before);
    let listener = bound?;
    admission.open_socket(socket)?;
    Ok(listener)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_taken_from_a_dead_server_and_from_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let listener = Listener::of_this_process(&socket, 61_001);
        let admission = Admission::of_this_process();
        let error = bind(&socket, &admission).unwrap_err();
        assert!(error.to_string().contains("listens"), "{error}");
        drop(listener);
        assert!(
            !socket.exists(),
            "a server that ends takes its socket along"
        );
        // One that is killed does not.
        drop(bind(&socket, &admission).unwrap());
        drop(bind(&socket, &admission).unwrap());
        fs::remove_file(&socket).unwrap();
        fs::write(&socket, "a file").unwrap();
        let error = bind(&socket, &admission).unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
    }
}
