//! Where a keychain's password is when no run needs it, and who can read it there.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::secret_source::SecretSource;

/// Where the password of a keychain comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordSource {
    /// The file in the state directory in which `keychain create` keeps it.
    KeptFile,
    /// A file that somebody named.
    File,
    /// A descriptor that countersign was started with.
    Descriptor,
    /// An environment variable.
    Environment,
    /// A person typed it.
    Prompt,
    /// Another user's helper.
    Served,
}

impl PasswordSource {
    /// What this way does not protect from, in one sentence.
    pub fn limits(self) -> &'static str {
        match self {
            Self::KeptFile => {
                "every process of this user can read the password at any time and open the keychain without the gate"
            }
            Self::File => {
                "every process of this user can read the password where this user can read the file"
            }
            Self::Descriptor => {
                "whoever starts countersign has the password; unless the program is set-group-ID, a process of this user \
                 that traces countersign from its start has it too"
            }
            Self::Environment => {
                "whoever starts countersign has the password, and processes of this user can read it in the environment \
                 of the process that starts countersign"
            }
            Self::Prompt => "processes of this user can read what is typed on their terminal",
            Self::Served => {
                "no process of this user can read the password; a job may still start a run of its own, which the gate \
                 judges by the policy of the helper"
            }
        }
    }
}

impl From<&SecretSource> for PasswordSource {
    fn from(source: &SecretSource) -> Self {
        match source {
            SecretSource::File(_) => Self::File,
            SecretSource::Descriptor(_) => Self::Descriptor,
            SecretSource::Environment(_) => Self::Environment,
            SecretSource::Prompt(_) => Self::Prompt,
        }
    }
}

/// `kept-file`, `descriptor`, …: the words of the documents.
impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::KeptFile => "kept-file",
            Self::File => "file",
            Self::Descriptor => "descriptor",
            Self::Environment => "environment",
            Self::Prompt => "prompt",
            Self::Served => "served",
        })
    }
}
