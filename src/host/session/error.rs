//! Why a session did not do what was asked.

use std::io;

use crate::base::event::WitnessError;
use crate::host::journal::JournalError;
use crate::host::keychain::KeychainError;
use crate::host::permit::NotCleared;
use crate::host::process::ProcessError;

/// Why a session did not do what was asked. The keychain is closed, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The keychain could not be opened or closed.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The journal could not be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Something could not be recorded, and so was not begun.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// Something was done and the keychain is closed, but the record of that is missing.
    #[error("it is done and the keychain is closed, but not recorded ({cause}); the next run or `countersign keychain recover` records it", cause = .0.cause())]
    NotRecorded(#[source] WitnessError),
    /// The clearance expired while other runs held the lock.
    #[error(transparent)]
    NotCleared(#[from] NotCleared),
    /// A signal came while other runs held the lock.
    #[error("stopped while it waited for other runs; nothing was opened")]
    Stopped,
    /// The command could not be started. The keychain is closed.
    #[error("{0}; the keychain was opened for it and is closed again")]
    Command(#[source] ProcessError),
    /// The watchdog could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The watchdog did not get ready.
    #[error("the watchdog did not get ready ({0}), so nothing was opened")]
    NoWatchdog(String),
    /// The system failed us.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

pub(in crate::host) fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> SessionError {
    move |source| SessionError::Io { doing, source }
}
