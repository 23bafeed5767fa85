//! The steps of the suite: what each claims, what it needs, and which rows of the README's status table it is about.
//!
//! This is the only list of them. What performs a step is in `suite`.

use schemars::JsonSchema;
use serde::Serialize;

/// A row of the status table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Row {
    /// Captures of `find-identity`.
    #[serde(rename = "`security find-identity` captures")]
    Captures,
    /// The window.
    #[serde(rename = "Keychain window, watchdog, `run`")]
    Window,
}

impl Row {
    /// Every row.
    pub const ALL: [Self; 2] = [Self::Captures, Self::Window];

    /// The first cell of the row.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Captures => "`security find-identity` captures",
            Self::Window => "Keychain window, watchdog, `run`",
        }
    }
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// `security` answers.
    Security,
    /// `openssl` makes an identity.
    Identity,
    /// A keychain is made.
    Create,
    /// The identity is imported.
    Import,
    /// Its key is opened to Apple's tools.
    PartitionList,
    /// It is listed.
    FindIdentity,
    /// `codesign` signs.
    Sign,
    /// The keychain is locked again.
    Relock,
    /// A command that hangs is ended.
    Hang,
    /// The run is killed.
    Watchdog,
    /// The run and its watchdog are killed.
    Recover,
    /// The keychain is deleted.
    Destroy,
    /// Everything is as it was.
    Restored,
}

impl Step {
    /// Every step, in the order in which they are taken.
    pub const ALL: [Self; 13] = [
        Self::Security,
        Self::Identity,
        Self::Create,
        Self::Import,
        Self::PartitionList,
        Self::FindIdentity,
        Self::Sign,
        Self::Relock,
        Self::Hang,
        Self::Watchdog,
        Self::Recover,
        Self::Destroy,
        Self::Restored,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Identity => "identity",
            Self::Create => "create",
            Self::Import => "import",
            Self::PartitionList => "partition-list",
            Self::FindIdentity => "find-identity",
            Self::Sign => "sign",
            Self::Relock => "relock",
            Self::Hang => "hang",
            Self::Watchdog => "watchdog",
            Self::Recover => "recover",
            Self::Destroy => "destroy",
            Self::Restored => "restored",
        }
    }

    /// What it claims, for people.
    pub fn claim(self) -> &'static str {
        match self {
            Self::Security => "security tells the search list and the default keychain",
            Self::Identity => "openssl makes a key, a certificate for code signing, and a p12",
            Self::Create => {
                "a new keychain is locked, in no search list, and not the default keychain"
            }
            Self::Import => "the identity is imported, and the keychain is locked again",
            Self::PartitionList => "security lets Apple's tools use the key without a dialog",
            Self::FindIdentity => "countersign reads what security find-identity prints",
            Self::Sign => "codesign signs a program with the key while the window is open",
            Self::Relock => "after the command the keychain is locked and out of the search list",
            Self::Hang => {
                "a command that hangs is stopped when the window ends, and the keychain is locked"
            }
            Self::Watchdog => "when the run is killed (SIGKILL), the watchdog locks the keychain",
            Self::Recover => {
                "when the watchdog is killed too, the next recovery locks the keychain"
            }
            Self::Destroy => "the keychain is deleted, and its file is gone",
            Self::Restored => "the search list and the default keychain are as they were",
        }
    }

    /// The steps without which it cannot be taken: they must have passed.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Security | Self::Identity => &[],
            Self::Create | Self::Restored => &[Self::Security],
            Self::Import => &[Self::Create, Self::Identity],
            Self::PartitionList | Self::FindIdentity => &[Self::Import],
            Self::Sign => &[Self::PartitionList],
            // Whether codesign signed or not, a window was open and is closed.
            Self::Relock => &[Self::PartitionList],
            Self::Hang | Self::Watchdog | Self::Recover | Self::Destroy => &[Self::Create],
        }
    }

    /// Whether it tidies up: it is taken also when somebody asked the suite to stop.
    pub fn tidies(self) -> bool {
        matches!(self, Self::Destroy | Self::Restored)
    }

    /// The rows of the status table that it is about.
    pub fn rows(self) -> &'static [Row] {
        match self {
            Self::FindIdentity => &[Row::Captures],
            _ => &[Row::Window],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_needs_only_what_comes_before_it() {
        for (at, step) in Step::ALL.iter().enumerate() {
            for needed in step.needs() {
                let before = Step::ALL.iter().position(|it| it == needed).unwrap();
                assert!(before < at, "{} needs {}", step.as_str(), needed.as_str());
            }
        }
    }

    #[test]
    fn the_words_are_those_of_the_document() {
        for step in Step::ALL {
            let word = serde_json::to_value(step).unwrap();
            assert_eq!(word, step.as_str());
        }
        for row in Row::ALL {
            assert_eq!(serde_json::to_value(row).unwrap(), row.as_str());
        }
    }

    #[test]
    fn every_row_is_the_matter_of_a_step() {
        for row in Row::ALL {
            assert!(Step::ALL.iter().any(|step| step.rows().contains(&row)));
        }
    }
}
