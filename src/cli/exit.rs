//! Exit codes: one table, printed by `countersign help exit-codes`.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is so.
    Fine,
    /// Something happened that this program did not foresee.
    Unexpected,
    /// The command line cannot be used.
    Usage,
    /// Findings block: what was looked at is not right.
    Blocked,
    /// An input could not be read, or an output not written: we could not look.
    Input,
    /// The keychain could not be opened, closed or changed.
    Keychain,
    /// The window ended and the child was stopped.
    WindowEnded,
    /// Custody refused the request.
    CustodyRefused,
    /// What the command that `run` ran ended with: its own code, or 128 + the signal's number.
    Child(u8),
}

impl Exit {
    /// Every way to end, in the order of its number.
    pub const ALL: &'static [Exit] = &[
        Self::Fine,
        Self::Unexpected,
        Self::Usage,
        Self::Blocked,
        Self::Input,
        Self::Keychain,
        Self::WindowEnded,
        Self::CustodyRefused,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Blocked => 10,
            Self::Input => 11,
            Self::Keychain => 12,
            Self::WindowEnded => 13,
            Self::CustodyRefused => 14,
            Self::Child(code) => code,
        }
    }

    /// What it means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Unexpected => "unexpected: a defect of countersign, please report it",
            Self::Usage => "usage: the command line cannot be used",
            Self::Blocked => "blocked by findings: something is not right",
            Self::Input => "an input could not be read or an output not written",
            Self::Keychain => "the keychain could not be opened, closed or changed",
            Self::WindowEnded => "the window ended and the child was stopped",
            Self::CustodyRefused => "custody refused the request",
            Self::Child(_) => "the code of the command that `run` ran",
        }
    }

    /// The whole table.
    pub fn table() -> String {
        let rows: Vec<String> = Self::ALL
            .iter()
            .map(|exit| format!("{:>3}  {}", exit.code(), exit.meaning()))
            .collect();
        format!(
            "Exit codes of countersign:\n\n{}\n\n`run` ends with the code of its command, with 128 + N if signal N \
             ended the command,\nor with 126 if the command cannot be started. If the code is 10 to 13, the receipt tells \
             whether it\nis the command's or countersign's.\n",
            rows.join("\n")
        )
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
