//! Other systems do not say which program is at the other end of a socket.
//!
//! macOS has an audit token for the process at the other end, and a code signature for that process. But `LOCAL_PEERTOKEN`
//! names the process that used the socket *last*, as it is *when somebody asks* (`uipc_ctloutput` in XNU's
//! `bsd/kern/uipc_usrreq.c`): a process that connects, leaves the socket to a sibling and becomes a signed program is taken
//! for that program, and the sibling reads the answer. A token that belongs to a message comes with Mach messages only,
//! which take unsafe code. So nothing is served there.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::host::password_service::error::PasswordServiceError;

/// There is none.
#[derive(Debug)]
pub(super) enum ProgramMark {}

impl ProgramMark {
    pub(super) fn new(_user: u32) -> Result<Self, PasswordServiceError> {
        Err(PasswordServiceError::Unsafe {
            why: "this system does not say which program is at the other end of a socket".into(),
            hint: "hand the password in with a descriptor".into(),
        })
    }

    pub(super) fn open_socket(&self, _socket: &Path) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn look_at(
        &self,
        _stream: &UnixStream,
    ) -> io::Result<(u32, Option<i32>, Result<(), String>)> {
        match *self {}
    }
}
