//! Errors: we could not look, or could not act.
//!
//! A finding says that something that we looked at is not right. An error says that looking or acting failed. The two
//! are different types and have different exit codes.
//!
//! Every error type of the library implements [`Explain`]: its `Display` says what happened, in one sentence and
//! without advice; [`Explain::code`] is the stable word that programs match on; [`Explain::hint`] says what to do in
//! this case; [`Explain::remedy`] names the step of countersign that helps, if there is one. Only `cli` contains the
//! words of the command line. It also derives the exit code from the error's code.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::finding::Place;
use super::remedy::Remedy;

/// Declares every error code once: variant and kebab-case word.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        /// What kind of error it is: a stable word for programs, with a heading in `docs/errors.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The public word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

error_codes! {
    /// The command line cannot be used.
    Usage = "usage";
    /// A file or directory does not exist.
    FileMissing = "file-missing";
    /// A file or directory exists but cannot be read.
    FileUnreadable = "file-unreadable";
    /// A file was read, but its content is wrong.
    FileMalformed = "file-malformed";
    /// An output cannot be written; the earlier file is unchanged.
    OutputNotWritten = "output-not-written";
    /// A file or directory of the state directory belongs to others, or others may read or write it.
    StateNotPrivate = "state-not-private";
    /// Another process has held a lock for too long.
    LockHeld = "lock-held";
    /// An action cannot be recorded in the audit log, so it does not happen.
    NotRecorded = "not-recorded";
    /// The audit log is gone or empty, but receipts tell of its records.
    AuditLogLost = "audit-log-lost";
    /// The journal of a run cannot be written or read.
    JournalUnusable = "journal-unusable";
    /// A file is neither as a step found it nor as it leaves it: somebody else changed it.
    FileChanged = "file-changed";
    /// An envelope cannot be signed.
    SigningFailed = "signing-failed";
    /// A password cannot be read.
    PasswordUnavailable = "password-unavailable";
    /// The keychain's password cannot be served to runs.
    PasswordNotServed = "password-not-served";
    /// This machine has no name that can be used.
    HostUnnamed = "host-unnamed";
    /// What was asked for exists on macOS alone.
    MacRequired = "mac-required";
    /// The API key of App Store Connect cannot be used.
    PortalKeyUnusable = "portal-key-unusable";
    /// App Store Connect gave no answer.
    PortalUnreachable = "portal-unreachable";
    /// App Store Connect refused a request.
    PortalRefused = "portal-refused";
    /// App Store Connect answers no more requests for now.
    PortalLimited = "portal-limited";
    /// App Store Connect gave an answer that cannot be used.
    PortalAnswerMalformed = "portal-answer-malformed";
    /// Successors were to be made, and the work is not finished.
    RenewalUnfinished = "renewal-unfinished";
    /// No keychain exists at the path.
    KeychainMissing = "keychain-missing";
    /// A keychain already exists at the path.
    KeychainExists = "keychain-exists";
    /// Countersign did not make this keychain for this user, or the path cannot be that of a keychain.
    KeychainNotOurs = "keychain-not-ours";
    /// The keychain is open for somebody else.
    KeychainInUse = "keychain-in-use";
    /// The password does not open the keychain.
    KeychainWrongPassword = "keychain-wrong-password";
    /// The keychain's tool or service failed.
    KeychainFailed = "keychain-failed";
    /// The gate's clearance does not open this keychain now.
    ClearanceRefused = "clearance-refused";
    /// The session cannot be guarded: no watchdog, no signals, no protected memory.
    SessionUnguarded = "session-unguarded";
    /// The command cannot be started.
    CommandNotStarted = "command-not-started";
    /// Something unforeseen happened: a defect of countersign.
    Unexpected = "unexpected";
}

/// What an error concerns: exit codes tell errors apart no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorArea {
    /// What was asked for.
    Usage,
    /// What is read, written, recorded or asked of this machine.
    Files,
    /// The keychain: opening, closing or changing it.
    Keychain,
    /// The command that runs while the keychain is open.
    Command,
    /// This program.
    Defect,
}

impl ErrorCode {
    /// What an error of this code concerns.
    pub fn area(self) -> ErrorArea {
        match self {
            Self::Usage => ErrorArea::Usage,
            Self::FileMissing
            | Self::FileUnreadable
            | Self::FileMalformed
            | Self::OutputNotWritten
            | Self::FileChanged
            | Self::StateNotPrivate
            | Self::LockHeld
            | Self::NotRecorded
            | Self::AuditLogLost
            | Self::JournalUnusable
            | Self::SigningFailed
            | Self::PasswordUnavailable
            | Self::PasswordNotServed
            | Self::HostUnnamed
            | Self::MacRequired
            | Self::PortalKeyUnusable
            | Self::PortalUnreachable
            | Self::PortalRefused
            | Self::PortalLimited
            | Self::PortalAnswerMalformed
            | Self::RenewalUnfinished => ErrorArea::Files,
            Self::KeychainMissing
            | Self::KeychainExists
            | Self::KeychainNotOurs
            | Self::KeychainInUse
            | Self::KeychainWrongPassword
            | Self::KeychainFailed
            | Self::ClearanceRefused
            | Self::SessionUnguarded => ErrorArea::Keychain,
            Self::CommandNotStarted => ErrorArea::Command,
            Self::Unexpected => ErrorArea::Defect,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An error that can be told to a person and to a program.
pub trait Explain: std::error::Error {
    /// What kind of error it is.
    fn code(&self) -> ErrorCode;

    /// What to do about it, as an imperative; nothing where the message says all there is to say.
    fn hint(&self) -> Option<String> {
        None
    }

    /// The step of countersign that mends it.
    fn remedy(&self) -> Option<Remedy> {
        None
    }

    /// Where: the file, the line.
    fn place(&self) -> Place {
        Place::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kebab_case_unique_and_what_serde_writes() {
        let mut words = Vec::new();
        for code in ErrorCode::ALL {
            let word = code.as_str();
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert_eq!(serde_json::to_string(code).unwrap(), format!("{word:?}"));
            words.push(word);
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorCode::ALL.len());
    }
}
