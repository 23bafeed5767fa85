//! Why a session did not do what was asked.

use std::io;

use crate::base::error::{ErrorCode, Explain};
use crate::base::event::WitnessError;
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
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
    #[error("the keychain is closed, but the closing is not recorded: {cause}", cause = .0.cause())]
    NotRecorded(#[source] WitnessError),
    /// The clearance expired while other runs held the lock.
    #[error(transparent)]
    NotCleared(#[from] NotCleared),
    /// A signal came while other runs held the lock.
    #[error("the run was stopped while it waited for other runs; nothing was opened")]
    Stopped,
    /// The command could not be started. The keychain is closed.
    #[error("{0}; the keychain was opened for it and is closed again")]
    Command(#[source] ProcessError),
    /// The watchdog could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The watchdog did not get ready.
    #[error("nothing was opened, because the watchdog did not start: {0}")]
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

impl SessionError {
    /// The error of another room that this one passes on.
    fn cause(&self) -> Option<&dyn Explain> {
        match self {
            Self::Keychain(error) => Some(error),
            Self::Journal(error) => Some(error),
            Self::Witness(error) | Self::NotRecorded(error) => Some(error),
            Self::NotCleared(error) => Some(error),
            Self::Command(error) | Self::Process(error) => Some(error),
            Self::Stopped | Self::NoWatchdog(_) | Self::Io { .. } => None,
        }
    }
}

impl Explain for SessionError {
    fn code(&self) -> ErrorCode {
        match (self, self.cause()) {
            (Self::Command(_), _) => ErrorCode::CommandNotStarted,
            (Self::Stopped, _) => ErrorCode::KeychainFailed,
            (_, Some(cause)) => cause.code(),
            (_, None) => ErrorCode::SessionUnguarded,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotRecorded(error) => {
                let then = "then recover this run, which records the closing";
                Some(match error.hint() {
                    Some(hint) => format!("{hint}; {then}"),
                    None => format!("mend that; {then}"),
                })
            }
            _ => self.cause()?.hint(),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::NotRecorded(_) => Some(Remedy::RecoverKeychains),
            _ => self.cause()?.remedy(),
        }
    }

    fn place(&self) -> Place {
        self.cause().map(Explain::place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::host::owned_files::OwnedFileError;

    fn journal() -> JournalError {
        JournalError::Damaged {
            path: PathBuf::from("/s/runs/one.json"),
            why: "EOF".to_owned(),
        }
    }

    fn witness() -> WitnessError {
        WitnessError::new(OwnedFileError::Link {
            path: PathBuf::from("/s/audit.jsonl"),
        })
    }

    /// What another room says of its error reaches the user.
    #[test]
    fn an_error_of_another_room_is_passed_on() {
        for (error, cause) in [
            (SessionError::from(journal()), &journal() as &dyn Explain),
            (SessionError::from(witness()), &witness()),
            (
                SessionError::from(NotCleared::ForVerdict),
                &NotCleared::ForVerdict,
            ),
        ] {
            assert!(cause.hint().is_some());
            assert_eq!(error.hint(), cause.hint());
            assert_eq!(error.remedy(), cause.remedy());
            assert_eq!(error.place(), cause.place());
            assert_eq!(error.code(), cause.code());
        }
        let none = SessionError::Stopped;
        assert_eq!((none.hint(), none.remedy()), (None, None));
    }

    #[test]
    fn a_closing_that_is_not_recorded_is_recovered_once_the_log_is_mended() {
        let error = SessionError::NotRecorded(witness());
        let hint = error.hint().unwrap();
        assert!(hint.starts_with(&witness().hint().unwrap()), "{hint}");
        assert!(
            hint.ends_with("; then recover this run, which records the closing"),
            "{hint}"
        );
        assert_eq!(error.remedy(), Some(Remedy::RecoverKeychains));
        assert_eq!(error.place().file.as_deref(), Some("/s/audit.jsonl"));
        assert_eq!(error.code(), witness().code());
    }
}
