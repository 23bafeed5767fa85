//! What the doctor tells: the `countersign.doctor.v1` document.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::finding::Finding;
use crate::base::ids::HostName;
use crate::host::keychain::{BackendKind, KeychainPath, LockState};
use crate::host::mac::Found;
use crate::ops::page::document::Missing;
use crate::ops::page::expiries::Expiry;
use crate::ops::report::Report;

/// The `countersign.doctor.v1` document: what this machine is to countersign.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorDocument {
    /// Always `countersign.doctor.v1`.
    #[schemars(extend("const" = "countersign.doctor.v1"))]
    pub schema: &'static str,
    /// When it looked (RFC 3339, UTC).
    pub at: Timestamp,
    /// Whether a gate would block here, or could not even be asked, whatever project and identities a job has.
    pub would_block: bool,
    /// What is wrong: first what blocks, then by group in the order of the gate.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub missing: Vec<Missing>,
    /// The machine.
    pub host: HostDocument,
    /// The directories that are looked into.
    pub directories: Vec<ShownDirectory>,
    /// What only a Mac has; null if this is none.
    pub mac: Option<MacDocument>,
    /// The policy's keychain; null if it could not be looked at.
    pub keychain: Option<KeychainSeen>,
    /// The clock.
    pub clock: ClockDocument,
    /// What would make a gate block next if nobody does anything; null if nothing expires.
    pub next: Option<NextFailure>,
    /// Everything that expires, the earliest first.
    pub expiries: Vec<Expiry>,
}

impl Report for DoctorDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// The machine, and who looks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostDocument {
    /// What it calls itself; null if that is no name.
    pub name: Option<HostName>,
    /// Whether the policy lets it hold private keys; null without a policy or a name.
    pub may_hold_keys: Option<bool>,
    /// The policy's `key_hosts`; empty: any host.
    pub key_hosts: Vec<HostName>,
    /// The user, for people.
    pub user: String,
    /// The operating system: `macOS`, `Linux` or `another Unix`.
    pub system: &'static str,
}

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryUse {
    /// The user's home.
    Home,
    /// Installed profiles.
    Profiles,
    /// Journals, the audit log and receipts.
    State,
}

impl DirectoryUse {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Profiles => "profiles",
            Self::State => "state",
        }
    }
}

/// What stands where a directory should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryState {
    /// Nothing.
    Missing,
    /// The directory.
    Directory,
    /// Something that is no directory.
    NoDirectory,
    /// That cannot be told.
    Unknown,
}

impl From<Found> for DirectoryState {
    fn from(found: Found) -> Self {
        match found {
            Found::Missing => Self::Missing,
            Found::Directory => Self::Directory,
            Found::NoDirectory => Self::NoDirectory,
            Found::Unknown => Self::Unknown,
        }
    }
}

/// A directory that is looked into.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownDirectory {
    /// What for.
    pub used_for: DirectoryUse,
    /// Where.
    pub path: String,
    /// What stands there.
    pub state: DirectoryState,
}

/// What only a Mac has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MacDocument {
    /// The Xcodes in /Applications, by path.
    pub xcodes: Vec<ShownXcode>,
    /// The session that this process is in, as launchd names it: `Aqua`, `Background`, `System`; null if that is not told.
    pub session: Option<String>,
}

/// An Xcode that is installed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownXcode {
    /// Its application.
    pub path: String,
    /// Its version; null if it does not say.
    pub version: Option<String>,
    /// Its build; null if it does not say.
    pub build: Option<String>,
    /// Whether `xcode-select` selects it.
    pub is_selected: bool,
}

/// The policy's keychain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeychainSeen {
    /// Its path.
    pub keychain: KeychainPath,
    /// What kind of keychain it is.
    pub backend: BackendKind,
    /// Whether it exists and is open.
    pub state: LockState,
    /// How many identities are in it.
    pub identities: usize,
    /// Whether countersign keeps its password for this user.
    pub password_is_kept: bool,
}

/// The clock of this machine.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClockDocument {
    /// The latest time that the audit log knows of (RFC 3339, UTC); null without a record.
    pub last_record: Option<Timestamp>,
}

/// What would make a gate block next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NextFailure {
    /// From when on a gate would block (RFC 3339, UTC): the expiry, less the policy's `minimum_validity`.
    pub blocks_from: Timestamp,
    /// What expires.
    #[serde(flatten)]
    pub expiry: Expiry,
}
