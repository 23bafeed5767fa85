//! What the kernel and the loader say of the process that looked.
//!
//! It is evidence and no proof. Whoever controls a process from its first instruction controls what it sees of itself too.

use schemars::JsonSchema;
use serde::Serialize;

/// What the kernel and the loader say of the process that looked at the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// How the host's name is known.
    pub host: HostEvidence,
    /// What puts libraries into this process that it does not ask for: variables, files of the system, and libraries that
    /// are mapped. Null if it could not be looked at.
    pub preloaded: Option<Vec<String>>,
    /// The user namespace: in another than the first, user ids are not the machine's.
    pub user_namespace: Namespace,
    /// The UTS namespace: in another than the first, the host's name is not the machine's.
    pub uts_namespace: Namespace,
}

/// How a host's name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostEvidence {
    /// The machine says so itself: whoever administers it chooses the name.
    SelfDeclared,
    /// Somebody asks about a host of this name, in a rehearsal.
    Asked,
}

impl HostEvidence {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SelfDeclared => "self-declared",
            Self::Asked => "asked",
        }
    }
}

/// In which namespace of a kind a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// The one that the kernel began with.
    First,
    /// One that somebody made, as for a container.
    Other,
    /// This system has no namespaces.
    None,
    /// It could not be told.
    Unknown,
}

impl Namespace {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Other => "other",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}
