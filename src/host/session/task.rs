//! What is done while a keychain is open.

use std::ffi::OsString;
use std::io;

use crate::host::window::JobCommand;

/// What is done while the keychain is open.
pub enum Task<'a> {
    /// A command runs, with what the keychain shows it added to its environment.
    Run(JobCommand),
    /// Nothing: somebody else uses it until a signal comes or the window ends. Called with what the keychain shows.
    Hold(&'a mut Announce<'a>),
}

/// Says to somebody what an open keychain shows: variables and their values.
pub type Announce<'a> = dyn FnMut(&[(OsString, OsString)]) -> io::Result<()> + 'a;
