//! The request for a session.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::clock::Clock;
use crate::base::event::{Actor, Witness};
use crate::base::secret::Password;
use crate::context::policy::OnStragglers;
use crate::host::keychain::{KeychainBackend, KeychainPath};
use crate::host::permit::OpenPermit;
use crate::host::process::Tool;
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// What is done with which keychain, in whose name, and who sees to its closing.
pub struct KeychainWork<'a> {
    /// The name of the run.
    pub run: RunId,
    /// The keychain.
    pub keychain: KeychainPath,
    /// Its backend.
    pub backend: &'a dyn KeychainBackend,
    /// The state directory.
    pub state: &'a StateDir,
    /// In whose name the watchdog records.
    pub actor: Actor,
    /// Our own program, as a watchdog.
    pub watchdog: Tool,
    /// Who records.
    pub witness: &'a dyn Witness,
    /// What time it is.
    pub clock: &'a dyn Clock,
}

/// Everything that a session needs; taken by value where it must not be used twice.
pub struct SessionRequest<'a> {
    /// Leave to open the keychain, once.
    pub permit: OpenPermit,
    /// With what and in whose name.
    pub work: KeychainWork<'a>,
    /// The keychain's password; dropped when the keychain is open.
    pub password: Password,
    /// How long the keychain may stay open.
    pub window: Duration,
    /// What becomes of processes that the command leaves running.
    /// `None` if this process has children of its own beside the session: then nothing is adopted, found or ended.
    pub on_stragglers: Option<OnStragglers>,
    /// When the hours in which unlocking is allowed end.
    pub closes: Option<Timestamp>,
}
