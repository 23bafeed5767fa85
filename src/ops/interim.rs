//! Codes of errors of other rooms, until each room explains its own.

use crate::base::error::{ErrorCode, Explain};
use crate::base::event::WitnessError;
use crate::host::files::{ReadError, ReadErrorKind, WriteError};
use crate::host::journal::JournalError;
use crate::host::keychain::KeychainError;
use crate::host::node::HostNameError;
use crate::host::owned_files::OwnedFileError;
use crate::host::permit::NotCleared;
use crate::host::process::ProcessError;
use crate::host::profile_store::DirectoryError;
use crate::host::secret_source::SecretError;
use crate::host::session::SessionError;
use crate::ledger::audit::AuditError;

macro_rules! explain {
    ($($error:ty => $code:expr;)*) => { $(
        impl Explain for $error {
            fn code(&self) -> ErrorCode {
                let code: fn(&$error) -> ErrorCode = $code;
                code(self)
            }
        }
    )* };
}

explain! {
    ReadError => |error| match error.kind {
        ReadErrorKind::Missing => ErrorCode::FileMissing,
        _ => ErrorCode::FileUnreadable,
    };
    WriteError => |_| ErrorCode::OutputNotWritten;
    OwnedFileError => |_| ErrorCode::StateNotPrivate;
    JournalError => |_| ErrorCode::JournalUnusable;
    KeychainError => |_| ErrorCode::KeychainFailed;
    HostNameError => |_| ErrorCode::HostUnnamed;
    ProcessError => |_| ErrorCode::SessionUnguarded;
    DirectoryError => |_| ErrorCode::FileUnreadable;
    SecretError => |_| ErrorCode::PasswordUnavailable;
    NotCleared => |_| ErrorCode::ClearanceRefused;
    AuditError => |_| ErrorCode::NotRecorded;
    WitnessError => |_| ErrorCode::NotRecorded;
    SessionError => |error| match error {
        SessionError::Witness(_) | SessionError::NotRecorded(_) => ErrorCode::NotRecorded,
        SessionError::Journal(_) => ErrorCode::JournalUnusable,
        SessionError::Command(_) => ErrorCode::CommandNotStarted,
        SessionError::Keychain(_) | SessionError::Stopped => ErrorCode::KeychainFailed,
        SessionError::NotCleared(_) => ErrorCode::ClearanceRefused,
        _ => ErrorCode::SessionUnguarded,
    };
}
